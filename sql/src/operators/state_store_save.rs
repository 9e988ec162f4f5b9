//! Streaming aggregation: merges a batch's partial aggregates with the state, saves what changed, gives the mode's rows.
//!
//! The input is a partial aggregation of DataFusion's (keys, then the states of each aggregate, then the state
//! partition). Per batch of rows: groups behind the late watermark are dropped, keys become state rows. When many rows
//! wait, or all are there, new groups first merge what the store holds of them, then all rows merge: the store is asked
//! for many keys in its own order, which costs half of what it costs in the order of the rows. At the end every touched
//! group is put into its store, and
//!
//! | mode | gives | lets go |
//! |---|---|---|
//! | update | every touched group | groups behind the eviction watermark, silently |
//! | append | the groups it lets go | groups behind the eviction watermark |
//! | complete | every group of the state | nothing, and no group is late |
//!
//! A value row is the buffers in the order of the aggregates; in format 1 the key columns stand before them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, SchemaRef};
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{internal_datafusion_err, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::udaf::AggregateFunctionExpr;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, Partitioning, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};
use tidemill_state::{ExpiryIndex, Rows, StateRowCodec, StateSchema, StateStoreSpec};

use super::aggregate_buffers::AggregateBuffers;
use super::open_stores::{OpenStores, TaskCounts};
use super::state_partition::{owned_partitions, required_distribution};
use super::{BatchState, EventTimeColumn, StateInfo, StatefulOperator};
use crate::OutputMode;
use crate::error::state;

mod merge;
mod output;

use merge::Merged;
use output::Given;

/// From so many rows on, the rows to give are made while the stores commit; fewer are made sooner than handed over.
const ROWS_WORTH_A_THREAD: usize = 10_000;

/// The value column that tells Spark that it cannot read the others.
const NOT_PORTABLE: &str = "tidemill_not_portable";

/// Merges partial aggregates with the state.
#[derive(Clone, Debug)]
pub(crate) struct StateStoreSaveExec {
    input: Arc<dyn ExecutionPlan>,
    shared: Arc<Shared>,
    distribution: Distribution,
    properties: Arc<PlanProperties>,
}

/// What every task of the operator needs.
#[derive(Debug)]
struct Shared {
    info: StateInfo,
    /// The key columns as the state holds them.
    keys: Fields,
    key_codec: StateRowCodec,
    value: Fields,
    value_codec: StateRowCodec,
    /// Columns of a value before its buffers: the key's in format 1.
    repeated_keys: usize,
    buffers: AggregateBuffers,
    event_time: Option<EventTimeColumn>,
    spec: StateStoreSpec,
    schema: SchemaRef,
    distribution: Distribution,
}

impl StateStoreSaveExec {
    /// Over `input`: the key columns in the types that [`stored_key`] gives them, the states of `aggregates`, and the state
    /// partition.
    ///
    /// `keys` name the key columns as the state schema has them; `schema` is the output: the keys, then the results.
    pub(crate) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        keys: &[FieldRef],
        aggregates: Vec<Arc<AggregateFunctionExpr>>,
        info: StateInfo,
        schema: SchemaRef,
        tasks: usize,
    ) -> DataFusionResult<Self> {
        let buffers = AggregateBuffers::try_new(aggregates)?;
        // In complete mode no row is late and no group leaves, so it does not matter which time would tell.
        let event_time = match info.mode {
            OutputMode::Complete => None,
            OutputMode::Append | OutputMode::Update => EventTimeColumn::find(keys)?,
        };
        let keys: Fields = keys.iter().map(stored).collect();
        let repeated_keys = if info.aggregation_format == 1 {
            keys.len()
        } else {
            0
        };
        let mut value: Vec<FieldRef> = keys.iter().take(repeated_keys).cloned().collect();
        value.extend(buffers.fields());
        if !buffers.is_portable() {
            value.push(Arc::new(Field::new(NOT_PORTABLE, DataType::Boolean, true)));
        }
        let value = Fields::from(value);
        let expiry = event_time
            .map(|column| column.time_field())
            .transpose()?
            .map(ExpiryIndex::Key);
        let distribution =
            required_distribution(&input.schema(), info.partitions_of(!keys.is_empty()), tasks)?;
        let shared = Shared {
            key_codec: StateRowCodec::try_new(&keys).map_err(state)?,
            value_codec: StateRowCodec::try_new(&value).map_err(state)?,
            info,
            keys,
            value,
            repeated_keys,
            buffers,
            event_time,
            spec: StateStoreSpec {
                expiry,
                ..StateStoreSpec::default()
            },
            schema,
            distribution: distribution.clone(),
        };
        Ok(Self::over(input, Arc::new(shared), distribution))
    }

    fn over(input: Arc<dyn ExecutionPlan>, shared: Arc<Shared>, distribution: Distribution) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&shared.schema)),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            input,
            shared,
            distribution,
            properties: Arc::new(properties),
        }
    }

    /// What the engine must know.
    pub(super) fn operator(&self) -> StatefulOperator {
        let info = &self.shared.info;
        StatefulOperator {
            id: info.operator,
            name: "stateStoreSave",
            partitions: info.partitions_of(!self.shared.keys.is_empty()),
            schema: StateSchema {
                key: self.shared.keys.clone(),
                value: self.shared.value.clone(),
            },
            runs_without_data: info.mode != OutputMode::Complete,
            eviction_watermark_us: info.eviction_watermark_us,
            is_watermarked: info.is_watermarked,
        }
    }
}

