//! The options of writing JSON.

use crate::record::option::{OptionReader, RecordOption, by_caller, implemented, not_implemented};
use crate::record::text_value::TemporalWriter;
use crate::record::{Encoding, RecordError};

/// Every option Spark 4.3 has for writing JSON.
pub const JSON_WRITE_OPTIONS: &[RecordOption] = &[
    implemented("charset"),
    implemented("dateFormat"),
    implemented("encoding"),
    implemented("ignoreNullFields"),
    implemented("lineSep"),
    implemented("timeZone"),
    implemented("timestampFormat"),
    implemented("timestampNTZFormat"),
    by_caller("compression"),
    not_implemented("locale", Some("en-US")),
    implemented("pretty"),
    not_implemented("timeFormat", None),
    not_implemented("writeNonAsciiCharacterAsCodePoint", Some("false")),
    not_implemented("writeNullIfWithDefaultValue", None),
];

/// How JSON is written.
#[derive(Clone, Debug)]
pub struct JsonWriteOptions {
    pub(super) temporal: TemporalWriter,
    pub(super) ignore_null_fields: bool,
    pub(super) line_sep: Vec<u8>,
    pub(super) pretty: bool,
    encoding: Encoding,
}

impl JsonWriteOptions {
    /// The options that `get` gives values for; `get` should not care about case.
    ///
    /// # Errors
    /// [`RecordError::InvalidOption`] or [`RecordError::NotImplementedOption`], naming the option.
    pub fn from_options(
        get: &dyn Fn(&str) -> Option<String>,
        session_time_zone: &str,
    ) -> Result<Self, RecordError> {
        let options = OptionReader::new(get, JSON_WRITE_OPTIONS)?;
        Ok(Self {
            temporal: options.temporal_writer(session_time_zone)?,
            ignore_null_fields: options.boolean("ignoreNullFields", true)?,
            line_sep: options.line_sep()?.unwrap_or_else(|| b"\n".to_vec()),
            pretty: options.boolean("pretty", false)?,
            encoding: options.encoding()?.unwrap_or_default(),
        })
    }

    /// The character set of the files, for [`TranscodingEncoder`](crate::record::TranscodingEncoder).
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}
