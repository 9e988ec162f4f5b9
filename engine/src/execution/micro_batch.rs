//! The batches of one run: what all five steps need, where the next batch begins, and one trigger's work.

use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use tidemill_checkpoint::{BatchId, SinkMetadata, StreamingCheckpoint};
use tidemill_sql::{IncrementalExecution, StreamingRelation};

use super::admission::Admission;
use super::async_progress::AsyncProgressLog;
use super::input_rows::InputRows;
use super::look_ahead::Ahead;
use super::operator_progress::StatefulProgress;
use super::plan::Bound;
use super::stages::{
    BatchFacts, CommittedBatch, ConstructedBatch, ExecutedBatch, LoggedBatch, SourceOffsets,
};
use super::stateful::StatefulRun;
use crate::clock::Clock;
use crate::conf::PinnedConf;
use crate::progress::{
    BatchTimer, Event, ListenerBus, QueryIdleEvent, QueryProgressEvent, SinkProgressReport, SourceReading,
    iso_8601,
};
use crate::query::{QueryShared, StopRequest};
use crate::sink::{SinkProgress, StreamSink};
use crate::source::StreamSource;
use crate::{Conf, Result, TidemillError};

/// A source of the query, open.
#[derive(Debug)]
pub(super) struct OpenSource {
    pub(super) relation: Arc<StreamingRelation>,
    pub(super) source: Arc<dyn StreamSource>,
}

/// One line of the offset log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OffsetLine {
    /// The position, or the source's name where the log goes by name.
    pub(super) key: String,
    /// Which of the distinct sources.
    pub(super) source: usize,
}

/// Where a run stands between two batches.
#[derive(Debug)]
pub(super) struct Position {
    /// The next batch.
    pub(super) next: BatchId,
    /// Where it begins.
    pub(super) start: SourceOffsets,
    /// The watermark in force for it, ms since the epoch.
    pub(super) watermark_ms: i64,
    /// The watermark of the batch before it.
    pub(super) late_watermark_ms: i64,
    /// A batch that an earlier run logged and did not commit: it comes before `next`.
    pub(super) pending: Option<LoggedBatch>,
}

impl Position {
    /// After a batch that has run.
    fn after(batch: &ExecutedBatch) -> Self {
        let facts = batch.facts();
        Self {
            next: facts.id.next(),
            start: facts.end.clone(),
            watermark_ms: batch.next_watermark_ms(),
            late_watermark_ms: facts.watermark_ms,
            pending: None,
        }
    }
}

/// A batch that is done: what there is to tell of it, and what comes next.
struct Done {
    batch: CommittedBatch,
    readings: Vec<SourceReading>,
    next: Position,
    ahead: Option<Ahead>,
}

/// What a trigger came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TriggerOutcome {
    /// A batch was run and committed.
    Batch,
    /// There was nothing new.
    NoData,
    /// The run was told to end at once.
    Aborted,
}

/// The batches of one run.
pub(super) struct MicroBatchExecution {
    pub(super) query: Arc<QueryShared>,
    pub(super) bus: ListenerBus,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) conf: Arc<Conf>,
    pub(super) pinned: PinnedConf,
    pub(super) checkpoint: Arc<StreamingCheckpoint>,
    pub(super) sources: Vec<OpenSource>,
    pub(super) lines: Vec<OffsetLine>,
    pub(super) sink: Arc<dyn StreamSink>,
    pub(super) incremental: IncrementalExecution,
    /// None for a query without state and watermark.
    pub(super) stateful: Option<StatefulRun>,
    pub(super) session: SessionContext,
    pub(super) task: Arc<TaskContext>,
    pub(super) input_rows: Arc<InputRows>,
    pub(super) position: Position,
    /// What the commits say of the sink, where the commit log knows sinks and this one has a name.
    pub(super) sink_metadata: Option<SinkMetadata>,
    /// Whether a trigger follows the one before at once, so that its batch may be looked at ahead.
    pub(super) looks_ahead: bool,
    /// The next batch, if it was.
    pub(super) ahead: Option<Ahead>,
    /// Writes the logs beside the batches, where that was asked for.
    pub(super) async_log: Option<AsyncProgressLog>,
    pub(super) purge: Option<tokio::task::JoinHandle<()>>,
    /// When a batch or an idle event was last reported, ms since the epoch.
    pub(super) last_report_ms: Option<i64>,
}

impl MicroBatchExecution {
    /// One trigger: runs the pending batch, or a new one when there is something new.
    pub(super) async fn run_trigger(&mut self, admission: Admission) -> Result<TriggerOutcome> {
        let timer = BatchTimer::start(&self.clock);
        self.query.set_trigger_active(true);
        let look = self.query.begin_look();
        let logged = match self.position.pending.take() {
            Some(batch) => Some((batch, None)),
            None => match self.next_batch(admission, &timer).await {
                Ok(Some((batch, bound))) => {
                    let (batch, bound) = self.log(batch, bound, &timer).await?;
                    Some((batch, Some(bound)))
                }
                Ok(None) => None,
                Err(e) => return self.unless_aborted(e),
            },
        };
        self.query.set_data_available(logged.is_some());
        let outcome = match logged {
            Some((batch, bound)) => match self.run_batch(batch, bound, &timer).await {
                Ok(done) => {
                    self.advance(done, &timer);
                    TriggerOutcome::Batch
                }
                Err(e) => return self.unless_aborted(e),
            },
            None => {
                self.report_idle(&timer)?;
                self.query.set_message("Waiting for data to arrive");
                self.query.look_was_in_vain(look);
                TriggerOutcome::NoData
            }
        };
        self.query.set_trigger_active(false);
        Ok(outcome)
    }

