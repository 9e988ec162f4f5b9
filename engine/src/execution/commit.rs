//! Step 5: `commits/N` makes the batch final.

use indexmap::IndexMap;
use tidemill_checkpoint::{CommitMetadata, Creation};

use super::look_ahead::Ahead;
use super::micro_batch::{MicroBatchExecution, Position};
use super::stages::{CommittedBatch, ExecutedBatch};
use crate::Result;
use crate::progress::{BatchTimer, Phase};

impl MicroBatchExecution {
    /// Makes the batch final; looks ahead to the next one meanwhile.
    ///
    /// # Errors
    /// `CONCURRENT_STREAM_LOG_UPDATE` when another run has committed the same batch.
    pub(super) async fn commit(
        &mut self,
        batch: ExecutedBatch,
        next: &Position,
        timer: &BatchTimer,
    ) -> Result<(CommittedBatch, Option<Ahead>)> {
        let id = batch.facts().id;
        let mut entry = CommitMetadata::new(batch.next_watermark_ms());
        if let Some(sink) = &self.sink_metadata {
            entry = entry.with_sinks(IndexMap::from([(sink.sink_name.clone(), sink.clone())]));
        }
        if let Some(log) = &mut self.async_log {
            timer
                .time(Phase::CommitOffsets, log.add_commit(id, entry))
                .await?;
            return Ok((batch.committed(), None));
        }
        let log = self.checkpoint.commit_log();
        let written = timer.time(Phase::CommitOffsets, log.add(id, &entry));
        let (written, ahead) = tokio::join!(written, self.look_ahead(next));
        match written? {
            Creation::Created => Ok((batch.committed(), ahead)),
            Creation::AlreadyExists => Err(self.concurrent_update("commits", id)),
        }
    }
}
