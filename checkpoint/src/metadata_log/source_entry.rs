//! `sources/<i>/<n>`: the input files that log entry `n` introduced.

use serde::{Deserialize, Serialize};

use super::CompactibleLogEntry;

/// One input file in `sources/<i>/<n>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSourceEntry {
    /// The file's URI, escaped as Hadoop prints it: `file:///a%20b`.
    pub path: String,
    /// Modification time, milliseconds since the epoch.
    pub timestamp: i64,
    /// The log entry that introduced the file.
    #[serde(rename = "batchId")]
    pub batch_id: u64,
}

impl CompactibleLogEntry for FileSourceEntry {
    fn log_id(&self) -> Option<u64> {
        Some(self.batch_id)
    }
}
