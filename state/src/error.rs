//! What can be wrong with state.

use tidemill_checkpoint::CheckpointError;

/// A result of this crate.
pub type Result<T, E = StateError> = std::result::Result<T, E>;

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file of the checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}
