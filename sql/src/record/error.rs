//! What can be wrong with records and with the options that describe them.

use arrow::error::ArrowError;

use crate::SqlError;

/// Why records could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A record does not fit the schema and the mode is FAILFAST.
    #[error(
        "Malformed records are detected in record parsing: {record}. \
         Parse Mode: FAILFAST. To process malformed records as null result, \
         try setting the option 'mode' as 'PERMISSIVE'."
    )]
    Malformed {
        /// The record, shortened.
        record: String,
    },
    /// An option's value is not one of those allowed.
    #[error("Invalid value '{value}' for option '{name}': expected {expected}.")]
    InvalidOption {
        /// The option.
        name: String,
        /// The value given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// An option takes one character.
    #[error("The value of {name} cannot be more than one character, but got {value}.")]
    NotOneCharacter {
        /// The option.
        name: String,
        /// The value given.
        value: String,
    },
    /// A character set that Spark does not know.
    #[error(
        "The value of option '{option}' is invalid: expected one of the charsets 'iso-8859-1', 'us-ascii', 'utf-16', \
         'utf-16be', 'utf-16le', 'utf-32', 'utf-8', but got '{value}'."
    )]
    Charset {
        /// The option.
        option: String,
        /// The value given.
        value: String,
    },
    /// An option that Spark has and this engine does not honour was set.
    #[error("Option '{name}' with value '{value}' is not implemented: {hint}.")]
    NotImplementedOption {
        /// The option.
        name: String,
        /// The value given.
        value: String,
        /// What to do instead.
        hint: String,
    },
    /// The format has no text for this type.
    #[error("The {format} datasource doesn't support the column `{column}` of the type \"{data_type}\".")]
    UnsupportedType {
        /// The format: JSON, CSV or Text.
        format: &'static str,
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// Text has one column.
    #[error("Text data source supports only a single column, and you have {columns} columns.")]
    TextColumns {
        /// How many there are.
        columns: usize,
    },
    /// The corrupt-record column is not a nullable STRING.
    #[error(
        "The column `{column}` for corrupt records must have the nullable STRING type, but got \"{data_type}\"."
    )]
    CorruptRecordType {
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// A CSV header does not name the schema's columns and `enforceSchema` is false.
    #[error(
        "CSV header does not conform to the schema.\n Header: {header}\n Schema: {schema}\n\
         Expected: {expected} but found: {found}"
    )]
    HeaderMismatch {
        /// The names in the file.
        header: String,
        /// The names in the schema.
        schema: String,
        /// The first name that differs, in the schema.
        expected: String,
        /// The first name that differs, in the file.
        found: String,
    },
    /// A record breaks the tokenizer's rules so that the file cannot be read on.
    #[error("{reason}: {record}")]
    Unreadable {
        /// What is wrong, and which option governs it.
        reason: String,
        /// The record, shortened.
        record: String,
    },
    /// A batch would hold more than 2 GiB in one column, or a record is larger than the limit.
    #[error("{what} is larger than {limit_bytes} bytes; split the record or read fewer rows per batch")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit_bytes: usize,
    },
    /// Arrow refused the arrays.
    #[error("{0}")]
    Arrow(#[from] ArrowError),
}

impl RecordError {
    /// Spark's condition name where it has one, else a stable one of ours.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
            Self::InvalidOption { .. } => "INVALID_OPTION_VALUE",
            Self::NotOneCharacter { .. } => "OPTION_VALUE_EXCEEDS_ONE_CHARACTER",
            Self::Charset { .. } => "INVALID_PARAMETER_VALUE.CHARSET",
            Self::NotImplementedOption { .. } => "UNSUPPORTED_OPTION_VALUE",
            Self::UnsupportedType { .. } => "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
            Self::TextColumns { .. } => "TEXT_COLUMN_COUNT",
            Self::CorruptRecordType { .. } => "INVALID_CORRUPT_RECORD_TYPE",
            Self::HeaderMismatch { .. } => "CSV_HEADER_MISMATCH",
            Self::Unreadable { .. } => "MALFORMED_CSV_RECORD",
            Self::TooLarge { .. } => "RECORD_TOO_LARGE",
            Self::Arrow(_) => "ARROW_ERROR",
        }
    }

    pub(crate) fn invalid(name: &str, value: &str, expected: impl Into<String>) -> Self {
        Self::InvalidOption {
            name: name.into(),
            value: value.into(),
            expected: expected.into(),
        }
    }

    pub(crate) fn not_implemented(name: &str, value: &str, hint: impl Into<String>) -> Self {
        Self::NotImplementedOption {
            name: name.into(),
            value: value.into(),
            hint: hint.into(),
        }
    }

    /// FAILFAST's error for this record.
    pub(crate) fn malformed(record: &[u8]) -> Self {
        Self::Malformed {
            record: excerpt(record),
        }
    }
}

/// The first 200 bytes or so of a record, as text.
pub(crate) fn excerpt(record: &[u8]) -> String {
    const MAX: usize = 200;
    let head = record.get(..MAX).unwrap_or(record);
    let mut text = String::from_utf8_lossy(head).into_owned();
    if record.len() > MAX {
        text.push_str("...");
    }
    text
}

impl From<RecordError> for SqlError {
    fn from(error: RecordError) -> Self {
        Self::new(error.condition(), error.to_string())
    }
}
