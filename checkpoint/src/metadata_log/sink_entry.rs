//! `<output>/_spark_metadata/<n>`: the output files of batch `n`.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::CompactibleLogEntry;

/// One output file in `_spark_metadata/<batch>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkFileStatus {
    /// The file's URI, escaped as Hadoop prints it.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Always false.
    pub is_dir: bool,
    /// Modification time, milliseconds since the epoch.
    pub modification_time: i64,
    /// 1 on a local disk.
    pub block_replication: i32,
    /// 33,554,432 on a local disk.
    pub block_size: u64,
    /// `add`, or `delete` in old logs.
    pub action: String,
}

impl SinkFileStatus {
    /// [`action`](Self::action) of a file that is there.
    pub const ADD_ACTION: &str = "add";
    /// [`action`](Self::action) of a file that counts no longer, whatever other entries say.
    pub const DELETE_ACTION: &str = "delete";
}

impl CompactibleLogEntry for SinkFileStatus {
    fn compact(mut entries: Vec<Self>, retention_ms: Option<i64>, now_ms: i64) -> Vec<Self> {
        let deleted: HashSet<String> = entries
            .iter()
            .filter(|entry| entry.action == Self::DELETE_ACTION)
            .map(|entry| entry.path.clone())
            .collect();
        entries.retain(|entry| {
            let expired =
                retention_ms.is_some_and(|keep| now_ms.saturating_sub(entry.modification_time) > keep);
            !expired && !deleted.contains(&entry.path)
        });
        entries
    }
}
