//! What a run with state or a watermark has besides: the stores, the watermarks, and the checks against the checkpoint.
//!
//! Before the first batch of a run, its stateful operators are compared with the checkpoint's metadata and schemas, and
//! written where there are none. After each batch every operator must have committed every state partition; a sink
//! that did not pull all rows leaves some undone, and then the plan runs once more without it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};
use tidemill_checkpoint::{BatchId, FileManagerRef};
use tidemill_sql::{
    BatchState, EventTimeCollector, EventTimeStats, IncrementalExecution, MultipleWatermarkPolicy,
    OutputMode, StateCommit, StateLayout, StatefulOperator, WatermarkTracker, stateful_operators,
};
use tidemill_state::{
    CompressionCodec, OperatorStateMetadata, StateStoreConf, StateStoreMetadata, StateStores,
    check_key_or_write_schema, check_operators, check_or_write_schema, read_all, write_operator_metadata,
};

use crate::blocking::TokioBlocking;
use crate::clock::Clock;
use crate::conf::STATE_PARTITIONS;
use crate::{Conf, ErrorKind, Result, TidemillError};

/// Spark's name of the provider whose files these are.
const HDFS_PROVIDER: &str = "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider";

/// What a run with state or a watermark has besides.
pub(super) struct StatefulRun {
    files: FileManagerRef,
    stores: StateStores,
    clock: Arc<dyn Clock>,
    tracker: WatermarkTracker,
    has_watermark: bool,
    /// The operators of the last batch of this run; none before the first.
    operators: Option<Vec<StatefulOperator>>,
    configured_partitions: u32,
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

/// What the checkpoint's confs say of the state of a query.
pub(super) fn state_layout(conf: &Conf) -> Result<StateLayout> {
    let partitions = conf.get_u64(STATE_PARTITIONS)?;
    let partitions = u32::try_from(partitions)
        .ok()
        .and_then(std::num::NonZeroU32::new)
        .ok_or_else(|| {
            bad_conf(
                "spark.sql.shuffle.partitions",
                &partitions.to_string(),
                "1 and above",
            )
        })?;
    let key = "spark.sql.streaming.aggregation.stateFormatVersion";
    let format = conf.get_u64(key)?;
    match u8::try_from(format) {
        Ok(format @ (1 | 2)) => Ok(StateLayout::new(partitions, format)),
        _ => Err(bad_conf(key, &format.to_string(), "1, 2")),
    }
}

fn bad_conf(key: &str, value: &str, expected: &str) -> TidemillError {
    TidemillError::invalid(
        "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS",
        format!("The value '{value}' in the config \"{key}\" is invalid. It should be one of '{expected}'."),
    )
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
            files,
            clock,
            has_watermark: !delays.is_empty(),
            tracker: WatermarkTracker::new(policy, delays, watermark_ms),
            operators: None,
            configured_partitions: state_layout(conf)?.partitions.get(),
            batch: None,
            maintenance: None,
            maintenance_interval_ms: i64::try_from(interval).unwrap_or(i64::MAX),
            last_maintenance_ms: None,
        })
    }

    /// Compares the operators of the first plan of a run with the checkpoint, and writes what is new.
    pub(super) async fn check(&mut self, plan: &Arc<dyn ExecutionPlan>, batch: BatchId) -> Result<()> {
        let operators = stateful_operators(plan);
        if self.operators.is_none() {
            let found = read_all(self.files.as_ref()).await?;
            let mut named: Vec<_> = operators.iter().map(|o| (o.id, o.name)).collect();
            if batch > BatchId::FIRST {
                check_operators(&named, &found)?;
                self.check_folders(&operators).await?;
            } else {
                // A crash may have left the metadata of some operators unwritten; what is there must fit.
                named.retain(|(id, _)| found.iter().any(|f| f.operator_id == *id));
                check_operators(&named, &found)?;
            }
            let metadata: Vec<_> = operators.iter().map(|o| self.metadata(o)).collect();
            write_operator_metadata(self.files.as_ref(), &metadata).await?;
            for operator in &operators {
                let store = tidemill_state::StateStoreId::DEFAULT_STORE;
                let files = self.files.as_ref();
                if operator.name.starts_with("dedupe") {
                    check_key_or_write_schema(files, operator.id, store, &operator.schema).await?;
                } else {
                    check_or_write_schema(files, operator.id, store, &operator.schema).await?;
                }
            }
        }
        self.operators = Some(operators);
        Ok(())
    }

    /// A query that went on must have its state: an operator without its folder was not there before, or lost it.
    async fn check_folders(&self, operators: &[StatefulOperator]) -> Result<()> {
        let state = tidemill_checkpoint::CheckpointLocation::STATE;
        let folders = self.files.list(state).await?;
        for operator in operators {
            let name = operator.id.0.to_string();
            if !folders.iter().any(|folder| folder.is_dir && folder.name == name) {
                return Err(TidemillError::new(
                    ErrorKind::Corrupt,
                    "STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY",
                    format!(
                        "Cannot restart streaming query with stateful operator {} ({}) because its state directory {} \
                         is empty or missing. Restore it from a copy, or start the query with a new checkpointLocation.",
                        operator.id.0,
                        operator.name,
                        self.files.describe(&format!("{state}/{name}"))
                    ),
                ));
            }
        }
        Ok(())
    }

    fn metadata(&self, operator: &StatefulOperator) -> OperatorStateMetadata {
        let store = StateStoreMetadata::new(
            tidemill_state::StateStoreId::DEFAULT_STORE,
            0,
            self.configured_partitions,
        );
        OperatorStateMetadata::new(operator.id, operator.name, vec![store])
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

    /// Finishes what the sink left undone.
    pub(super) async fn finish(&self, plan: &Arc<dyn ExecutionPlan>, task: &Arc<TaskContext>) -> Result<()> {
        if self.is_done() {
            return Ok(());
        }
        if let Some(batch) = &self.batch {
            batch.event_times.take();
        }
        let streams =
            datafusion::physical_plan::execute_stream_partitioned(Arc::clone(plan), Arc::clone(task))?;
        let drains = streams.into_iter().map(|mut rows| {
            tokio::spawn(async move {
                while rows.try_next().await?.is_some() {}
                Ok::<_, datafusion::error::DataFusionError>(())
            })
        });
        let mut drains: futures::stream::FuturesUnordered<_> = drains.collect();
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
        let mut all: Option<EventTimeStats> = None;
        for (_, stats) in stats.iter().filter(|(_, stats)| stats.count > 0) {
            match &mut all {
                Some(all) => all.merge(stats),
                None => all = Some(*stats),
            }
        }
        StatefulFacts {
            next_watermark_ms: self.tracker.advance(&stats),
            operators: self.operators.clone().unwrap_or_default(),
            commits: batch.state.commits(),
            event_times: all,
            has_watermark: self.has_watermark,
        }
    }

    /// Whether a batch without data is worth while: the watermark has passed the one that an operator evicted by, in a
    /// batch of this run.
    pub(super) fn wants_batch_without_data(&self, watermark_ms: i64) -> bool {
        let watermark_us = watermark_ms.saturating_mul(1000);
        self.operators.iter().flatten().any(|operator| {
            operator.runs_without_data
                && operator.mode != OutputMode::Complete
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

    /// Waits for what runs in the background.
    pub(super) async fn close(&mut self) {
        if let Some(task) = self.maintenance.take() {
            // It only logs; a panic of it is no fault of the query.
            let _ = tokio::time::timeout(Duration::from_secs(60), task).await;
        }
    }
}

fn store_conf(conf: &Conf) -> Result<StateStoreConf> {
    let provider = conf
        .get("spark.sql.streaming.stateStore.providerClass")
        .unwrap_or(HDFS_PROVIDER);
    if provider != HDFS_PROVIDER {
        return Err(TidemillError::new(
            ErrorKind::Unsupported,
            "UNSUPPORTED_STATE_STORE_PROVIDER",
            format!(
                "The state store provider {provider} is not supported: only {HDFS_PROVIDER} is. A checkpoint keeps the \
                 provider it began with; go on with it in Spark, or start the query with a new checkpointLocation."
            ),
        ));
    }
    let version = conf.get_u64("spark.sql.streaming.stateStore.checkpointFormatVersion")?;
    if version != 1 {
        return Err(TidemillError::invalid(
            "STATE_STORE_CHECKPOINT_IDS_NOT_SUPPORTED",
            format!(
                "{provider} does not support state store checkpoint ids. Set \
                 spark.sql.streaming.stateStore.checkpointFormatVersion to 1 (it is {version})."
            ),
        ));
    }
    let codec = conf
        .get("spark.sql.streaming.stateStore.compression.codec")
        .unwrap_or("lz4");
    let encoding = conf
        .get("spark.sql.streaming.stateStore.encodingFormat")
        .unwrap_or("unsaferow");
    if !encoding.eq_ignore_ascii_case("unsaferow") {
        return Err(bad_conf(
            "spark.sql.streaming.stateStore.encodingFormat",
            encoding,
            "unsaferow",
        ));
    }
    let mut out = StateStoreConf::default();
    out.compression = CompressionCodec::from_name(codec).ok_or_else(|| unknown_codec(codec))?;
    out.row_checksum = conf.get_bool("spark.sql.streaming.stateStore.rowChecksum.enabled")?;
    out.min_deltas_for_snapshot = conf.get_u64("spark.sql.streaming.stateStore.minDeltasForSnapshot")?;
    out.min_versions_to_retain = conf.get_u64("spark.sql.streaming.minBatchesToRetain")?;
    Ok(out)
}

fn unknown_codec(codec: &str) -> TidemillError {
    TidemillError::invalid(
        "CODEC_NOT_AVAILABLE.WITH_CONF_SUGGESTION",
        format!(
            "The codec {codec} is not available. Consider to set the config \
             spark.sql.streaming.stateStore.compression.codec to one of lz4, zstd, snappy, lzf."
        ),
    )
}