/// The type in which a partial aggregation's key column goes into the state as the column `key`, if it is another than its
/// own: DataFusion's grouping id is unsigned and narrow, Spark's a long, and a dictionary is its values.
pub(crate) fn stored_key(from: &DataType, key: &FieldRef) -> Option<DataType> {
    let to = stored_type(key.data_type());
    let is_other = match from {
        DataType::Dictionary(..) => true,
        from => from.is_unsigned_integer() && to == DataType::Int64,
    };
    is_other.then_some(to)
}

/// A key column as the state holds it: a type that a state row has, and nullable throughout, as Spark's.
pub(super) fn stored(field: &FieldRef) -> FieldRef {
    let data_type = stored_type(field.data_type());
    let stored = Field::new(field.name(), data_type, true).with_metadata(field.metadata().clone());
    Arc::new(stored)
}

fn stored_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => stored_type(value),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(stored).collect()),
        DataType::List(item) => DataType::List(stored(item)),
        other => other.clone(),
    }
}

impl DisplayAs for StateStoreSaveExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = &self.shared.info;
        write!(
            f,
            "StateStoreSaveExec: operator={}, mode={}, partitions={}",
            info.operator.0,
            info.mode,
            info.partitions_of(!self.shared.keys.is_empty())
        )
    }
}

impl ExecutionPlan for StateStoreSaveExec {
    fn name(&self) -> &'static str {
        "StateStoreSaveExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![self.distribution.clone()])
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
            return internal_err!("StateStoreSaveExec has one input");
        };
        Ok(Arc::new(Self::over(
            input,
            Arc::clone(&self.shared),
            self.distribution.clone(),
        )))
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
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let rows_per_batch = context.session_config().batch_size();
        let output = futures::stream::once(async move {
            let batches = shared.run(&batch, input, &owned, rows_per_batch).await?;
            Ok::<_, datafusion::error::DataFusionError>(futures::stream::iter(batches.into_iter().map(Ok)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.shared.schema),
            output.try_flatten(),
        )))
    }
}

