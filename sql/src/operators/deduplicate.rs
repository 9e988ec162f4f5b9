//! Streaming deduplication: a row goes on when its key was never seen, or not within the watermark.
//!
//! Rows behind the late watermark are dropped whether or not the event time is part of the key. Keys leave the state
//! when the watermark passes them, after the batch's rows: by the event time in the key, or, within the watermark, by
//! the time that the first row's event time plus the delay gave, which later duplicates do not move.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBuilder, Int64Array, NullArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{internal_datafusion_err, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, Partitioning, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};
use tidemill_state::{
    ExpiryIndex, Rows, StateRowCodec, StateSchema, StateStoreSpec, TimeField, normalize_keys,
};

use super::open_stores::{OpenStores, TaskCounts};
use super::state_partition::{owned_partitions, required_distribution, state_partitions_of};
use super::state_store_save::stored;
use super::{BatchState, EventTimeColumn, StateInfo, StatefulOperator};
use crate::error::state;
use crate::event_time::delay_ms_of;

/// Keeps the first row of each key.
#[derive(Clone, Debug)]
pub(crate) struct StreamingDeduplicateExec {
    input: Arc<dyn ExecutionPlan>,
    shared: Arc<Shared>,
    properties: Arc<PlanProperties>,
}

#[derive(Debug)]
struct Shared {
    info: StateInfo,
    /// The columns of the input that make the key, in the user's order.
    key_columns: Vec<usize>,
    keys: Fields,
    key_codec: StateRowCodec,
    value: Fields,
    value_codec: StateRowCodec,
    /// The event time among the input's columns.
    event_time: Option<EventTimeColumn>,
    /// Within the watermark: how long after its event time a key expires, µs.
    delay_us: Option<i64>,
    spec: StateStoreSpec,
    schema: SchemaRef,
    distribution: Distribution,
}

impl StreamingDeduplicateExec {
    /// Over `input`: the rows, and the state partition. `within_watermark` bounds how long a key is remembered.
    pub(crate) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        key_columns: Vec<usize>,
        within_watermark: bool,
        info: StateInfo,
        schema: SchemaRef,
        tasks: usize,
    ) -> DataFusionResult<Self> {
        let fields = schema.fields();
        let keys: Vec<FieldRef> = key_columns
            .iter()
            .filter_map(|column| fields.get(*column).map(stored))
            .collect();
        let event_time = EventTimeColumn::find(fields)?;
        let delay_us = match event_time {
            Some(column) if within_watermark => fields
                .get(column.column)
                .and_then(|field| delay_ms_of(field))
                .map(|delay_ms| delay_ms.saturating_mul(1000)),
            _ => None,
        };
        let expiry = match delay_us {
            Some(_) => Some(ExpiryIndex::Value(TimeField {
                column: 0,
                column_count: 1,
                nested: None,
            })),
            None => EventTimeColumn::find(&keys)?
                .map(|column| column.time_field())
                .transpose()?
                .map(ExpiryIndex::Key),
        };
        let value = Fields::from(vec![match delay_us {
            Some(_) => Field::new("expiresAtMicros", DataType::Int64, true),
            None => Field::new("__dummy__", DataType::Null, true),
        }]);
        let keys = Fields::from(keys);
        let distribution =
            required_distribution(&input.schema(), info.partitions_of(!keys.is_empty()), tasks)?;
        let shared = Arc::new(Shared {
            key_codec: StateRowCodec::try_new(&keys).map_err(state)?,
            value_codec: StateRowCodec::try_new(&value).map_err(state)?,
            info,
            key_columns,
            keys,
            value,
            event_time,
            delay_us,
            spec: StateStoreSpec {
                expiry,
                ..StateStoreSpec::default()
            },
            schema,
            distribution,
        });
        Ok(Self::over(input, shared))
    }

    fn over(input: Arc<dyn ExecutionPlan>, shared: Arc<Shared>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&shared.schema)),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            input,
            shared,
            properties: Arc::new(properties),
        }
    }

    /// What the engine must know.
    pub(super) fn operator(&self) -> StatefulOperator {
        let info = &self.shared.info;
        StatefulOperator {
            id: info.operator,
            name: match self.shared.delay_us {
                Some(_) => "dedupeWithinWatermark",
                None => "dedupe",
            },
            partitions: info.partitions_of(!self.shared.keys.is_empty()),
            schema: StateSchema {
                key: self.shared.keys.clone(),
                value: self.shared.value.clone(),
            },
            runs_without_data: true,
            eviction_watermark_us: info.eviction_watermark_us,
            is_watermarked: info.is_watermarked,
        }
    }
}

impl DisplayAs for StreamingDeduplicateExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.shared.keys.iter().map(|key| key.name().as_str()).collect();
        write!(
            f,
            "StreamingDeduplicateExec: operator={}, keys=[{}]",
            self.shared.info.operator.0,
            keys.join(", ")
        )
    }
}

