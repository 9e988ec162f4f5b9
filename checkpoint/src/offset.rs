//! The position of one source in its stream, as the JSON text that stands in the offset log.

use std::fmt;

/// A source's offset: its JSON text, without blanks, exactly as the offset log holds it.
///
/// Only the source that made it can read it; everything else compares and copies the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Offset(String);

impl Offset {
    /// An offset from its JSON text.
    pub fn new(json: impl Into<String>) -> Self {
        Self(json.into())
    }

    /// The JSON text.
    pub fn json(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
