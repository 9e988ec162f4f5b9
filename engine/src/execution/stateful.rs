//! What a run with state or a watermark has besides: the stores and the watermarks.
//!
//! Before the first batch of a run, its stateful operators are compared with the checkpoint (`state_check`). After each
//! batch every operator must have committed every state partition; a sink that did not pull all rows leaves some undone,
//! and so does a plan that stops early above the state. Then the operators run once more without them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, execute_stream_partitioned};
use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};
use tidemill_checkpoint::{BatchId, FileManagerRef};
use tidemill_sql::{
    BatchState, EventTimeCollector, EventTimeStats, IncrementalExecution, MultipleWatermarkPolicy,
    StateCommit, StatefulOperator, WatermarkTracker, stateful_operators, stateful_roots,
};
use tidemill_state::{StateStoreConf, StateStores};

use super::input_rows::InputRows;
use super::state_check::StateCheck;
use super::state_conf::store_conf;
use crate::blocking::TokioBlocking;
use crate::clock::Clock;
use crate::{Conf, Result, TidemillError};

/// How long a run of the plan waits for the streams of the one before.
const LAST_STREAMS: Duration = Duration::from_secs(10);

/// How long the end of a run waits for maintenance.
const LAST_MAINTENANCE: Duration = Duration::from_secs(60);

/// What a run with state or a watermark has besides.
pub(super) struct StatefulRun {
    check: StateCheck,
    stores: StateStores,
    clock: Arc<dyn Clock>,
    tracker: WatermarkTracker,
    has_watermark: bool,
    /// How many stateful operators the query has, whatever a batch brings.
    expected_operators: usize,
    /// The operators of the last batch of this run; none before the first.
    operators: Option<Vec<StatefulOperator>>,
    /// The facts of the batch that runs.
    batch: Option<BatchFactsSink>,
    maintenance: Option<tokio::task::JoinHandle<()>>,
    maintenance_interval_ms: i64,
    last_maintenance_ms: Option<i64>,
}

/// What the operators of one batch report to.
#[derive(Clone, Debug)]
struct BatchFactsSink {
    state: Arc<BatchState>,
    event_times: Arc<EventTimeCollector>,
}

/// What came of a batch's operators.
#[derive(Clone, Debug, Default)]
pub(super) struct StatefulFacts {
    pub(super) operators: Vec<StatefulOperator>,
    pub(super) commits: Vec<StateCommit>,
    pub(super) event_times: Option<EventTimeStats>,
    /// How many state partitions the checkpoint has.
    pub(super) shuffle_partitions: u32,
    /// Whether the query has a watermark.
    pub(super) has_watermark: bool,
    /// The watermark after the batch, ms since the epoch.
    pub(super) next_watermark_ms: i64,
}

impl fmt::Debug for StatefulRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatefulRun").finish_non_exhaustive()
    }
}

impl StatefulRun {
    /// For a run of this plan; `watermark_ms` is where the checkpoint says it goes on.
    ///
    /// # Errors
    /// A state store provider, codec or format that is not there; nothing was written then.
    pub(super) fn open(
        incremental: &IncrementalExecution,
        files: FileManagerRef,
        clock: Arc<dyn Clock>,
        conf: &Conf,
        watermark_ms: i64,
    ) -> Result<Self> {
        let is_stateful = incremental.stateful_operators() > 0;
        let store_conf = if is_stateful {
            store_conf(conf)?
        } else {
            StateStoreConf::default()
        };
        let policy = match conf.get("spark.sql.streaming.multipleWatermarkPolicy") {
            Some(policy) => policy.parse()?,
            None => MultipleWatermarkPolicy::default(),
        };
        let interval = conf.get_duration_ms("spark.sql.streaming.stateStore.maintenanceInterval")?;
        let delays = incremental.watermark_delays_ms().to_vec();
        Ok(Self {
            stores: StateStores::new(Arc::clone(&files), store_conf, Arc::new(TokioBlocking)),
            check: StateCheck::new(files, conf)?,
            clock,
            has_watermark: !delays.is_empty(),
            tracker: WatermarkTracker::new(policy, delays, watermark_ms),
            expected_operators: incremental.stateful_operators() as usize,
            operators: None,
            batch: None,
            maintenance: None,
            maintenance_interval_ms: i64::try_from(interval).unwrap_or(i64::MAX),
            last_maintenance_ms: None,
        })
    }

    /// Compares the operators of the first plan of a run with the checkpoint, and writes what is new.
    pub(super) async fn check(&mut self, plan: &Arc<dyn ExecutionPlan>, batch: BatchId) -> Result<()> {
        let operators = stateful_operators(plan);
        check_count(&operators, self.expected_operators, batch)?;
        if self.operators.is_none() {
            self.check.run(&operators, batch).await?;
        }
        self.operators = Some(operators);
        Ok(())
    }

    /// Whether the query has a watermark.
    pub(super) fn has_watermark(&self) -> bool {
        self.has_watermark
    }

    /// The task of the next batch: its operators report here.
    pub(super) fn begin(&mut self, session: &SessionContext) -> Arc<TaskContext> {
        let clock = Arc::clone(&self.clock);
        let facts = BatchFactsSink {
            state: Arc::new(BatchState::new(
                self.stores.clone(),
                Arc::new(move || clock.monotonic()),
            )),
            event_times: Arc::new(EventTimeCollector::new()),
        };
        let mut state = session.state();
        state.config_mut().set_extension(Arc::clone(&facts.state));
        state.config_mut().set_extension(Arc::clone(&facts.event_times));
        self.batch = Some(facts);
        Arc::new(TaskContext::from(&state))
    }

