//! One error for users: what to do about it (the kind), a stable condition name, and a text.

use std::fmt;

use datafusion::error::DataFusionError;
use tidemill_checkpoint::{CheckpointError, CheckpointErrorKind};
use tidemill_sql::SqlError;
use tidemill_state::StateError;

/// A result of this crate.
pub type Result<T, E = TidemillError> = std::result::Result<T, E>;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Try again: the environment failed (network, disk), nothing is wrong with the query or its checkpoint.
    Retry,
    /// Another run works on the same checkpoint or output: stop one of them.
    Concurrent,
    /// A file is damaged or missing: repair or restore it as the text says.
    Corrupt,
    /// The query, an option or the input is wrong: change it as the text says.
    Invalid,
    /// Spark has it, Tidemill has not.
    Unsupported,
    /// A defect of Tidemill.
    Internal,
}

/// An error of Tidemill.
#[derive(Clone, Debug)]
pub struct TidemillError {
    kind: ErrorKind,
    condition: String,
    message: String,
    position: Option<(u64, u64)>,
    source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
}

impl TidemillError {
    /// An error of this kind; `condition` is Spark's name where it has one, else a stable name of ours.
    pub fn new(kind: ErrorKind, condition: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            condition: condition.into(),
            message: message.into(),
            position: None,
            source: None,
        }
    }

    /// [`ErrorKind::Invalid`].
    pub fn invalid(condition: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, condition, message)
    }

    /// [`ErrorKind::Unsupported`].
    pub fn unsupported(condition: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, condition, message)
    }

    /// [`ErrorKind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "INTERNAL_ERROR", message)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(std::sync::Arc::new(source));
        self
    }

    /// The same error, at this line and column (from 1) of the SQL text.
    #[must_use]
    pub fn at(mut self, line: u64, column: u64) -> Self {
        self.position = Some((line, column));
        self
    }

    /// The outermost error of this type in a chain of causes.
    pub(crate) fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(ours) = error.downcast_ref() {
                return Some(ours);
            }
            next = error.source();
        }
        None
    }

    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Its stable name.
    pub fn condition(&self) -> &str {
        &self.condition
    }

    /// The text without the condition.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Line and column (from 1) in the SQL text, where known.
    pub fn position(&self) -> Option<(u64, u64)> {
        self.position
    }
}

impl fmt::Display for TidemillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.condition, self.message)
    }
}

impl std::error::Error for TidemillError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|e| e.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<SqlError> for TidemillError {
    fn from(error: SqlError) -> Self {
        let mut out = Self::invalid(error.condition.clone(), error.message.clone());
        out.position = error.position;
        out
    }
}

impl TidemillError {
    /// The error of ours that DataFusion passes on, if this is none of its own.
    pub(crate) fn carried_by(error: &DataFusionError) -> Option<Self> {
        // The outermost of ours says most; its own cause may be another DataFusion error.
        if let Some(ours) = Self::find(error) {
            return Some(ours.clone());
        }
        if let Some(ours) = SqlError::find(error) {
            return Some(ours.clone().into());
        }
        match error.find_root() {
            DataFusionError::External(root) => root
                .downcast_ref::<StateError>()
                .map(|state| Self::new(kind_of(state.kind()), state.condition(), state.to_string())),
            _ => None,
        }
    }
}

impl From<DataFusionError> for TidemillError {
    fn from(error: DataFusionError) -> Self {
        match Self::carried_by(&error) {
            Some(ours) if ours.source.is_some() => return ours,
            Some(ours) => return ours.with_source(error),
            None => {}
        }
        Self::invalid("EXECUTION_ERROR", error.strip_backtrace()).with_source(error)
    }
}

impl From<TidemillError> for DataFusionError {
    fn from(error: TidemillError) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<CheckpointError> for TidemillError {
    fn from(error: CheckpointError) -> Self {
        Self::new(kind_of(error.kind()), error.condition(), error.to_string()).with_source(error)
    }
}

impl From<StateError> for TidemillError {
    fn from(error: StateError) -> Self {
        Self::new(kind_of(error.kind()), error.condition(), error.to_string()).with_source(error)
    }
}

fn kind_of(kind: CheckpointErrorKind) -> ErrorKind {
    match kind {
        CheckpointErrorKind::Retry => ErrorKind::Retry,
        CheckpointErrorKind::Concurrent => ErrorKind::Concurrent,
        CheckpointErrorKind::Corrupt => ErrorKind::Corrupt,
        CheckpointErrorKind::Invalid => ErrorKind::Invalid,
        CheckpointErrorKind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Internal,
    }
}
