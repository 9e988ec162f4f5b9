//! What of a query's result reaches the sink in each batch.

use std::fmt;
use std::str::FromStr;

use crate::SqlError;

/// What of a query's result reaches the sink in each batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputMode {
    /// Rows that will never change.
    #[default]
    Append,
    /// Rows that are new or changed since the last batch.
    Update,
    /// The whole result.
    Complete,
}

impl fmt::Display for OutputMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Append => "append",
            Self::Update => "update",
            Self::Complete => "complete",
        })
    }
}

impl FromStr for OutputMode {
    type Err = SqlError;

    fn from_str(text: &str) -> Result<Self, SqlError> {
        match text.to_ascii_lowercase().as_str() {
            "append" => Ok(Self::Append),
            "update" => Ok(Self::Update),
            "complete" => Ok(Self::Complete),
            _ => Err(SqlError::new(
                "STREAMING_OUTPUT_MODE.INVALID",
                format!(
                    "Invalid streaming output mode: {text}. Accepted output modes are 'Append', 'Complete', 'Update'."
                ),
            )),
        }
    }
}