    /// Finishes what the sink, or the plan above the state, left undone: runs the stateful operators anew, whose sources
    /// count the rows they bring from zero.
    pub(super) async fn finish(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        task: &Arc<TaskContext>,
        input_rows: &InputRows,
    ) -> Result<()> {
        if self.is_done() {
            return Ok(());
        }
        // Streams that were dropped end in their own time; a store that stays open is an error of the run below.
        let _ = tokio::time::timeout(LAST_STREAMS, self.stores.wait_until_closed()).await;
        input_rows.take();
        if let Some(batch) = &self.batch {
            batch.event_times.take();
        }
        let mut drains = FuturesUnordered::new();
        for root in stateful_roots(plan) {
            // A plan that has run in part gives no rows again before it is reset.
            for mut rows in execute_stream_partitioned(reset_plan_states(root)?, Arc::clone(task))? {
                drains.push(tokio::spawn(async move {
                    while rows.try_next().await?.is_some() {}
                    Ok::<_, datafusion::error::DataFusionError>(())
                }));
            }
        }
        while let Some(done) = drains.next().await {
            done.map_err(|e| TidemillError::internal(format!("a task of the batch failed: {e}")))??;
        }
        if self.is_done() {
            return Ok(());
        }
        Err(TidemillError::internal(
            "a stateful operator did not commit all of its state partitions",
        ))
    }

    /// Whether every operator committed every state partition, and the plan's rows were read.
    fn is_done(&self) -> bool {
        let (Some(batch), Some(operators)) = (&self.batch, &self.operators) else {
            return false;
        };
        let commits = batch.state.commits();
        let committed = operators.iter().all(|operator| {
            let of_operator = commits.iter().filter(|c| c.operator == operator.id).count();
            u32::try_from(of_operator).is_ok_and(|n| n == operator.partitions.get())
        });
        committed && (!operators.is_empty() || !self.has_watermark || !batch.event_times.stats().is_empty())
    }

    /// What the batch's operators reported; moves the watermark.
    pub(super) fn facts(&mut self) -> StatefulFacts {
        let Some(batch) = self.batch.take() else {
            return StatefulFacts::default();
        };
        let stats = batch.event_times.take();
        // As in Spark: of several watermarks, the first in the plan that saw rows.
        let seen = stats.iter().find(|(_, stats)| stats.count > 0);
        let event_times = seen.map(|(_, stats)| *stats);
        StatefulFacts {
            next_watermark_ms: self.tracker.advance(&stats),
            operators: self.operators.clone().unwrap_or_default(),
            commits: batch.state.commits(),
            event_times,
            shuffle_partitions: self.check.configured_partitions(),
            has_watermark: self.has_watermark,
        }
    }

    /// Whether a batch without data is worth while: the watermark has passed the one that an operator evicted by, in a
    /// batch of this run.
    pub(super) fn wants_batch_without_data(&self, watermark_ms: i64) -> bool {
        let watermark_us = watermark_ms.saturating_mul(1000);
        self.operators.iter().flatten().any(|operator| {
            operator.runs_without_data
                && operator.is_watermarked
                && watermark_us > operator.eviction_watermark_us
        })
    }

    /// Starts maintenance of the stores in the background when it is due and none is running.
    pub(super) fn maintain(&mut self) {
        let now = self.clock.now_ms();
        let last = *self.last_maintenance_ms.get_or_insert(now);
        let busy = self.maintenance.as_ref().is_some_and(|task| !task.is_finished());
        let stateless = self.operators.as_ref().is_none_or(Vec::is_empty);
        if stateless || busy || now.saturating_sub(last) < self.maintenance_interval_ms {
            return;
        }
        self.last_maintenance_ms = Some(now);
        let stores = self.stores.clone();
        self.maintenance = Some(tokio::spawn(async move {
            if let Err(e) = stores.maintain().await {
                log::warn!("state stores could not be maintained: {e}");
            }
        }));
    }

    /// Waits for what runs in the background. After a run that went well, its stores are maintained where they are due
    /// for a snapshot: a run that is shorter than the interval would never do so, and the next ones read ever more files.
    pub(super) async fn close(&mut self, went_well: bool) {
        if let Some(task) = self.maintenance.take() {
            // It only logs; a panic of it is no fault of the query.
            let _ = tokio::time::timeout(LAST_MAINTENANCE, task).await;
        }
        if !went_well || !self.stores.is_maintenance_due() {
            return;
        }
        match tokio::time::timeout(LAST_MAINTENANCE, self.stores.maintain()).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => log::warn!("state stores could not be maintained: {e}"),
            Err(_) => log::warn!("the maintenance of state stores was given up at the end of the run"),
        }
    }
}

/// A batch must run every stateful operator of its query: one that planning lost would leave its state behind.
fn check_count(operators: &[StatefulOperator], expected: usize, batch: BatchId) -> Result<()> {
    if operators.len() == expected {
        return Ok(());
    }
    Err(TidemillError::internal(format!(
        "the plan of batch {batch} has {} stateful operators and the query {expected}; nothing of the batch was committed",
        operators.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_lost_a_stateful_operator_is_not_run() {
        let error = check_count(&[], 1, BatchId::FIRST).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Internal);
        assert!(
            error
                .message()
                .contains("batch 0 has 0 stateful operators and the query 1"),
            "{error}"
        );
        check_count(&[], 0, BatchId::FIRST).unwrap();
    }
}
