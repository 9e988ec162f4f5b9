//! Errors of planning: a stable condition name, a text, and where in the statement.

use std::fmt;

use datafusion::error::DataFusionError;

/// A result of this crate.
pub type Result<T, E = SqlError> = std::result::Result<T, E>;

/// Why a statement or plan was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlError {
    /// Spark's condition name where it has one, else a stable one of ours; never a `_LEGACY_` number.
    pub condition: String,
    /// The text for a person, Spark's where it has one.
    pub message: String,
    /// Line and column (from 1) in the SQL text, where known.
    pub position: Option<(u64, u64)>,
}

impl SqlError {
    /// An error with this condition and text.
    pub fn new(condition: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            condition: condition.into(),
            message: message.into(),
            position: None,
        }
    }

    /// The same error, at this line and column (from 1).
    #[must_use]
    pub fn at(mut self, line: u64, column: u64) -> Self {
        self.position = Some((line, column));
        self
    }

    /// The error of ours inside a DataFusion error, if one is there.
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        match error.find_root() {
            DataFusionError::External(e) => e.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.condition, self.message)
    }
}

impl std::error::Error for SqlError {}

impl From<SqlError> for DataFusionError {
    fn from(error: SqlError) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<DataFusionError> for SqlError {
    fn from(error: DataFusionError) -> Self {
        match Self::find(&error) {
            Some(ours) => ours.clone(),
            None => Self::new("PLANNING_ERROR", error.strip_backtrace()),
        }
    }
}

/// An error of the state crate inside DataFusion's, where [`StateError`](tidemill_state::StateError) can be found again.
pub(crate) fn state(error: tidemill_state::StateError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
