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
}

impl StateError {
    /// Who has to act.
    pub fn kind(&self) -> CheckpointErrorKind {
        match self {
            Self::Checkpoint(error) => error.kind(),
            Self::OperatorsDoNotMatch { .. } => CheckpointErrorKind::Invalid,
        }
    }

    /// The stable name: Spark's error condition where Spark has one, else ours.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Checkpoint(error) => error.condition(),
            Self::OperatorsDoNotMatch { .. } => "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
        }
    }
}
