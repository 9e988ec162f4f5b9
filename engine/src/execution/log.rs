//! Step 2: `offsets/N`, before anything of batch N is planned or run; then the sources let go of batch N-1.

use std::sync::Arc;

use tidemill_checkpoint::{BatchId, Creation, OffsetSeq, OffsetSeqMetadata};

use super::micro_batch::MicroBatchExecution;
use super::stages::{BatchFacts, ConstructedBatch, LoggedBatch};
use crate::progress::{BatchTimer, Phase};
use crate::{ErrorKind, Result, TidemillError};

impl MicroBatchExecution {
    /// Makes the batch durable as the one to run.
    ///
    /// # Errors
    /// `CONCURRENT_STREAM_LOG_UPDATE` when another run has logged the same batch.
    pub(super) async fn log(
        &mut self,
        batch: ConstructedBatch,
        timer: &mut BatchTimer,
    ) -> Result<LoggedBatch> {
        self.query.set_message("Writing offsets to log");
        let entry = self.entry(batch.facts());
        let id = batch.facts().id;
        let log = self.checkpoint.offset_log();
        let written = timer.time(Phase::WalCommit, async {
            match log.add(id, &entry).await? {
                Creation::Created => self.release(batch.facts()).await,
                Creation::AlreadyExists => Err(self.concurrent_update("offsets", id)),
            }
        });
        written.await?;
        self.purge_below(id).await?;
        Ok(batch.logged())
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