impl ExecutionPlan for StreamingDeduplicateExec {
    fn name(&self) -> &'static str {
        "StreamingDeduplicateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![self.shared.distribution.clone()])
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return internal_err!("StreamingDeduplicateExec has one input");
        };
        Ok(Arc::new(Self::over(input, Arc::clone(&self.shared))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let batch = BatchState::of_task(&context)?;
        let shared = Arc::clone(&self.shared);
        let partitions = shared.info.partitions_of(!shared.keys.is_empty());
        let owned = owned_partitions(&self.input, &shared.distribution, partitions, partition)?;
        let input = self.input.execute(partition, context)?;
        let task = Task {
            shared,
            batch,
            input,
            owned,
            stores: None,
            counts: TaskCounts {
                dropped_duplicate_rows: Some(0),
                ..TaskCounts::default()
            },
        };
        let output = futures::stream::try_unfold(Some(task), |task| async move {
            match task {
                Some(task) => task.next().await,
                None => Ok(None),
            }
        });
        let output = output.try_filter(|rows| std::future::ready(rows.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.shared.schema),
            output,
        )))
    }
}

/// One task of the operator.
struct Task {
    shared: Arc<Shared>,
    batch: Arc<BatchState>,
    input: SendableRecordBatchStream,
    owned: Vec<u32>,
    stores: Option<OpenStores>,
    counts: TaskCounts,
}

impl Task {
    /// The next rows, or, after the last, the commit.
    async fn next(mut self) -> DataFusionResult<Option<(RecordBatch, Option<Self>)>> {
        let mut stores = match self.stores.take() {
            Some(stores) => stores,
            None => OpenStores::load(&self.batch, &self.shared.info, &self.shared.spec, &self.owned).await?,
        };
        if let Some(rows) = self.input.next().await {
            let began = self.batch.now();
            let fresh = self.shared.fresh_rows(rows?, &mut stores, &mut self.counts)?;
            self.counts.all_updates += self.batch.now().saturating_sub(began);
            self.stores = Some(stores);
            return Ok(Some((fresh, Some(self))));
        }
        let began = self.batch.now();
        if self.shared.spec.expiry.is_some() {
            for store in stores.all() {
                store
                    .expire(self.shared.info.eviction_watermark_us, &mut |_, _| Ok(()))
                    .map_err(state)?;
            }
        }
        self.counts.all_removals = self.batch.now().saturating_sub(began);
        stores.commit(&self.batch, &self.shared.info, self.counts).await?;
        Ok(None)
    }
}

impl Shared {
    /// The rows whose key is new, without the state partition.
    fn fresh_rows(
        &self,
        rows: RecordBatch,
        stores: &mut OpenStores,
        counts: &mut TaskCounts,
    ) -> DataFusionResult<RecordBatch> {
        let rows = self.in_time(rows, counts)?;
        let keys = self.keys_of(&rows)?;
        let mut key_rows = Rows::with_capacity(rows.num_rows(), rows.num_rows() * 32);
        self.key_codec
            .encode(&keys, rows.num_rows(), &mut key_rows)
            .map_err(state)?;
        let values = self.values_of(&rows)?;
        let Some(partitions) = rows.columns().last() else {
            return internal_err!("a deduplication without a state partition");
        };
        let partitions = state_partitions_of(partitions)?;
        let mut fresh = BooleanBuilder::with_capacity(rows.num_rows());
        for ((key, value), partition) in key_rows.iter().zip(values.iter()).zip(partitions.values()) {
            let store = stores.of(*partition)?;
            let is_new = store.get(key).is_none();
            if is_new {
                store.put(key, value).map_err(state)?;
            }
            fresh.append_value(is_new);
        }
        let fresh = fresh.finish();
        if let Some(dropped) = counts.dropped_duplicate_rows.as_mut() {
            *dropped += fresh.false_count() as u64;
        }
        let columns: Vec<usize> = (0..self.schema.fields().len()).collect();
        let kept = filter_record_batch(&rows.project(&columns)?, &fresh)?;
        Ok(kept.with_schema(Arc::clone(&self.schema))?)
    }

    /// Drops the rows that come behind the watermark.
    fn in_time(&self, rows: RecordBatch, counts: &mut TaskCounts) -> DataFusionResult<RecordBatch> {
        let Some(column) = self.event_time else {
            return Ok(rows);
        };
        let (kept, late) = column.in_time(rows, self.info.late_watermark_us)?;
        counts.rows_dropped_by_watermark += late.map_or(0, |late| late.num_rows() as u64);
        Ok(kept)
    }

    fn keys_of(&self, rows: &RecordBatch) -> DataFusionResult<Vec<ArrayRef>> {
        self.key_columns
            .iter()
            .zip(&self.keys)
            .map(|(column, field)| {
                let key = rows
                    .columns()
                    .get(*column)
                    .ok_or_else(|| internal_datafusion_err!("a key column that is not there"))?;
                let key = match key.data_type() {
                    DataType::Dictionary(..) => cast(key, field.data_type())?,
                    _ => Arc::clone(key),
                };
                normalize_keys(&key).map_err(state)
            })
            .collect()
    }

    /// The value row of each row, should its key be new.
    fn values_of(&self, rows: &RecordBatch) -> DataFusionResult<Rows> {
        let count = rows.num_rows();
        let column: ArrayRef = match (self.delay_us, self.event_time) {
            (Some(delay_us), Some(event_time)) => {
                let times = event_time.times(rows.columns())?;
                // A row without an event time counts as one at the epoch.
                let expires: Int64Array = times
                    .iter()
                    .map(|time| Some(time.unwrap_or(0).saturating_add(delay_us)))
                    .collect();
                Arc::new(expires)
            }
            _ => Arc::new(NullArray::new(count)),
        };
        let mut values = Rows::with_capacity(count, count * 16);
        self.value_codec
            .encode(&[column], count, &mut values)
            .map_err(state)?;
        Ok(values)
    }
}