impl Shared {
    /// One task: merge, save, commit, and the rows to give.
    async fn run(
        self: &Arc<Self>,
        batch: &Arc<BatchState>,
        mut input: SendableRecordBatchStream,
        owned: &[u32],
        rows_per_batch: usize,
    ) -> DataFusionResult<Vec<RecordBatch>> {
        let mut stores = OpenStores::load(batch, &self.info, &self.spec, owned).await?;
        let mut counts = TaskCounts::default();
        let mut merged = Merged::new(self.buffers.accumulators()?);
        while let Some(rows) = input.next().await {
            let began = batch.now();
            self.gather(rows?, &mut merged, &mut stores)?;
            counts.all_updates += batch.now().saturating_sub(began);
        }
        let began = batch.now();
        self.merge(&mut merged, &mut stores)?;
        let states = self.save(&mut merged, &mut stores)?;
        let removed = batch.now();
        counts.all_updates += removed.saturating_sub(began);
        counts.rows_dropped_by_watermark = merged.late.len() as u64;
        let given = match self.info.mode {
            OutputMode::Update => {
                self.evict(&mut stores, None)?;
                Given::Groups(merged.groups, states)
            }
            OutputMode::Append => {
                let mut closed = (Rows::default(), Rows::default());
                self.evict(&mut stores, Some(&mut closed))?;
                Given::Rows(closed.0, closed.1)
            }
            OutputMode::Complete => {
                let (mut keys, mut values) = (Rows::default(), Rows::default());
                for store in stores.all() {
                    store
                        .for_each(&mut |key, value| {
                            keys.push(key);
                            values.push(value);
                            Ok(())
                        })
                        .map_err(state)?;
                }
                Given::Rows(keys, values)
            }
        };
        counts.all_removals = batch.now().saturating_sub(removed);
        let commit = stores.commit(batch, &self.info, counts);
        if given.len() < ROWS_WORTH_A_THREAD {
            commit.await?;
            return self.output_of(&given, rows_per_batch);
        }
        let shared = Arc::clone(self);
        let output = SpawnedTask::spawn_blocking(move || shared.output_of(&given, rows_per_batch));
        let (committed, output) = futures::join!(commit, output.join());
        committed?;
        output.map_err(|e| internal_datafusion_err!("the rows of an aggregation were not made: {e}"))?
    }

    /// The buffer columns of value rows.
    fn buffer_columns<'a>(
        &self,
        values: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) -> DataFusionResult<Vec<ArrayRef>> {
        let mut columns = self.value_codec.decode(values).map_err(state)?;
        columns.drain(..self.repeated_keys.min(columns.len()));
        if !self.buffers.is_portable() {
            columns.pop();
        }
        Ok(columns)
    }

    /// Puts every touched group into its store; gives the groups' states.
    fn save(&self, merged: &mut Merged, stores: &mut OpenStores) -> DataFusionResult<Vec<Vec<ArrayRef>>> {
        let accumulators = std::mem::replace(&mut merged.accumulators, self.buffers.accumulators()?);
        let rows = merged.groups.len();
        if rows == 0 {
            return Ok(Vec::new());
        }
        let states = accumulators.into_states()?;
        let mut columns = Vec::new();
        if self.repeated_keys > 0 {
            columns = self.key_codec.decode(merged.groups.keys()).map_err(state)?;
        }
        columns.extend(self.buffers.buffers(&states)?);
        if !self.buffers.is_portable() {
            columns.push(Arc::new(BooleanArray::new_null(rows)));
        }
        let mut values = Rows::with_capacity(rows, rows * 16);
        self.value_codec
            .encode(&columns, rows, &mut values)
            .map_err(state)?;
        for (partition, slots) in merged.groups.all_by_partition() {
            let groups = merged.groups.groups_of(slots.iter().copied());
            let keys = slots
                .iter()
                .map(|slot| (merged.groups.handle(*slot), merged.groups.key(*slot)));
            let mut rows = keys
                .zip(&groups)
                .map(|((handle, key), group)| (handle, key, values.row(*group)));
            stores.of(partition)?.put_batch(&mut rows).map_err(state)?;
        }
        Ok(states)
    }

    /// Lets go of what is behind the eviction watermark, and gathers it if asked to.
    fn evict(&self, stores: &mut OpenStores, mut closed: Option<&mut (Rows, Rows)>) -> DataFusionResult<()> {
        if self.event_time.is_none() {
            return Ok(());
        }
        for store in stores.all() {
            store
                .expire(self.info.eviction_watermark_us, &mut |key, value| {
                    if let Some((keys, values)) = closed.as_deref_mut() {
                        keys.push(key);
                        values.push(value);
                    }
                    Ok(())
                })
                .map_err(state)?;
        }
        Ok(())
    }
}
