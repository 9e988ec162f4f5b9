//! Step 5: `commits/N` makes the batch final.

use indexmap::IndexMap;
use tidemill_checkpoint::{CommitMetadata, Creation};

use super::micro_batch::MicroBatchExecution;
use super::stages::{CommittedBatch, ExecutedBatch};
use crate::Result;
use crate::progress::{BatchTimer, Phase};

impl MicroBatchExecution {
    /// Makes the batch final.
    ///
    /// # Errors
    /// `CONCURRENT_STREAM_LOG_UPDATE` when another run has committed the same batch.
    pub(super) async fn commit(&self, batch: ExecutedBatch, timer: &BatchTimer) -> Result<CommittedBatch> {
        let id = batch.facts().id;
        let mut entry = CommitMetadata::new(batch.next_watermark_ms());
        if let Some(sink) = &self.sink_metadata {
            entry = entry.with_sinks(IndexMap::from([(sink.sink_name.clone(), sink.clone())]));
        }
        let log = self.checkpoint.commit_log();
        match timer.time(Phase::CommitOffsets, log.add(id, &entry)).await? {
            Creation::Created => Ok(batch.committed()),
            Creation::AlreadyExists => Err(self.concurrent_update("commits", id)),
        }
    }
}
