//! Step 2: `offsets/N`, before anything of batch N runs; then the sources let go of batch N-1.
//!
//! While the log waits for its disk the batch is planned, which leaves nothing behind.

use std::sync::Arc;

use tidemill_checkpoint::{BatchId, Creation, OffsetSeq, OffsetSeqMetadata, StreamingCheckpoint};

use super::async_progress::{AsyncProgressLog, AsyncProgressTracking, not_supported};
use super::micro_batch::MicroBatchExecution;
use super::plan::Bound;
use super::stages::{BatchFacts, ConstructedBatch, LoggedBatch, SourceOffsets};
use crate::progress::{BatchTimer, Phase};
use crate::query::{Ending, QueryIdentity};
use crate::{ErrorKind, Result, TidemillError};

impl MicroBatchExecution {
    /// Makes the batch durable as the one to run; gives what came of planning it, before or meanwhile, which may be an error.
    ///
    /// # Errors
    /// `CONCURRENT_STREAM_LOG_UPDATE` when another run has logged the same batch.
    pub(super) async fn log(
        &mut self,
        batch: ConstructedBatch,
        bound: Option<Bound>,
        timer: &BatchTimer,
    ) -> Result<(LoggedBatch, Bound)> {
        self.query.set_message("Writing offsets to log");
        let facts = batch.facts();
        if self.async_log.is_some() {
            timer.time(Phase::WalCommit, self.hand_over(facts)).await?;
            let bound = self.prepare(facts, timer).await;
            return Ok((batch.logged(), bound));
        }
        let prepared = async {
            match bound {
                Some(bound) => bound,
                None => self.prepare(facts, timer).await,
            }
        };
        let written = timer.time(Phase::WalCommit, self.add_to_log(facts));
        let (written, bound) = tokio::join!(written, prepared);
        written?;
        timer.time(Phase::WalCommit, self.release(&facts.start)).await?;
        self.purge_below(facts.id).await?;
        Ok((batch.logged(), bound))
    }

    /// From here on the logs of the run are written beside its batches.
    ///
    /// # Errors
    /// `ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED` for a query that keeps state.
    pub(super) fn log_beside_batches(&mut self, tracking: AsyncProgressTracking) -> Result<()> {
        if self.incremental.stateful_operators() > 0 {
            return Err(not_supported(
                "Stateful streaming queries does not support async progress tracking at this moment.",
            ));
        }
        let retain = self.conf.get_u64("spark.sql.streaming.minBatchesToRetain")?;
        let pending = self.position.pending.as_ref();
        let recorded_end = pending.map_or(&self.position.start, |batch| &batch.facts().end);
        self.async_log = Some(AsyncProgressLog::start(
            tracking,
            Arc::clone(&self.checkpoint),
            self.query.identity().clone(),
            usize::try_from(retain).unwrap_or(usize::MAX),
            recorded_end.clone(),
        ));
        Ok(())
    }

    /// At the end of a run: waits for what the logs still have to write. A run that failed keeps its own error.
    pub(super) async fn close_async_log(&mut self, ending: Result<Ending>) -> Result<Ending> {
        let Some(log) = self.async_log.take() else {
            return ending;
        };
        let closed = async {
            for offsets in log.close().await? {
                self.release(&offsets).await?;
            }
            Ok(())
        };
        match (closed.await, ending) {
            (Err(error), Ok(_)) => Err(error),
            (_, ending) => ending,
        }
    }

    /// Leaves the entry to the task that writes the logs, and lets the sources forget what it has recorded by now.
    async fn hand_over(&mut self, facts: &BatchFacts) -> Result<()> {
        let entry = self.entry(facts);
        let now_ms = self.clock.now_ms();
        let mut released = Vec::new();
        if let Some(log) = &mut self.async_log {
            log.add_offsets(facts.id, entry, facts.end.clone(), now_ms)
                .await?;
            released.extend(std::iter::from_fn(|| log.released()));
        }
        for offsets in released {
            self.release(&offsets).await?;
        }
        Ok(())
    }

    async fn add_to_log(&self, facts: &BatchFacts) -> Result<()> {
        let entry = self.entry(facts);
        match self.checkpoint.offset_log().add(facts.id, &entry).await? {
            Creation::Created => Ok(()),
            Creation::AlreadyExists => Err(self.concurrent_update("offsets", facts.id)),
        }
    }

    fn entry(&self, facts: &BatchFacts) -> OffsetSeq {
        let metadata = OffsetSeqMetadata::new(
            facts.watermark_ms,
            facts.timestamp_ms,
            self.pinned.values().clone(),
        );
        let offsets = self
            .lines
            .iter()
            .map(|line| (line.key.clone(), facts.end.get(line.source).cloned().flatten()))
            .collect();
        OffsetSeq::new(metadata, offsets)
    }

    /// Tells the sources that everything up to these offsets is done: only now can nothing ask for it again.
    pub(super) async fn release(&self, offsets: &SourceOffsets) -> Result<()> {
        for (open, offset) in self.sources.iter().zip(offsets) {
            if let Some(offset) = offset {
                open.source.commit(offset).await?;
            }
        }
        Ok(())
    }

    /// Deletes log entries older than the retention: off the batch's path, one purge at a time, unless
    /// `asyncLogPurge` is off.
    async fn purge_below(&mut self, id: BatchId) -> Result<()> {
        let retain = self.conf.get_u64("spark.sql.streaming.minBatchesToRetain")?;
        if id.get() <= retain {
            return Ok(());
        }
        if !self.conf.get_bool("spark.sql.streaming.asyncLogPurge.enabled")? {
            return Ok(self.checkpoint.purge(id, retain).await?);
        }
        if self.purge.as_ref().is_some_and(|task| !task.is_finished()) {
            return Ok(());
        }
        let checkpoint = Arc::clone(&self.checkpoint);
        self.purge = Some(tokio::spawn(async move {
            if let Err(e) = checkpoint.purge(id, retain).await {
                log::warn!("old entries of the offset and commit logs could not be deleted: {e}");
            }
        }));
        Ok(())
    }

    /// The error of a run that finds the entry of its own batch written by another.
    pub(super) fn concurrent_update(&self, folder: &str, id: BatchId) -> TidemillError {
        concurrent_update(&self.checkpoint, self.query.identity(), folder, id)
    }
}

/// The error of a query that finds the entry of its own batch written by another.
pub(super) fn concurrent_update(
    checkpoint: &StreamingCheckpoint,
    query: &QueryIdentity,
    folder: &str,
    id: BatchId,
) -> TidemillError {
    let path = checkpoint.manager().describe(&format!("{folder}/{id}"));
    TidemillError::new(
        ErrorKind::Concurrent,
        "CONCURRENT_STREAM_LOG_UPDATE",
        format!(
            "Concurrent update to the log. Multiple streaming jobs detected for {id}: {path} was written by another \
             run while query {query} was at work on the same batch. Please make sure only one streaming job runs on a \
             specific checkpoint location at a time."
        ),
    )
}