    /// The next batch, if there is one: that which was looked at ahead, with its plan, or one that is constructed now.
    async fn next_batch(
        &mut self,
        admission: Admission,
        timer: &BatchTimer,
    ) -> Result<Option<(ConstructedBatch, Option<Bound>)>> {
        if let Some(ahead) = self.ahead.take() {
            timer.add(&ahead.timer);
            return Ok(Some((ahead.batch, Some(ahead.bound))));
        }
        let batch = self.construct(&self.position, admission, timer).await?;
        Ok(batch.map(|batch| (batch, None)))
    }

    async fn run_batch(
        &mut self,
        batch: LoggedBatch,
        bound: Option<Bound>,
        timer: &BatchTimer,
    ) -> Result<Done> {
        self.query.set_message("Processing new data");
        // Whatever a batch that failed has counted is not this one's.
        self.input_rows.take();
        let planned = self.plan(batch, bound, timer).await?;
        let executed = self.run(planned, timer).await?;
        // What the sources tell of themselves is soon of the next batch.
        let rows = self.input_rows.take();
        let readings = self.readings(executed.facts(), &rows);
        let next = Position::after(&executed);
        let (batch, ahead) = self.commit(executed, &next, timer).await?;
        Ok(Done {
            batch,
            readings,
            next,
            ahead,
        })
    }

    /// Runs work that may take long and leaves nothing behind that a replay would not mend: it ends when the run is
    /// told to end at once.
    pub(super) async fn abortable<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.query.wait_for_stop(StopRequest::Abort) => {
                Err(TidemillError::internal("the run was told to end at once"))
            }
            done = work => done,
        }
    }

    fn unless_aborted(&self, error: TidemillError) -> Result<TriggerOutcome> {
        if self.query.stop_requested() == StopRequest::Abort {
            return Ok(TriggerOutcome::Aborted);
        }
        Err(error)
    }

    /// After a batch: reports it, and moves on to the next.
    fn advance(&mut self, done: Done, timer: &BatchTimer) {
        let Done {
            batch,
            readings,
            next,
            ahead,
        } = done;
        let id = batch.facts().id;
        let sink = self.sink_report(batch.sink().num_output_rows);
        let operators = StatefulProgress::of_batch(batch.stateful(), batch.facts().watermark_ms);
        let progress = self
            .query
            .reporter()
            .finish(timer, id.get(), readings, sink, operators);
        self.query.reporter().keep(Arc::clone(&progress));
        self.bus.post(Event::Progress(QueryProgressEvent { progress }));
        self.last_report_ms = Some(self.clock.now_ms());
        self.position = next;
        self.ahead = ahead;
        if let Some(stateful) = &mut self.stateful {
            stateful.maintain();
        }
    }

    /// Without a batch: tells so when `noDataProgressEventInterval` has passed since the last report.
    fn report_idle(&mut self, timer: &BatchTimer) -> Result<()> {
        let interval = self
            .conf
            .get_duration_ms("spark.sql.streaming.noDataProgressEventInterval")?;
        let now = self.clock.now_ms();
        let due = self
            .last_report_ms
            .is_none_or(|last| now.saturating_sub(last) >= i64::try_from(interval).unwrap_or(i64::MAX));
        if !due {
            return Ok(());
        }
        self.last_report_ms = Some(now);
        let facts = BatchFacts {
            id: self.position.next,
            start: self.position.start.clone(),
            end: self.position.start.clone(),
            timestamp_ms: now,
            watermark_ms: self.position.watermark_ms,
            late_watermark_ms: self.position.late_watermark_ms,
        };
        let sink = self.sink_report(if self.sink_counts() { 0 } else { -1 });
        let watermark_ms = self
            .stateful
            .as_ref()
            .filter(|stateful| stateful.has_watermark())
            .map(|_| facts.watermark_ms);
        let last = self.query.reporter().last();
        let progress = self.query.reporter().finish(
            timer,
            facts.id.get(),
            self.readings(&facts, &[]),
            sink,
            StatefulProgress::of_idle(last.as_deref(), watermark_ms),
        );
        self.query.reporter().keep(progress);
        let identity = self.query.identity();
        self.bus.post(Event::Idle(QueryIdleEvent {
            id: identity.id,
            run_id: identity.run_id,
            timestamp: iso_8601(now),
        }));
        Ok(())
    }

    /// Whether the sink counted the rows of the last batch.
    fn sink_counts(&self) -> bool {
        let last = self.query.reporter().last();
        last.is_some_and(|p| p.sink.num_output_rows != SinkProgress::rows(-1).num_output_rows)
    }

    fn sink_report(&self, num_output_rows: i64) -> SinkProgressReport {
        SinkProgressReport {
            description: self.sink.description(),
            num_output_rows,
        }
    }

    fn readings(&self, facts: &BatchFacts, rows: &[u64]) -> Vec<SourceReading> {
        let ranges = facts.start.iter().zip(&facts.end);
        let open = self.sources.iter().enumerate().zip(ranges);
        open.map(|((i, open), (start, end))| SourceReading {
            description: open.source.description(),
            start: start.clone(),
            end: end.clone(),
            latest: open.source.reported_latest_offset(),
            rows: rows.get(i).copied().unwrap_or(0),
            metrics: open.source.metrics(),
        })
        .collect()
    }
}
