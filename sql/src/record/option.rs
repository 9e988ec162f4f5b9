//! Options of the record formats: the tables of names, and reading values with clear errors.

use super::RecordError;
use super::encoding::Encoding;
use super::text_value::TemporalWriter;
use super::value::{DateTimePattern, TemporalReader, Zone};

/// One option of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOption {
    /// Its name; case does not matter.
    pub name: &'static str,
    /// What becomes of it.
    pub support: OptionSupport,
}

/// Whether an option is honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionSupport {
    /// Here.
    Implemented,
    /// By the source or sink around the records (compression, schema inference), or not at all.
    ByCaller,
    /// Not: a value other than the default is refused.
    NotImplemented {
        /// Spark's default, if it has one.
        default: Option<&'static str>,
    },
}

pub(crate) const fn implemented(name: &'static str) -> RecordOption {
    RecordOption {
        name,
        support: OptionSupport::Implemented,
    }
}

pub(crate) const fn by_caller(name: &'static str) -> RecordOption {
    RecordOption {
        name,
        support: OptionSupport::ByCaller,
    }
}

pub(crate) const fn not_implemented(name: &'static str, default: Option<&'static str>) -> RecordOption {
    RecordOption {
        name,
        support: OptionSupport::NotImplemented { default },
    }
}

/// What becomes of malformed records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParseMode {
    /// Bad fields are null; the record goes into the corrupt-record column, if there is one.
    #[default]
    Permissive,
    /// The record is left out.
    DropMalformed,
    /// Decoding fails.
    FailFast,
}

/// The column name that takes malformed records unless `columnNameOfCorruptRecord` names another.
pub(crate) const CORRUPT_RECORD: &str = "_corrupt_record";

