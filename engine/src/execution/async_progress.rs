//! Async progress tracking: `offsets/N` and `commits/N` are written beside the batches, and only for some of them.
//!
//! One task makes the writes of a run one after the other, so that no commit stands without its offsets. A batch is recorded
//! when the interval has passed since the last one that was; its commit goes with it, and the first batch of a run is
//! always committed. A source may forget what lies below a recorded batch, not what lies below any batch. After a crash
//! everything above the newest recorded batch runs again, so a sink may see rows twice. The rules are those of Spark's
//! `AsyncProgressTrackingMicroBatchExecution`; checkpoint-format §15 tells what the logs look like.

use std::sync::Arc;

use tidemill_checkpoint::{BatchId, CommitMetadata, Creation, OffsetSeq, StreamingCheckpoint};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::connect::SinkRequest;
use super::log::concurrent_update;
use super::stages::SourceOffsets;
use crate::options::invalid_value;
use crate::query::QueryIdentity;
use crate::{Options, Result, TidemillError, Trigger};

const ENABLED: &str = "asyncProgressTrackingEnabled";
const INTERVAL: &str = "asyncProgressTrackingCheckpointIntervalMs";
const ANY_SINK: &str = "_asyncProgressTrackingOverrideSinkSupportCheck";
const DEFAULT_INTERVAL_MS: u64 = 1000;

/// How many writes wait before a batch does: an entry of each log.
const WAITING_WRITES: usize = 2;

/// What a writer's options ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsyncProgressTracking {
    /// How long after a recorded batch the next one is recorded.
    interval_ms: u64,
}

impl AsyncProgressTracking {
    /// Takes the options of this out of a writer's; none when it is not asked for.
    ///
    /// # Errors
    /// `INVALID_OPTION_VALUE` for a value that cannot be read, `ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED` for a trigger that ends
    /// by itself and for a sink that must not see a batch under two numbers.
    pub(crate) fn take(options: &mut Options, trigger: Trigger, sink: &SinkRequest) -> Result<Option<Self>> {
        let enabled = options.get_bool(ENABLED, false)?;
        let any_sink = options.get_bool(ANY_SINK, false)?;
        let interval_ms = match options.get(INTERVAL) {
            None => DEFAULT_INTERVAL_MS,
            Some(text) => text
                .trim()
                .parse()
                .map_err(|_| invalid_value(INTERVAL, text, "a whole number of milliseconds"))?,
        };
        for name in [ENABLED, INTERVAL, ANY_SINK] {
            options.remove(name);
        }
        if !enabled {
            return Ok(None);
        }
        if !any_sink && !sink.may_see_rows_again() {
            return Err(not_supported(format!(
                "Sink {} does not support async progress tracking: after a crash it would get the rows of some batches \
                 again, under other numbers. noop, console, memory and foreach take it",
                sink.name()
            )));
        }
        match trigger {
            Trigger::ProcessingTime(_) => Ok(Some(Self { interval_ms })),
            Trigger::Once => Err(not_supported(
                "Async progress tracking cannot be used with Once trigger",
            )),
            Trigger::AvailableNow => Err(not_supported(
                "Async progress tracking cannot be used with AvailableNow trigger",
            )),
        }
    }
}

/// For what async progress tracking cannot be had with.
pub(super) fn not_supported(text: impl Into<String>) -> TidemillError {
    TidemillError::unsupported("ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED", text)
}

/// A write of one of the two logs.
enum Entry {
    Offsets(BatchId, OffsetSeq, SourceOffsets),
    Commit(BatchId, CommitMetadata),
}

/// The two logs of one run, written by a task of their own.
#[derive(Debug)]
pub(super) struct AsyncProgressLog {
    interval_ms: i64,
    /// When a batch was last recorded, ms since the epoch.
    recorded_at_ms: Option<i64>,
    /// The running batch, if it is recorded.
    recorded: Option<BatchId>,
    first_batch: bool,
    entries: mpsc::Sender<Entry>,
    released: mpsc::UnboundedReceiver<SourceOffsets>,
    /// None once it was seen to end.
    writer: Option<JoinHandle<Result<()>>>,
}

impl AsyncProgressLog {
    /// Starts the task. `recorded_end` is where the newest recorded batch ended.
    pub(super) fn start(
        tracking: AsyncProgressTracking,
        checkpoint: Arc<StreamingCheckpoint>,
        query: QueryIdentity,
        retain: usize,
        recorded_end: SourceOffsets,
    ) -> Self {
        let (entries, waiting) = mpsc::channel(WAITING_WRITES);
        let (release, released) = mpsc::unbounded_channel();
        let writer = Writer {
            checkpoint,
            query,
            retain,
            recorded_end,
            release,
        };
        Self {
            interval_ms: i64::try_from(tracking.interval_ms).unwrap_or(i64::MAX),
            recorded_at_ms: None,
            recorded: None,
            first_batch: true,
            entries,
            released,
            writer: Some(tokio::spawn(writer.run(waiting))),
        }
    }

