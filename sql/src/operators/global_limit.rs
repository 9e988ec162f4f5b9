//! The streaming limit: so many rows over the life of the query. The state counts the rows given so far.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, NullArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{exec_datafusion_err, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements, Partitioning,
    PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};
use tidemill_state::{Rows, StateRowCodec, StateSchema, StateStoreSpec};

use super::open_stores::{OpenStores, TaskCounts};
use super::{BatchState, StateInfo, StatefulOperator};
use crate::error::state;

/// Lets the first `limit` rows of a query's life through.
#[derive(Clone, Debug)]
pub(crate) struct StreamingGlobalLimitExec {
    input: Arc<dyn ExecutionPlan>,
    info: StateInfo,
    limit: u64,
    properties: Arc<PlanProperties>,
}

impl StreamingGlobalLimitExec {
    /// Over `input`, whatever its partitions.
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, limit: u64, info: StateInfo) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            input,
            info,
            limit,
            properties: Arc::new(properties),
        }
    }

    fn state_schema() -> StateSchema {
        StateSchema {
            key: Fields::from(vec![Field::new("key", DataType::Null, true)]),
            value: Fields::from(vec![Field::new("value", DataType::Int64, true)]),
        }
    }

    /// What the engine must know.
    pub(super) fn operator(&self) -> StatefulOperator {
        StatefulOperator {
            id: self.info.operator,
            name: "globalLimit",
            partitions: self.info.partitions_of(false),
            schema: Self::state_schema(),
            runs_without_data: false,
            eviction_watermark_us: self.info.eviction_watermark_us,
            is_watermarked: self.info.is_watermarked,
        }
    }
}

impl DisplayAs for StreamingGlobalLimitExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StreamingGlobalLimitExec: operator={}, limit={}",
            self.info.operator.0, self.limit
        )
    }
}

impl ExecutionPlan for StreamingGlobalLimitExec {
    fn name(&self) -> &'static str {
        "StreamingGlobalLimitExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
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
            return internal_err!("StreamingGlobalLimitExec has one input");
        };
        Ok(Arc::new(Self::new(input, self.limit, self.info.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("StreamingGlobalLimitExec has one partition");
        }
        let task = Task {
            batch: BatchState::of_task(&context)?,
            input: self.input.execute(0, context)?,
            info: self.info.clone(),
            limit: self.limit,
            given: None,
            before: 0,
        };
        let output = futures::stream::try_unfold(Some(task), |task| async move {
            match task {
                Some(task) => task.next().await,
                None => Ok(None),
            }
        });
        let output = output.try_filter(|rows| std::future::ready(rows.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), output)))
    }

    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}

struct Task {
    batch: Arc<BatchState>,
    input: SendableRecordBatchStream,
    info: StateInfo,
    limit: u64,
    /// The store and the rows given so far.
    given: Option<(OpenStores, u64)>,
    /// The rows that earlier batches gave.
    before: u64,
}

impl Task {
    async fn next(mut self) -> DataFusionResult<Option<(RecordBatch, Option<Self>)>> {
        let (stores, given) = match self.given.take() {
            Some(given) => given,
            None => {
                let loaded = load(&self.batch, &self.info).await?;
                self.before = loaded.1;
                loaded
            }
        };
        // The input is read to its end even when nothing more is let through: operators below must finish the batch.
        if let Some(rows) = self.input.next().await {
            let rows = rows?;
            let left = usize::try_from(self.limit.saturating_sub(given)).unwrap_or(usize::MAX);
            let rows = rows.slice(0, rows.num_rows().min(left));
            self.given = Some((stores, given + rows.num_rows() as u64));
            return Ok(Some((rows, Some(self))));
        }
        let mut stores = stores;
        if given > self.before {
            put(&mut stores, given)?;
        }
        stores
            .commit(&self.batch, &self.info, TaskCounts::default())
            .await?;
        Ok(None)
    }
}

/// The store, and the rows given so far.
async fn load(batch: &BatchState, info: &StateInfo) -> DataFusionResult<(OpenStores, u64)> {
    let mut stores = OpenStores::load(batch, info, &StateStoreSpec::default(), &[0]).await?;
    let given = match stores.of(0)?.get(&key()?) {
        None => 0,
        Some(value) => {
            let columns = value_codec()?.decode([value].into_iter()).map_err(state)?;
            let count = columns
                .first()
                .and_then(|column| column.as_primitive_opt::<Int64Type>());
            let count = count
                .and_then(|count| count.values().first().copied())
                .unwrap_or(0);
            u64::try_from(count)
                .map_err(|_| exec_datafusion_err!("the state of a limit holds the negative count {count}"))?
        }
    };
    Ok((stores, given))
}

/// Notes the rows given so far.
fn put(stores: &mut OpenStores, given: u64) -> DataFusionResult<()> {
    let count = i64::try_from(given).map_err(|_| exec_datafusion_err!("too many rows: {given}"))?;
    let column: ArrayRef = Arc::new(Int64Array::from(vec![count]));
    let mut value = Rows::default();
    value_codec()?.encode(&[column], 1, &mut value).map_err(state)?;
    stores.of(0)?.put(&key()?, value.row(0)).map_err(state)
}

/// The only key: a row of one void column.
fn key() -> DataFusionResult<Vec<u8>> {
    let codec = StateRowCodec::try_new(&StreamingGlobalLimitExec::state_schema().key).map_err(state)?;
    let mut rows = Rows::default();
    codec
        .encode(&[Arc::new(NullArray::new(1))], 1, &mut rows)
        .map_err(state)?;
    Ok(rows.row(0).to_vec())
}

fn value_codec() -> DataFusionResult<StateRowCodec> {
    StateRowCodec::try_new(&StreamingGlobalLimitExec::state_schema().value).map_err(state)
}
