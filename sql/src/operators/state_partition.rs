//! The shuffle of a stateful operator: rows go to the task that owns their state partition.
//!
//! [`StatePartitionExpr`] computes the state partition, Spark's hash of the key. [`RouteExpr`] turns it into a number
//! whose hash in DataFusion's shuffle is the task that should own it, so that state partitions spread evenly over tasks,
//! and [`owned_partitions`] asks the very same shuffle who owns what.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::common::{exec_datafusion_err, internal_datafusion_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::BatchPartitioner;
use datafusion::physical_plan::{Distribution, ExecutionPlan, ExecutionPlanProperties};
use tidemill_state::state_partitions;

/// The column that holds the state partition of a row.
pub(super) const STATE_PARTITION: &str = "__state_partition";

/// The state partition of a row: Spark's hash of its key columns.
#[derive(Debug)]
pub(super) struct StatePartitionExpr {
    keys: Vec<Arc<dyn PhysicalExpr>>,
    partitions: NonZeroU32,
}

impl PartialEq for StatePartitionExpr {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys && self.partitions == other.partitions
    }
}

impl Eq for StatePartitionExpr {}

impl Hash for StatePartitionExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.keys.hash(state);
        self.partitions.hash(state);
    }
}

impl fmt::Display for StatePartitionExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        write!(f, "state_partition({}; {})", keys.join(", "), self.partitions)
    }
}

impl PhysicalExpr for StatePartitionExpr {
    fn data_type(&self, _input_schema: &Schema) -> DataFusionResult<DataType> {
        Ok(DataType::Int32)
    }

    fn nullable(&self, _input_schema: &Schema) -> DataFusionResult<bool> {
        Ok(false)
    }

    fn evaluate(&self, batch: &RecordBatch) -> DataFusionResult<ColumnarValue> {
        let rows = batch.num_rows();
        if self.partitions == NonZeroU32::MIN {
            return Ok(ColumnarValue::Array(Arc::new(Int32Array::from(vec![0; rows]))));
        }
        let keys = self
            .keys
            .iter()
            .map(|key| key.evaluate(batch)?.into_array(rows))
            .collect::<DataFusionResult<Vec<_>>>()?;
        let partitions = state_partitions(&keys, rows, self.partitions).map_err(crate::error::state)?;
        let partitions: Int32Array = partitions
            .into_iter()
            .map(|partition| i32::try_from(partition).ok())
            .collect();
        Ok(ColumnarValue::Array(Arc::new(partitions)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.keys.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self {
            keys: children,
            partitions: self.partitions,
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The number that DataFusion's shuffle sends to the task that should own a state partition.
#[derive(Debug)]
pub(super) struct RouteExpr {
    state_partition: Arc<dyn PhysicalExpr>,
    /// One number per task.
    routes: Arc<[i32]>,
}

impl PartialEq for RouteExpr {
    fn eq(&self, other: &Self) -> bool {
        self.state_partition.eq(&other.state_partition) && self.routes == other.routes
    }
}

impl Eq for RouteExpr {}

impl Hash for RouteExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.state_partition.hash(state);
        self.routes.hash(state);
    }
}

impl fmt::Display for RouteExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route({})", self.state_partition)
    }
}

impl RouteExpr {
    /// Routes the state partitions of a column round robin over `tasks` tasks.
    fn try_new(column: usize, tasks: usize) -> DataFusionResult<Self> {
        Ok(Self {
            state_partition: Arc::new(Column::new(STATE_PARTITION, column)),
            routes: routes(tasks)?,
        })
    }
}

impl PhysicalExpr for RouteExpr {
    fn data_type(&self, _input_schema: &Schema) -> DataFusionResult<DataType> {
        Ok(DataType::Int32)
    }

    fn nullable(&self, _input_schema: &Schema) -> DataFusionResult<bool> {
        Ok(false)
    }

    fn evaluate(&self, batch: &RecordBatch) -> DataFusionResult<ColumnarValue> {
        let partitions = self
            .state_partition
            .evaluate(batch)?
            .into_array(batch.num_rows())?;
        let partitions = state_partitions_of(&partitions)?;
        let tasks = self.routes.len();
        let routed: Option<Vec<i32>> = partitions
            .values()
            .iter()
            .map(|p| self.routes.get(usize::try_from(*p).ok()? % tasks).copied())
            .collect();
        let routed = routed.ok_or_else(|| internal_datafusion_err!("a negative state partition"))?;
        Ok(ColumnarValue::Array(Arc::new(Int32Array::from(routed))))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.state_partition]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        let state_partition = children
            .pop()
            .ok_or_else(|| internal_datafusion_err!("a route needs its state partition"))?;
        Ok(Arc::new(Self {
            state_partition,
            routes: Arc::clone(&self.routes),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// For each task a number that the shuffle over `tasks` tasks sends to it.
fn routes(tasks: usize) -> DataFusionResult<Arc<[i32]>> {
    let few = i32::try_from(tasks).map_err(|_| exec_datafusion_err!("too many partitions: {tasks}"))?;
    let mut routes: Vec<Option<i32>> = vec![None; tasks];
    let mut from = 0_i32;
    while routes.iter().any(Option::is_none) {
        let until = from.saturating_add(few.saturating_mul(8)).max(from + 1);
        let candidates: Vec<i32> = (from..until).collect();
        for (candidate, task) in candidates.iter().zip(shuffle(candidates.clone(), tasks)?) {
            if let Some(route) = routes.get_mut(task) {
                route.get_or_insert(*candidate);
            }
        }
        from = until;
    }
    Ok(routes.into_iter().flatten().collect())
}

/// To which task DataFusion's shuffle sends each number.
fn shuffle(numbers: Vec<i32>, tasks: usize) -> DataFusionResult<Vec<usize>> {
    let count = numbers.len();
    let schema = Arc::new(Schema::new(vec![
        Field::new("number", DataType::Int32, false),
        Field::new("place", DataType::Int32, false),
    ]));
    let places: Int32Array = (0..).take(count).collect();
    let batch = RecordBatch::try_new(
        schema,
        vec![Arc::new(Int32Array::from(numbers)), Arc::new(places)],
    )?;
    let mut partitioner =
        BatchPartitioner::new_hash_partitioner(vec![Arc::new(Column::new("number", 0))], tasks, Time::new())?;
    let mut sent = vec![0; count];
    partitioner.partition(batch, |task, part| {
        for place in part.column(1).as_primitive::<Int32Type>().values() {
            if let Ok(place) = usize::try_from(*place)
                && let Some(slot) = sent.get_mut(place)
            {
                *slot = task;
            }
        }
        Ok(())
    })?;
    Ok(sent)
}

/// The input of a stateful operator: its columns, and the state partition of each row as the last one.
///
/// `keys` are the operator's key columns over `input`.
pub(crate) fn with_state_partition(
    input: Arc<dyn ExecutionPlan>,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    partitions: NonZeroU32,
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let schema = input.schema();
    let mut columns: Vec<(Arc<dyn PhysicalExpr>, String)> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(i, field)| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), i));
            (column, field.name().clone())
        })
        .collect();
    let state_partition: Arc<dyn PhysicalExpr> = Arc::new(StatePartitionExpr { keys, partitions });
    columns.push((state_partition, STATE_PARTITION.to_owned()));
    Ok(Arc::new(ProjectionExec::try_new(columns, input)?))
}

