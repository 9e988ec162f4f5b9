//! Logs: a folder with one file per batch id.
#![allow(clippy::unimplemented, unused_variables)]

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{BatchId, CheckpointFileManager, Creation, Result};

/// A folder of files named by batch id, each written once.
#[derive(Debug)]
pub struct MetadataLog {
    manager: Arc<dyn CheckpointFileManager>,
    folder: String,
}

impl MetadataLog {
    /// The log in `folder`, relative to the manager's root.
    pub fn new(manager: Arc<dyn CheckpointFileManager>, folder: impl Into<String>) -> Self {
        Self {
            manager,
            folder: folder.into(),
        }
    }
}

/// An entry of a compactible log.
pub trait CompactibleLogEntry: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// What a compact file keeps of all entries so far (the sink log drops deleted paths and, with a retention, old files).
    fn compact(entries: Vec<Self>, retention_ms: Option<i64>, now_ms: i64) -> Vec<Self> {
        entries
    }
}

/// How a compactible log compacts and cleans up.
#[derive(Clone, Debug)]
pub struct CompactibleLogOptions {
    /// Every so many entries one compact file (10).
    pub compact_interval: u64,
    /// Superseded files younger than this stay (600,000 ms).
    pub cleanup_delay_ms: u64,
    /// Whether superseded files are deleted at all.
    pub deletion: bool,
    /// How many entries below the newest stay whatever their age (100).
    pub min_batches_to_retain: u64,
    /// Sink option `retention`: entries older than this are dropped at compaction.
    pub retention_ms: Option<i64>,
}

/// A log whose every n-th file repeats all entries so far: `sources/<i>` and `_spark_metadata`.
#[derive(Debug)]
pub struct CompactibleFileStreamLog<E> {
    log: MetadataLog,
    options: CompactibleLogOptions,
    entry: PhantomData<fn() -> E>,
}

impl<E: CompactibleLogEntry> CompactibleFileStreamLog<E> {
    /// Opens the log in `folder` of `manager`; the interval comes from existing compact files where there are any.
    pub async fn open(
        manager: Arc<dyn CheckpointFileManager>,
        folder: impl Into<String>,
        options: CompactibleLogOptions,
    ) -> Result<Self> {
        unimplemented!()
    }

    /// The newest entry's number.
    pub async fn latest(&self) -> Result<Option<BatchId>> {
        unimplemented!()
    }

    /// Writes entry `id` (compacting when it is due), then deletes what is superseded and old enough.
    pub async fn add(&self, id: BatchId, entries: Vec<E>, now_ms: i64) -> Result<Creation> {
        unimplemented!()
    }

    /// What entry `id` added, without what a compact file repeats; `None` when there is no such entry any more.
    ///
    /// Only exact for entries that name their own number (the source log); for others a compact file answers whole.
    pub async fn get(&self, id: BatchId) -> Result<Option<Vec<E>>> {
        unimplemented!()
    }

    /// All live entries: the newest compact file and the plain files above it, in order.
    pub async fn all_files(&self) -> Result<Vec<E>> {
        unimplemented!()
    }
}

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

impl CompactibleLogEntry for FileSourceEntry {}

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

impl CompactibleLogEntry for SinkFileStatus {}
