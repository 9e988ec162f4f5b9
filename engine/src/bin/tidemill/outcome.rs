//! Why the command failed, as standard error shows it: `file:line:column: [CONDITION] text`.

use std::fmt;

use tidemill::TidemillError;

/// An error with its place.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The script's name, or the command's own.
    place: String,
    position: Option<(u64, u64)>,
    text: String,
}

impl Failure {
    /// An error outside of any script.
    pub(crate) fn general(text: impl fmt::Display) -> Self {
        Self {
            place: "tidemill".to_owned(),
            position: None,
            text: text.to_string(),
        }
    }

    /// An error of a script's statement.
    pub(crate) fn in_script(script: &str, error: &TidemillError) -> Self {
        Self {
            place: script.to_owned(),
            position: error.position(),
            text: error.to_string(),
        }
    }

    /// The failure of a streaming table's query, placed at its statement.
    pub(crate) fn of_query(script: &str, position: (u64, u64), table: &str, error: &TidemillError) -> Self {
        Self {
            place: script.to_owned(),
            position: Some(position),
            text: format!("query {table} failed: {error}"),
        }
    }
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