/// What a stateful operator asks of its input, whose last column is the state partition.
pub(super) fn required_distribution(
    schema: &Schema,
    partitions: NonZeroU32,
    tasks: usize,
) -> DataFusionResult<Distribution> {
    if partitions == NonZeroU32::MIN || tasks == 1 {
        return Ok(Distribution::SinglePartition);
    }
    let route = RouteExpr::try_new(schema.fields().len().saturating_sub(1), tasks)?;
    Ok(Distribution::KeyPartitioned(vec![Arc::new(route)]))
}

/// The state partitions that a task of an operator owns: those whose rows the shuffle sends to it.
pub(super) fn owned_partitions(
    input: &Arc<dyn ExecutionPlan>,
    distribution: &Distribution,
    partitions: NonZeroU32,
    task: usize,
) -> DataFusionResult<Vec<u32>> {
    let tasks = input.output_partitioning().partition_count();
    let all = 0..partitions.get();
    if tasks == 1 {
        return Ok(all.collect());
    }
    let Distribution::KeyPartitioned(exprs) = distribution else {
        return Err(internal_datafusion_err!(
            "a stateful operator whose input is not shuffled by key"
        ));
    };
    let [route] = exprs.as_slice() else {
        return Err(internal_datafusion_err!(
            "a stateful operator is shuffled by one route"
        ));
    };
    let numbers: Int32Array = all.clone().map(|p| i32::try_from(p).ok()).collect();
    let column = input.schema().fields().len().saturating_sub(1);
    let placed = place(numbers, column, &input.schema())?;
    let routed = route.evaluate(&placed)?.into_array(placed.num_rows())?;
    let sent = shuffle(state_partitions_of(&routed)?.values().to_vec(), tasks)?;
    Ok(all
        .zip(sent)
        .filter(|(_, to)| *to == task)
        .map(|(p, _)| p)
        .collect())
}

/// A batch whose last of `column + 1` columns holds the numbers; the others are null.
fn place(numbers: Int32Array, column: usize, schema: &Schema) -> DataFusionResult<RecordBatch> {
    let rows = numbers.len();
    let mut fields = Vec::with_capacity(column + 1);
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(column + 1);
    for field in schema.fields().iter().take(column) {
        fields.push(Field::new(field.name(), DataType::Null, true));
        columns.push(Arc::new(arrow::array::NullArray::new(rows)));
    }
    fields.push(Field::new(STATE_PARTITION, DataType::Int32, false));
    columns.push(Arc::new(numbers));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// A column of state partitions.
pub(super) fn state_partitions_of(column: &ArrayRef) -> DataFusionResult<&Int32Array> {
    column
        .as_primitive_opt::<Int32Type>()
        .ok_or_else(|| internal_datafusion_err!("a state partition that is no int"))
}

#[cfg(test)]
mod tests {
    use datafusion::physical_plan::empty::EmptyExec;

    use super::*;

    #[test]
    fn every_state_partition_has_one_owner_and_they_are_spread_evenly() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("k", DataType::Utf8, true),
            Field::new(STATE_PARTITION, DataType::Int32, false),
        ]));
        for (tasks, partitions) in [(1, 3), (2, 2), (2, 5), (3, 200), (7, 4)] {
            let partitions = NonZeroU32::new(partitions).unwrap();
            let input = EmptyExec::new(Arc::clone(&schema)).with_partitions(tasks);
            let input: Arc<dyn ExecutionPlan> = Arc::new(input);
            let distribution = required_distribution(&schema, partitions, tasks).unwrap();
            let owned: Vec<Vec<u32>> = (0..tasks)
                .map(|task| owned_partitions(&input, &distribution, partitions, task).unwrap())
                .collect();
            let mut all: Vec<u32> = owned.iter().flatten().copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..partitions.get()).collect::<Vec<_>>());
            let most = owned.iter().map(Vec::len).max().unwrap();
            assert_eq!(most, all.len().div_ceil(tasks), "{tasks} tasks: {owned:?}");
        }
    }
}
