//! The options of writing CSV.

use super::read_options::{character, delimiter};
use crate::record::option::{OptionReader, RecordOption, by_caller, implemented, not_implemented};
use crate::record::text_value::TemporalWriter;
use crate::record::{Encoding, RecordError};

/// Every option Spark 4.3 has for writing CSV.
pub const CSV_WRITE_OPTIONS: &[RecordOption] = &[
    implemented("charToEscapeQuoteEscaping"),
    implemented("charset"),
    implemented("comment"),
    implemented("dateFormat"),
    implemented("delimiter"),
    implemented("emptyValue"),
    implemented("encoding"),
    implemented("escape"),
    implemented("escapeQuotes"),
    implemented("header"),
    implemented("ignoreLeadingWhiteSpace"),
    implemented("ignoreTrailingWhiteSpace"),
    implemented("lineSep"),
    implemented("nullValue"),
    implemented("quote"),
    implemented("quoteAll"),
    implemented("sep"),
    implemented("timeZone"),
    implemented("timestampFormat"),
    implemented("timestampNTZFormat"),
    by_caller("codec"),
    by_caller("compression"),
    by_caller("extension"),
    not_implemented("locale", Some("en-US")),
    not_implemented("timeFormat", None),
];

/// How CSV is written.
#[derive(Clone, Debug)]
pub struct CsvWriteOptions {
    pub(super) temporal: TemporalWriter,
    pub(super) delimiter: Vec<u8>,
    pub(super) quote: u8,
    pub(super) escape: u8,
    /// Written before an escape character inside quotes.
    pub(super) escape_escape: Option<u8>,
    pub(super) comment: u8,
    pub(super) header: bool,
    pub(super) quote_all: bool,
    pub(super) escape_quotes: bool,
    pub(super) trim_start: bool,
    pub(super) trim_end: bool,
    pub(super) null_value: String,
    pub(super) empty_value: String,
    pub(super) line_sep: Vec<u8>,
    encoding: Encoding,
}

impl CsvWriteOptions {
    /// The options that `get` gives values for; `get` should not care about case.
    ///
    /// # Errors
    /// [`RecordError::InvalidOption`] or [`RecordError::NotImplementedOption`], naming the option.
    pub fn from_options(
        get: &dyn Fn(&str) -> Option<String>,
        session_time_zone: &str,
    ) -> Result<Self, RecordError> {
        let options = OptionReader::new(get, CSV_WRITE_OPTIONS)?;
        let quote = character(&options, "quote", Some(b'"'))?.unwrap_or(0);
        let escape = character(&options, "escape", Some(b'\\'))?.unwrap_or(0);
        let default_escape = (escape != quote).then_some(escape);
        Ok(Self {
            temporal: options.temporal_writer(session_time_zone)?,
            delimiter: delimiter(&options)?,
            quote,
            escape,
            escape_escape: character(&options, "charToEscapeQuoteEscaping", default_escape)?,
            // The writer's own default; the reader has none.
            comment: character(&options, "comment", Some(b'#'))?.unwrap_or(b'#'),
            header: options.boolean("header", false)?,
            quote_all: options.boolean("quoteAll", false)?,
            escape_quotes: options.boolean("escapeQuotes", true)?,
            trim_start: options.boolean("ignoreLeadingWhiteSpace", true)?,
            trim_end: options.boolean("ignoreTrailingWhiteSpace", true)?,
            null_value: options.text("nullValue").unwrap_or_default(),
            empty_value: options.text("emptyValue").unwrap_or_else(|| "\"\"".into()),
            line_sep: options.line_sep()?.unwrap_or_else(|| b"\n".to_vec()),
            encoding: options.encoding()?.unwrap_or_default(),
        })
    }

    /// The character set of the files, for [`TranscodingEncoder`](crate::record::TranscodingEncoder).
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}
