//! `metadata`: the id of the query, for the life of the checkpoint. One JSON object, no version line, no newline.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Result;
use crate::metadata_log::version::{json, text, to_json};

const EXPECTED: &str = "a JSON object with the query's id";

/// The content of `metadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamMetadata {
    /// The query's id.
    pub id: Uuid,
}

impl StreamMetadata {
    /// Reads the file; `path` is for messages.
    pub fn parse(path: &str, content: &[u8]) -> Result<Self> {
        json(path, text(path, content, EXPECTED)?, EXPECTED)
    }

    /// The file's content; `path` is for messages.
    pub fn encode(&self, path: &str) -> Result<String> {
        to_json(path, self)
    }
}
