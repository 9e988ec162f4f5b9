//! The options of reading JSON, after Spark's `JSONOptions`.

use super::tape::Syntax;
use crate::record::RecordError;
use crate::record::encoding::Encoding;
use crate::record::line::LineSeparator;
use crate::record::option::{OptionReader, ParseMode, RecordOption, by_caller, implemented, not_implemented};
use crate::record::value::TemporalReader;

/// Every option Spark 4.3 has for reading JSON.
pub const JSON_READ_OPTIONS: &[RecordOption] = &[
    implemented("allowBackslashEscapingAnyCharacter"),
    implemented("allowComments"),
    implemented("allowNonNumericNumbers"),
    implemented("allowNumericLeadingZeros"),
    implemented("allowSingleQuotes"),
    implemented("allowUnquotedControlChars"),
    implemented("allowUnquotedFieldNames"),
    implemented("columnNameOfCorruptRecord"),
    implemented("dateFormat"),
    implemented("dropFieldIfAllNull"),
    implemented("encoding"),
    implemented("charset"),
    implemented("inferTimestamp"),
    implemented("lineSep"),
    implemented("mode"),
    implemented("multiLine"),
    implemented("prefersDecimal"),
    implemented("primitivesAsString"),
    implemented("timeZone"),
    implemented("timestampFormat"),
    implemented("timestampNTZFormat"),
    by_caller("compression"),
    by_caller("samplingRatio"),
    not_implemented("enableDateTimeParsingFallback", Some("false")),
    not_implemented("locale", Some("en-US")),
    not_implemented("maxNestingDepth", Some("1000")),
    not_implemented("maxNumLen", Some("1000")),
    not_implemented("maxStringLen", None),
    not_implemented("singleVariantColumn", None),
    not_implemented("timeFormat", None),
    not_implemented("useUnsafeRow", Some("false")),
];

/// How JSON is read.
#[derive(Clone, Debug)]
pub struct JsonReadOptions {
    encoding: Encoding,
    pub(crate) mode: ParseMode,
    pub(crate) corrupt_record: String,
    pub(crate) syntax: Syntax,
    pub(crate) temporal: TemporalReader,
    pub(crate) separator: LineSeparator,
    pub(crate) multi_line: bool,
    pub(crate) primitives_as_string: bool,
    pub(crate) prefers_decimal: bool,
    pub(crate) drop_field_if_all_null: bool,
    pub(crate) infer_timestamp: bool,
}

impl JsonReadOptions {
    /// The options that `get` gives values for; `get` should not care about case.
    ///
    /// # Errors
    /// [`RecordError::InvalidOption`] or [`RecordError::NotImplementedOption`], naming the option.
    pub fn from_options(
        get: &dyn Fn(&str) -> Option<String>,
        session_time_zone: &str,
    ) -> Result<Self, RecordError> {
        let options = OptionReader::new(get, JSON_READ_OPTIONS)?;
        let multi_line = options.boolean("multiLine", false)?;
        options.ratio("samplingRatio")?;
        Ok(Self {
            encoding: encoding(&options, multi_line)?,
            mode: options.mode()?,
            corrupt_record: options.corrupt_record(),
            syntax: Syntax {
                comments: options.boolean("allowComments", false)?,
                unquoted_field_names: options.boolean("allowUnquotedFieldNames", false)?,
                single_quotes: options.boolean("allowSingleQuotes", true)?,
                numeric_leading_zeros: options.boolean("allowNumericLeadingZeros", false)?,
                non_numeric_numbers: options.boolean("allowNonNumericNumbers", true)?,
                backslash_escaping_any_character: options
                    .boolean("allowBackslashEscapingAnyCharacter", false)?,
                unquoted_control_chars: options.boolean("allowUnquotedControlChars", false)?,
            },
            temporal: options.temporal(session_time_zone)?,
            separator: LineSeparator::new(options.line_sep()?),
            multi_line,
            primitives_as_string: options.boolean("primitivesAsString", false)?,
            prefers_decimal: options.boolean("prefersDecimal", false)?,
            drop_field_if_all_null: options.boolean("dropFieldIfAllNull", false)?,
            infer_timestamp: options.boolean("inferTimestamp", false)?,
        })
    }

    /// The character set of the files: a decoder is given their text in UTF-8.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}

/// Where a file is one value its first bytes tell the set; lines of another set than UTF-8 need option `lineSep`.
fn encoding(options: &OptionReader<'_>, multi_line: bool) -> Result<Encoding, RecordError> {
    let set = options.encoding()?;
    if multi_line {
        return Ok(set.unwrap_or(Encoding::Json));
    }
    if set.is_some_and(|set| set != Encoding::Utf8) && options.text("lineSep").is_none() {
        return Err(RecordError::invalid(
            "encoding",
            &options.text("encoding").unwrap_or_default(),
            "option lineSep beside it, or multiLine",
        ));
    }
    options.encoding_of_lines(multi_line)
}
