//! What can be wrong with state.

use tidemill_checkpoint::{CheckpointError, CheckpointErrorKind};

/// A result of this crate.
pub type Result<T, E = StateError> = std::result::Result<T, E>;

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file of the checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint's stateful operators are not the query's.
    #[error(
        "Streaming stateful operator name does not match with the operator in state metadata. This is likely to \
         happen when a stateful operator of an existing streaming query is added, removed or changed. Stateful \
         operators in the metadata: [{in_metadata}]; Stateful operators in current batch: [{in_plan}]. Start the \
         query that wrote the checkpoint, or give this one a checkpoint of its own"
    )]
    OperatorsDoNotMatch {
        /// What the checkpoint holds.
        in_metadata: String,
        /// What the query needs.
        in_plan: String,
    },
    /// A type that rows of state cannot hold.
    #[error(
        "Unsupported data type {data_type} of {field}: a row of state cannot hold it. Cast it to a type that Spark has"
    )]
    UnsupportedDataType {
        /// The column; nested ones with dots.
        field: String,
        /// Its type.
        data_type: String,
    },
    /// Columns that are not those of the rows to be written.
    #[error("{field}: expected {expected}, found {found}. Give the columns of the rows' schema")]
    ColumnMismatch {
        /// The column, or `columns`.
        field: String,
        /// What the schema says.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A value that a row of state cannot hold.
    #[error("{field}: {reason}")]
    ValueOutOfRange {
        /// The column.
        field: String,
        /// What does not fit where.
        reason: String,
    },
    /// The bytes of a row are not a row of the schema.
    #[error(
        "a row of state is malformed at {field}: {reason}. The state is damaged, or was written with another schema: \
         restore the checkpoint from a copy, or start the query that wrote it"
    )]
    MalformedRow {
        /// The column, or `row`.
        field: String,
        /// What was expected and found.
        reason: String,
    },
}

impl StateError {
    /// Who has to act.
    pub fn kind(&self) -> CheckpointErrorKind {
        match self {
            Self::Checkpoint(error) => error.kind(),
            Self::OperatorsDoNotMatch { .. } | Self::ColumnMismatch { .. } | Self::ValueOutOfRange { .. } => {
                CheckpointErrorKind::Invalid
            }
            Self::UnsupportedDataType { .. } => CheckpointErrorKind::Unsupported,
            Self::MalformedRow { .. } => CheckpointErrorKind::Corrupt,
        }
    }

    /// The stable name: Spark's error condition where Spark has one, else ours.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Checkpoint(error) => error.condition(),
            Self::OperatorsDoNotMatch { .. } => "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
            Self::UnsupportedDataType { .. } => "UNSUPPORTED_DATATYPE",
            Self::ColumnMismatch { .. } => "STATE_ROW_COLUMN_MISMATCH",
            Self::ValueOutOfRange { .. } => "STATE_ROW_VALUE_OUT_OF_RANGE",
            Self::MalformedRow { .. } => "STATE_ROW_MALFORMED",
        }
    }
}