/// Reads options by name.
pub(crate) struct OptionReader<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> OptionReader<'a> {
    /// A reader over `get`, after refusing options of `table` that are set and not implemented.
    pub(crate) fn new(
        get: &'a dyn Fn(&str) -> Option<String>,
        table: &[RecordOption],
    ) -> Result<Self, RecordError> {
        for option in table {
            let OptionSupport::NotImplemented { default } = option.support else {
                continue;
            };
            if let Some(value) = get(option.name)
                && !default.is_some_and(|d| d.eq_ignore_ascii_case(&value))
            {
                let hint = match default {
                    Some(default) => format!("leave it out or set it to '{default}'"),
                    None => "leave it out".to_owned(),
                };
                return Err(RecordError::not_implemented(option.name, &value, hint));
            }
        }
        Ok(Self { get })
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        (self.get)(name)
    }

    pub(crate) fn boolean(&self, name: &str, default: bool) -> Result<bool, RecordError> {
        match self.text(name) {
            None => Ok(default),
            Some(v) if v.eq_ignore_ascii_case("true") => Ok(true),
            Some(v) if v.eq_ignore_ascii_case("false") => Ok(false),
            Some(v) => Err(RecordError::invalid(name, &v, "true or false")),
        }
    }

    pub(crate) fn integer(&self, name: &str, default: i32) -> Result<i32, RecordError> {
        match self.text(name) {
            None => Ok(default),
            Some(v) => v
                .parse()
                .map_err(|_| RecordError::invalid(name, &v, "an integer")),
        }
    }

    /// A fraction above 0 and up to 1.
    pub(crate) fn ratio(&self, name: &str) -> Result<f64, RecordError> {
        match self.text(name) {
            None => Ok(1.0),
            Some(v) => match v.parse::<f64>() {
                Ok(r) if r > 0.0 && r <= 1.0 => Ok(r),
                _ => Err(RecordError::invalid(name, &v, "a number above 0 and not above 1")),
            },
        }
    }

    pub(crate) fn mode(&self) -> Result<ParseMode, RecordError> {
        let Some(v) = self.text("mode") else {
            return Ok(ParseMode::Permissive);
        };
        match v.to_ascii_uppercase().as_str() {
            "PERMISSIVE" => Ok(ParseMode::Permissive),
            "DROPMALFORMED" => Ok(ParseMode::DropMalformed),
            "FAILFAST" => Ok(ParseMode::FailFast),
            _ => Err(RecordError::invalid(
                "mode",
                &v,
                "PERMISSIVE, DROPMALFORMED or FAILFAST",
            )),
        }
    }

    pub(crate) fn corrupt_record(&self) -> String {
        self.text("columnNameOfCorruptRecord")
            .unwrap_or_else(|| CORRUPT_RECORD.to_owned())
    }

    /// The character set of options `encoding` and `charset`, if one is set.
    pub(crate) fn encoding(&self) -> Result<Option<Encoding>, RecordError> {
        ["encoding", "charset"]
            .into_iter()
            .find_map(|name| self.text(name).map(|value| Encoding::parse(name, &value)))
            .transpose()
    }

    /// The character set of files whose lines are told by their bytes.
    pub(crate) fn encoding_of_lines(&self, multi_line: bool) -> Result<Encoding, RecordError> {
        let encoding = self.encoding()?.unwrap_or_default();
        let name = self.text("encoding").or_else(|| self.text("charset"));
        let value = name.unwrap_or_default();
        if multi_line || encoding.is_single_byte() {
            return Ok(encoding);
        }
        let expected = match encoding {
            Encoding::Utf16 | Encoding::Utf32 => "an encoding without a mark unless multiLine is set",
            _ if self.text("lineSep").is_none() => "option lineSep beside it unless multiLine is set",
            _ => return Ok(encoding),
        };
        Err(RecordError::invalid("encoding", &value, expected))
    }

    /// The line separator, if one is set.
    pub(crate) fn line_sep(&self) -> Result<Option<Vec<u8>>, RecordError> {
        match self.text("lineSep") {
            Some(v) if v.is_empty() => Err(RecordError::invalid("lineSep", &v, "one character or more")),
            v => Ok(v.map(String::into_bytes)),
        }
    }

    /// The zone of option `timeZone`, else the session's.
    pub(crate) fn zone(&self, session_time_zone: &str) -> Result<Zone, RecordError> {
        let id = self
            .text("timeZone")
            .unwrap_or_else(|| session_time_zone.to_owned());
        Zone::parse(&id).ok_or_else(|| {
            RecordError::invalid(
                "timeZone",
                &id,
                "a region id as 'Europe/Berlin' or an offset as '+01:00'",
            )
        })
    }

    pub(crate) fn pattern(&self, name: &str) -> Result<Option<DateTimePattern>, RecordError> {
        self.text(name)
            .map(|v| {
                DateTimePattern::new(&v).map_err(|reason| {
                    RecordError::invalid(name, &v, format!("a date-time pattern; {reason}"))
                })
            })
            .transpose()
    }

    pub(crate) fn temporal(&self, session_time_zone: &str) -> Result<TemporalReader, RecordError> {
        Ok(TemporalReader {
            zone: self.zone(session_time_zone)?,
            date: self.pattern("dateFormat")?,
            timestamp: self.pattern("timestampFormat")?,
            timestamp_ntz: self.pattern("timestampNTZFormat")?,
        })
    }

    /// How dates and timestamps are written: with Spark's patterns unless others are given.
    pub(crate) fn temporal_writer(&self, session_time_zone: &str) -> Result<TemporalWriter, RecordError> {
        let pattern = |name: &str, default: &str| {
            let text = self.text(name).unwrap_or_else(|| default.to_owned());
            DateTimePattern::new(&text)
                .map_err(|reason| RecordError::invalid(name, &text, format!("a date-time pattern; {reason}")))
        };
        Ok(TemporalWriter {
            zone: self.zone(session_time_zone)?,
            date: pattern("dateFormat", "yyyy-MM-dd")?,
            // An offset that has seconds is written with them, unless a pattern is given.
            timestamp: pattern("timestampFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXXXX]")?,
            timestamp_ntz: pattern("timestampNTZFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS]")?,
        })
    }
}
