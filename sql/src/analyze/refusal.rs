//! The errors of this folder: Spark's condition where it has one, else a stable name of ours with Spark's text.

use crate::{OutputMode, SqlError};

/// What Spark refuses for any streaming query, without a condition name of its own.
pub(super) fn refused(operation: &str, message: impl Into<String>) -> SqlError {
    SqlError::new(format!("UNSUPPORTED_STREAMING_OPERATION.{operation}"), message)
}

/// What Spark refuses in this output mode.
pub(super) fn refused_in_mode(mode: OutputMode, operation: &str) -> SqlError {
    SqlError::new(
        "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
        format!(
            "Invalid streaming output mode: {mode}. This output mode is not supported for {operation} on streaming DataFrames/DataSets."
        ),
    )
}

/// What Spark runs and Tidemill does not.
pub(super) fn not_supported_yet(operation: &str, what: &str) -> SqlError {
    SqlError::new(
        format!("NOT_SUPPORTED_YET.{operation}"),
        format!("{what} is not supported yet. Rewrite the query without it."),
    )
}

/// A stream in a statement that runs as a batch.
pub(super) fn stream_in_batch(statement: &str) -> SqlError {
    SqlError::new(
        "STREAMING_SOURCE_IN_BATCH_QUERY",
        format!(
            "Queries with streaming sources must be executed with write_stream().start(), or CREATE STREAMING TABLE in SQL; {statement} cannot read a stream."
        ),
    )
}

/// The mode as Spark writes it inside a sentence.
pub(super) fn capitalised(mode: OutputMode) -> &'static str {
    match mode {
        OutputMode::Append => "Append",
        OutputMode::Update => "Update",
        OutputMode::Complete => "Complete",
    }
}
