//! The options of reading CSV, after Spark's `CSVOptions`.

use super::tokenizer::{Syntax, UnescapedQuote};
use crate::record::RecordError;
use crate::record::encoding::Encoding;
use crate::record::line::LineSeparator;
use crate::record::option::{OptionReader, ParseMode, RecordOption, by_caller, implemented, not_implemented};
use crate::record::value::TemporalReader;

/// Every option Spark 4.3 has for reading CSV.
pub const CSV_READ_OPTIONS: &[RecordOption] = &[
    implemented("charToEscapeQuoteEscaping"),
    implemented("charset"),
    implemented("columnNameOfCorruptRecord"),
    implemented("columnPruning"),
    implemented("comment"),
    implemented("dateFormat"),
    implemented("delimiter"),
    implemented("emptyValue"),
    implemented("encoding"),
    implemented("enforceSchema"),
    implemented("escape"),
    implemented("header"),
    implemented("ignoreLeadingWhiteSpace"),
    implemented("ignoreTrailingWhiteSpace"),
    implemented("lineSep"),
    implemented("maxCharsPerColumn"),
    implemented("maxColumns"),
    implemented("mode"),
    implemented("multiLine"),
    implemented("nanValue"),
    implemented("negativeInf"),
    implemented("nullValue"),
    implemented("positiveInf"),
    implemented("preferDate"),
    implemented("quote"),
    implemented("sep"),
    implemented("timeZone"),
    implemented("timestampFormat"),
    implemented("timestampNTZFormat"),
    implemented("unescapedQuoteHandling"),
    by_caller("codec"),
    by_caller("compression"),
    by_caller("inferSchema"),
    by_caller("inputBufferSize"),
    by_caller("samplingRatio"),
    not_implemented("enableDateTimeParsingFallback", Some("false")),
    not_implemented("locale", Some("en-US")),
    not_implemented("singleVariantColumn", None),
    not_implemented("timeFormat", None),
];

/// How CSV is read.
#[derive(Clone, Debug)]
pub struct CsvReadOptions {
    encoding: Encoding,
    /// Whether a record's number of fields does not matter where not all columns are asked for.
    pub(super) column_pruning: bool,
    pub(crate) mode: ParseMode,
    pub(crate) corrupt_record: String,
    pub(crate) syntax: Syntax,
    pub(crate) temporal: TemporalReader,
    pub(crate) header: bool,
    pub(crate) enforce_schema: bool,
    pub(crate) null_value: String,
    pub(crate) empty_value: String,
    pub(crate) nan_value: String,
    pub(crate) positive_inf: String,
    pub(crate) negative_inf: String,
    pub(crate) prefer_date: bool,
}

impl CsvReadOptions {
    /// The options that `get` gives values for; `get` should not care about case.
    ///
    /// # Errors
    /// [`RecordError::InvalidOption`] or [`RecordError::NotImplementedOption`], naming the option.
    pub fn from_options(
        get: &dyn Fn(&str) -> Option<String>,
        session_time_zone: &str,
    ) -> Result<Self, RecordError> {
        let options = OptionReader::new(get, CSV_READ_OPTIONS)?;
        let multi_line = options.boolean("multiLine", false)?;
        let text = |name: &str, default: &str| options.text(name).unwrap_or_else(|| default.to_owned());
        Ok(Self {
            encoding: options.encoding_of_lines(multi_line)?,
            column_pruning: options.boolean("columnPruning", true)?,
            mode: options.mode()?,
            corrupt_record: options.corrupt_record(),
            syntax: syntax(&options)?,
            temporal: options.temporal(session_time_zone)?,
            header: options.boolean("header", false)?,
            enforce_schema: options.boolean("enforceSchema", true)?,
            null_value: text("nullValue", ""),
            empty_value: text("emptyValue", ""),
            nan_value: text("nanValue", "NaN"),
            positive_inf: text("positiveInf", "Inf"),
            negative_inf: text("negativeInf", "-Inf"),
            prefer_date: options.boolean("preferDate", true)?,
        })
    }
}

