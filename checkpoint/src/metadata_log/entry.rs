//! An entry of a compactible log: one JSON object on a line.

use serde::{Serialize, de::DeserializeOwned};

use super::version::{json, split_version, text, to_json};
use crate::error::Result;

/// The newest version of a compactible log's files.
const VERSION: u32 = 1;

/// An entry of a compactible log.
pub trait CompactibleLogEntry: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// What a compact file keeps of all entries so far (the sink log drops deleted paths and, with a retention, old files).
    fn compact(entries: Vec<Self>, retention_ms: Option<i64>, now_ms: i64) -> Vec<Self> {
        let _ = (retention_ms, now_ms);
        entries
    }

    /// The number of the log file that introduced the entry, where the entry says so.
    fn log_id(&self) -> Option<u64> {
        None
    }
}

/// The entries of one file; just a version line is an empty list.
pub(super) fn parse<E: CompactibleLogEntry>(path: &str, content: &[u8]) -> Result<Vec<E>> {
    let text = text(path, content, "a version line and one JSON object per line")?;
    let (_, body) = split_version(path, text, VERSION)?;
    body.unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| json(path, line, "one JSON object per line"))
        .collect()
}

/// The file of a list of entries: no newline at the end, and `v1` alone for an empty list.
pub(super) fn encode<E: CompactibleLogEntry>(path: &str, entries: &[E]) -> Result<String> {
    let mut out = format!("v{VERSION}");
    for entry in entries {
        out.push('\n');
        out.push_str(&to_json(path, entry)?);
    }
    Ok(out)
}
