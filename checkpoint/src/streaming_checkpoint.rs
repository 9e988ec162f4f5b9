//! One checkpoint as the engine sees it: identity, the two logs, where to go on, what to purge.
#![allow(clippy::unimplemented, unused_variables)]

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    BatchId, CheckpointFileManager, CommitLog, OffsetLogVersion, OffsetSeqLog, Result, ResumePoint,
    StreamMetadata,
};

/// How a checkpoint is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckpointOptions {
    /// The version a new offset log gets (`spark.sql.streaming.offsetLog.formatVersion`); an existing one keeps its own.
    pub offset_log_version: OffsetLogVersion,
    /// `spark.sql.streaming.checkpoint.verifyMetadataExists.enabled`.
    pub verify_metadata_exists: bool,
    /// `spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart`.
    pub verify_empty_on_start: bool,
    /// The log has gaps on purpose (async progress tracking).
    pub asynchronous: bool,
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        Self {
            offset_log_version: OffsetLogVersion::V1,
            verify_metadata_exists: true,
            verify_empty_on_start: true,
            asynchronous: false,
        }
    }
}

/// One checkpoint.
#[derive(Debug)]
pub struct StreamingCheckpoint {
    manager: Arc<dyn CheckpointFileManager>,
}

impl StreamingCheckpoint {
    /// Opens the checkpoint, or makes it: `new_id` becomes the query's id when there is no `metadata` yet.
    pub async fn open(
        manager: Arc<dyn CheckpointFileManager>,
        new_id: Uuid,
        options: CheckpointOptions,
    ) -> Result<Self> {
        unimplemented!()
    }
    /// The query's identity.
    pub fn metadata(&self) -> StreamMetadata {
        unimplemented!()
    }
    /// The files.
    pub fn manager(&self) -> &Arc<dyn CheckpointFileManager> {
        &self.manager
    }
    /// `offsets/`.
    pub fn offset_log(&self) -> &OffsetSeqLog {
        unimplemented!()
    }
    /// `commits/`.
    pub fn commit_log(&self) -> &CommitLog {
        unimplemented!()
    }
    /// Where the query goes on; every inconsistency is an error.
    pub async fn resume(&self) -> Result<ResumePoint> {
        unimplemented!()
    }
    /// Deletes offset and commit entries below `constructed - min_batches_to_retain`.
    pub async fn purge(&self, constructed: BatchId, min_batches_to_retain: u64) -> Result<()> {
        unimplemented!()
    }
}