impl CsvReadOptions {
    /// The character set of the files: a decoder is given their text in UTF-8.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}

/// The separator of fields; `sep` goes before `delimiter`.
pub(super) fn delimiter(options: &OptionReader<'_>) -> Result<Vec<u8>, RecordError> {
    let (name, value) = ["sep", "delimiter"]
        .into_iter()
        .find_map(|name| options.text(name).map(|v| (name, v)))
        .unwrap_or(("sep", ",".to_owned()));
    if value.is_empty() {
        return Err(RecordError::invalid(name, &value, "one character or more"));
    }
    let plain = value
        .replace("\\t", "\t")
        .replace("\\r", "\r")
        .replace("\\b", "\u{8}");
    let plain = plain
        .replace("\\f", "\u{c}")
        .replace("\\u0000", "\0")
        .replace("\\\\", "\\");
    Ok(plain.into_bytes())
}

/// A single-byte character; the empty string and U+0000 mean none.
pub(super) fn character(
    options: &OptionReader<'_>,
    name: &str,
    default: Option<u8>,
) -> Result<Option<u8>, RecordError> {
    let Some(value) = options.text(name) else {
        return Ok(default);
    };
    match value.as_bytes() {
        [] | [0] => Ok(None),
        [one] if one.is_ascii() => Ok(Some(*one)),
        _ if value.chars().nth(1).is_some() => Err(RecordError::NotOneCharacter {
            name: name.into(),
            value,
        }),
        _ => Err(RecordError::invalid(
            name,
            &value,
            "one ASCII character, or nothing to turn it off",
        )),
    }
}

fn syntax(options: &OptionReader<'_>) -> Result<Syntax, RecordError> {
    let quote = character(options, "quote", Some(b'"'))?;
    let escape = character(options, "escape", Some(b'\\'))?;
    let default_escape = if escape == quote { None } else { escape };
    let max_chars = options.integer("maxCharsPerColumn", -1)?;
    let max_columns = options.integer("maxColumns", 20_480)?;
    let handling = options
        .text("unescapedQuoteHandling")
        .unwrap_or_else(|| "STOP_AT_DELIMITER".into());
    Ok(Syntax {
        delimiter: delimiter(options)?,
        quote,
        escape,
        escape_escape: character(options, "charToEscapeQuoteEscaping", default_escape)?,
        comment: character(options, "comment", None)?,
        trim_start: options.boolean("ignoreLeadingWhiteSpace", false)?,
        trim_end: options.boolean("ignoreTrailingWhiteSpace", false)?,
        unescaped_quote: match handling.to_ascii_uppercase().as_str() {
            "STOP_AT_DELIMITER" => UnescapedQuote::StopAtDelimiter,
            "STOP_AT_CLOSING_QUOTE" => UnescapedQuote::StopAtClosingQuote,
            "SKIP_VALUE" => UnescapedQuote::SkipValue,
            "RAISE_ERROR" => UnescapedQuote::RaiseError,
            "BACK_TO_DELIMITER" => {
                return Err(RecordError::not_implemented(
                    "unescapedQuoteHandling",
                    &handling,
                    "use STOP_AT_DELIMITER",
                ));
            }
            _ => {
                return Err(RecordError::invalid(
                    "unescapedQuoteHandling",
                    &handling,
                    "STOP_AT_DELIMITER, STOP_AT_CLOSING_QUOTE, SKIP_VALUE or RAISE_ERROR",
                ));
            }
        },
        max_columns: usize::try_from(max_columns).map_err(|_| {
            RecordError::invalid("maxColumns", &max_columns.to_string(), "a positive integer")
        })?,
        max_column_chars: usize::try_from(max_chars).ok(),
        separator: LineSeparator::new(options.line_sep()?),
        multi_line: options.boolean("multiLine", false)?,
    })
}
