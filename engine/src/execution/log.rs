//! Step 2: `offsets/N`, before anything of batch N runs; then the sources let go of batch N-1.
//!
//! While the log waits for its disk the batch is planned, which leaves nothing behind.

use std::sync::Arc;

use tidemill_checkpoint::{BatchId, Creation, OffsetSeq, OffsetSeqMetadata};

use super::micro_batch::MicroBatchExecution;
use super::plan::Bound;
use super::stages::{BatchFacts, ConstructedBatch, LoggedBatch};
use crate::progress::{BatchTimer, Phase};
use crate::{ErrorKind, Result, TidemillError};

impl MicroBatchExecution {
    /// Makes the batch durable as the one to run; gives what came of planning it meanwhile, which may be an error.
    ///
    /// # Errors
    /// `CONCURRENT_STREAM_LOG_UPDATE` when another run has logged the same batch.
    pub(super) async fn log(
        &mut self,
        batch: ConstructedBatch,
        timer: &BatchTimer,
    ) -> Result<(LoggedBatch, Bound)> {
        self.query.set_message("Writing offsets to log");
        let facts = batch.facts();
        let written = timer.time(Phase::WalCommit, self.add_to_log(facts));
        let (written, bound) = tokio::join!(written, self.bind(facts, timer));
        written?;
        timer.time(Phase::WalCommit, self.release(facts)).await?;
        self.purge_below(facts.id).await?;
        Ok((batch.logged(), bound))
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

    /// Tells the sources that everything before the batch is done: only now can nothing ask for it again.
    async fn release(&self, facts: &BatchFacts) -> Result<()> {
        for (open, start) in self.sources.iter().zip(&facts.start) {
            if let Some(start) = start {
                open.source.commit(start).await?;
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
        let path = self.checkpoint.manager().describe(&format!("{folder}/{id}"));
        TidemillError::new(
            ErrorKind::Concurrent,
            "CONCURRENT_STREAM_LOG_UPDATE",
            format!(
                "Concurrent update to the log. Multiple streaming jobs detected for {id}: {path} was written by \
                 another run while query {} was at work on the same batch. Please make sure only one streaming job \
                 runs on a specific checkpoint location at a time.",
                self.query.identity()
            ),
        )
    }
}
