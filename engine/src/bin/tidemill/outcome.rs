//! Why the command failed, as standard error shows it: `file:line:column: [CONDITION] text`.

use std::error::Error;
use std::fmt;
use std::io;

use tidemill::TidemillError;

/// An error with its place.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The script's name, or the command's own.
    place: String,
    position: Option<(u64, u64)>,
    text: String,
    /// Nobody reads standard output any more.
    is_broken_pipe: bool,
}

impl Failure {
    /// An error outside of any script.
    pub(crate) fn general(text: impl fmt::Display) -> Self {
        Self {
            place: "tidemill".to_owned(),
            position: None,
            text: text.to_string(),
            is_broken_pipe: false,
        }
    }

    /// Whether all that is wrong is that the reader of standard output has gone (`tidemill run … | head`): nothing to
    /// tell, as with other Unix tools.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.is_broken_pipe
    }

    /// An error of a script's statement.
    pub(crate) fn in_script(script: &str, error: &TidemillError) -> Self {
        Self {
            place: script.to_owned(),
            position: error.position(),
            text: error.to_string(),
            is_broken_pipe: is_broken_pipe(error),
        }
    }

    /// The failure of a streaming table's query, placed at its statement.
    pub(crate) fn of_query(script: &str, position: (u64, u64), table: &str, error: &TidemillError) -> Self {
        Self {
            place: script.to_owned(),
            position: Some(position),
            text: format!("query {table} failed: {error}"),
            is_broken_pipe: is_broken_pipe(error),
        }
    }
}

/// Whether rows could not be written to standard output because its reader has gone.
fn is_broken_pipe(error: &TidemillError) -> bool {
    let of_output = ["CANNOT_WRITE_ROWS", "CONSOLE_WRITE_FAILED"].contains(&error.condition());
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    of_output && cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.text)
    }
}
