//! Measures a trigger and makes its progress.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tidemill_checkpoint::Offset;

use super::{SinkProgressReport, SourceProgress, StreamingQueryProgress};
use crate::clock::Clock;
use crate::execution::StatefulProgress;
use crate::query::QueryIdentity;

/// What a trigger's time goes to, under Spark's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    LatestOffset,
    WalCommit,
    GetBatch,
    QueryPlanning,
    AddBatch,
    CommitOffsets,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::LatestOffset => "latestOffset",
            Self::WalCommit => "walCommit",
            Self::GetBatch => "getBatch",
            Self::QueryPlanning => "queryPlanning",
            Self::AddBatch => "addBatch",
            Self::CommitOffsets => "commitOffsets",
        }
    }
}

/// The times of one trigger.
#[derive(Debug)]
pub(crate) struct BatchTimer {
    clock: Arc<dyn Clock>,
    started_ms: i64,
    started: Duration,
    phases: Mutex<BTreeMap<&'static str, Duration>>,
}

impl BatchTimer {
    pub(crate) fn start(clock: &Arc<dyn Clock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            started_ms: clock.now_ms(),
            started: clock.monotonic(),
            phases: Mutex::default(),
        }
    }

    /// Runs `work` as a part of `phase`. Two phases may go on at once.
    pub(crate) async fn time<T>(&self, phase: Phase, work: impl Future<Output = T>) -> T {
        let from = self.clock.monotonic();
        let out = work.await;
        let took = self.clock.monotonic().saturating_sub(from);
        *self.phases().entry(phase.name()).or_default() += took;
        out
    }

    /// Adds the phases of another timer, whose work was done ahead.
    pub(crate) fn add(&self, ahead: &Self) {
        let done = ahead.phases().clone();
        let mut phases = self.phases();
        for (phase, took) in done {
            *phases.entry(phase).or_default() += took;
        }
    }

    fn phases(&self) -> MutexGuard<'_, BTreeMap<&'static str, Duration>> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn durations_ms(&self) -> (u64, BTreeMap<&'static str, u64>) {
        let whole = millis(self.clock.monotonic().saturating_sub(self.started));
        let mut out: BTreeMap<_, _> = self.phases().iter().map(|(k, v)| (*k, millis(*v))).collect();
        out.insert("triggerExecution", whole);
        (whole, out)
    }
}

/// What one source brought to a trigger.
#[derive(Clone, Debug)]
pub(crate) struct SourceReading {
    pub(crate) description: String,
    pub(crate) start: Option<Offset>,
    pub(crate) end: Option<Offset>,
    pub(crate) latest: Option<Offset>,
    pub(crate) rows: u64,
    pub(crate) metrics: BTreeMap<String, String>,
}

/// Makes progress of triggers, and keeps the last ones.
#[derive(Debug)]
pub(crate) struct ProgressReporter {
    query: QueryIdentity,
    recent: Mutex<VecDeque<Arc<StreamingQueryProgress>>>,
    keep: usize,
    previous_start_ms: Mutex<Option<i64>>,
}

impl ProgressReporter {
    /// Keeps at most `keep` (at least one).
    pub(crate) fn new(query: QueryIdentity, keep: usize) -> Self {
        Self {
            query,
            recent: Mutex::default(),
            keep: keep.max(1),
            previous_start_ms: Mutex::default(),
        }
    }

    /// The progress of a trigger that ends now.
    pub(crate) fn finish(
        &self,
        timer: &BatchTimer,
        batch_id: u64,
        sources: Vec<SourceReading>,
        sink: SinkProgressReport,
        stateful: StatefulProgress,
    ) -> Arc<StreamingQueryProgress> {
        let (whole_ms, duration_ms) = timer.durations_ms();
        let previous = self
            .previous_start_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(timer.started_ms);
        // Rates are for people: no exactness is lost that matters.
        let since_s = previous.map_or(f64::INFINITY, |p| (timer.started_ms - p) as f64 / 1000.0);
        let batch_s = whole_ms as f64 / 1000.0;
        let sources = sources
            .into_iter()
            .map(|s| SourceProgress {
                input_rows_per_second: s.rows as f64 / since_s,
                processed_rows_per_second: s.rows as f64 / batch_s,
                description: s.description,
                start_offset: s.start,
                end_offset: s.end,
                latest_offset: s.latest,
                num_input_rows: s.rows,
                metrics: s.metrics,
            })
            .collect();
        Arc::new(StreamingQueryProgress {
            id: self.query.id,
            run_id: self.query.run_id,
            name: self.query.name.clone(),
            timestamp: iso_8601(timer.started_ms),
            batch_id,
            batch_duration: whole_ms,
            duration_ms,
            event_time: stateful.event_time,
            state_operators: stateful.operators,
            sources,
            sink,
        })
    }

    /// Keeps a progress among the recent ones.
    pub(crate) fn keep(&self, progress: Arc<StreamingQueryProgress>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        while recent.len() >= self.keep {
            recent.pop_front();
        }
        recent.push_back(progress);
    }

    pub(crate) fn recent(&self) -> Vec<Arc<StreamingQueryProgress>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.iter().cloned().collect()
    }

    pub(crate) fn last(&self) -> Option<Arc<StreamingQueryProgress>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.back().cloned()
    }
}

/// ISO 8601 in UTC with milliseconds, as progress and events show times.
pub(crate) fn iso_8601(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