    /// Hands over the offsets of a batch when one is due.
    ///
    /// # Errors
    /// Why an earlier write failed.
    pub(super) async fn add_offsets(
        &mut self,
        id: BatchId,
        entry: OffsetSeq,
        end: SourceOffsets,
        now_ms: i64,
    ) -> Result<()> {
        let due = self
            .recorded_at_ms
            .is_none_or(|at| now_ms.saturating_sub(at) >= self.interval_ms);
        if !due {
            return self.check().await;
        }
        self.recorded_at_ms = Some(now_ms);
        self.recorded = Some(id);
        self.hand_over(Entry::Offsets(id, entry, end)).await
    }

    /// Hands over the commit of a batch whose offsets are recorded, and of the run's first.
    ///
    /// # Errors
    /// Why an earlier write failed.
    pub(super) async fn add_commit(&mut self, id: BatchId, entry: CommitMetadata) -> Result<()> {
        let recorded = self.recorded.take() == Some(id);
        if !recorded && !self.first_batch {
            return self.check().await;
        }
        self.first_batch = false;
        self.hand_over(Entry::Commit(id, entry)).await
    }

    /// The next offsets that the sources may let go of.
    pub(super) fn released(&mut self) -> Option<SourceOffsets> {
        self.released.try_recv().ok()
    }

    /// Waits for the writes that were handed over, the last ones; gives what the sources may let go of after them.
    ///
    /// # Errors
    /// Why one of them failed.
    pub(super) async fn close(self) -> Result<Vec<SourceOffsets>> {
        let Self {
            entries,
            mut released,
            writer,
            ..
        } = self;
        // The task ends when nothing can be handed over any more.
        drop(entries);
        end_of(writer).await?;
        Ok(std::iter::from_fn(|| released.try_recv().ok()).collect())
    }

    async fn hand_over(&mut self, entry: Entry) -> Result<()> {
        match self.entries.send(entry).await {
            Ok(()) => Ok(()),
            Err(_) => end_of(self.writer.take()).await,
        }
    }

    async fn check(&mut self) -> Result<()> {
        match self.writer.as_ref().is_some_and(JoinHandle::is_finished) {
            true => end_of(self.writer.take()).await,
            false => Ok(()),
        }
    }
}

/// How the task ended: while its channel is open, with an error alone, which is told once.
async fn end_of(writer: Option<JoinHandle<Result<()>>>) -> Result<()> {
    let Some(writer) = writer else { return Ok(()) };
    match writer.await {
        Ok(result) => result,
        Err(e) => Err(TidemillError::internal(format!(
            "the writer of the offset and commit logs: {e}"
        ))),
    }
}

/// What the task holds.
struct Writer {
    checkpoint: Arc<StreamingCheckpoint>,
    query: QueryIdentity,
    /// How many entries a log keeps.
    retain: usize,
    /// Where the newest recorded batch ended.
    recorded_end: SourceOffsets,
    release: mpsc::UnboundedSender<SourceOffsets>,
}

impl Writer {
    async fn run(mut self, mut entries: mpsc::Receiver<Entry>) -> Result<()> {
        while let Some(entry) = entries.recv().await {
            match entry {
                Entry::Offsets(id, offsets, end) => {
                    let created = self.checkpoint.offset_log().add(id, &offsets).await?;
                    self.unless_there(created, "offsets", id)?;
                    // The run has ended when nobody receives: what is not released then is released by the next one.
                    let _ = self.release.send(std::mem::replace(&mut self.recorded_end, end));
                }
                Entry::Commit(id, commit) => {
                    let created = self.checkpoint.commit_log().add(id, &commit).await?;
                    self.unless_there(created, "commits", id)?;
                    self.purge().await;
                }
            }
        }
        Ok(())
    }

    fn unless_there(&self, creation: Creation, folder: &str, id: BatchId) -> Result<()> {
        match creation {
            Creation::Created => Ok(()),
            Creation::AlreadyExists => Err(concurrent_update(&self.checkpoint, &self.query, folder, id)),
        }
    }

    async fn purge(&self) {
        if let Err(e) = self.checkpoint.keep_newest(self.retain).await {
            log::warn!("old entries of the offset and commit logs could not be deleted: {e}");
        }
    }
}
