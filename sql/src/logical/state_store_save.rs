//! The node of a streaming aggregation.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{Column, DFSchemaRef, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, LogicalPlan, Operator, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column as PhysicalColumn, Literal, lit,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::only_equal;
use crate::functions::{WINDOW_COLUMN, WindowSlices};
use crate::operators::{NormalizeKeyExpr, StateInfo, StateStoreSaveExec, stored_key, with_state_partition};

/// Spark's name for the key column that tells grouping sets apart.
const GROUPING_ID: &str = "spark_grouping_id";

/// Spark's name for the key column that tells repeats of a grouping set apart: the set's place among all.
const GROUPING_POSITION: &str = "_gen_grouping_pos";

/// Spark's name for a key column that is an expression.
const GROUPING_EXPRESSION: &str = "_groupingexpression";

/// A streaming aggregation: DataFusion's `Aggregate` with an identity and a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StateStoreSave {
    pub(crate) input: Arc<LogicalPlan>,
    /// The grouping expressions, each once.
    pub(crate) groups: Vec<Expr>,
    /// Where one of the groups is the start of a slice: that group's place, and the windows that take its place in the state.
    pub(crate) slices: Option<(usize, WindowSlices)>,
    /// For grouping sets: for each set, which expressions are null in it.
    pub(crate) grouping_sets: Option<Vec<Vec<bool>>>,
    pub(crate) aggregates: Vec<Expr>,
    /// The groups, DataFusion's grouping id if there are sets, the results.
    pub(crate) schema: DFSchemaRef,
    pub(crate) info: StateInfo,
}

impl PartialOrd for StateStoreSave {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        only_equal(self, other)
    }
}

impl StateStoreSave {
    /// The key columns of the state rows.
    fn keys(&self) -> Vec<FieldRef> {
        let fields = self.schema.fields();
        let named = |(expr, field): (&Expr, &FieldRef)| {
            let name = match expr.clone().unalias() {
                Expr::Column(Column { name, .. }) if name == WINDOW_COLUMN => "window".to_owned(),
                Expr::Column(Column { name, .. }) => name,
                // All of the query's grouping expressions are constants: this stands for them.
                Expr::Literal(..) if self.grouping_sets.is_none() => field.name().clone(),
                _ => GROUPING_EXPRESSION.to_owned(),
            };
            Arc::new(field.as_ref().clone().with_name(name))
        };
        let mut keys: Vec<FieldRef> = self.groups.iter().zip(fields).map(named).collect();
        if self.grouping_sets.is_some() {
            keys.push(Arc::new(Field::new(GROUPING_ID, DataType::Int64, true)));
        }
        if self.has_repeated_sets() {
            keys.push(Arc::new(Field::new(GROUPING_POSITION, DataType::Int32, true)));
        }
        keys
    }

    fn has_repeated_sets(&self) -> bool {
        let sets = self.grouping_sets.iter().flatten();
        sets.clone()
            .enumerate()
            .any(|(at, set)| sets.clone().take(at).any(|earlier| earlier == set))
    }

    /// The columns of the operator: those of the node, and the position of repeated sets after the sets' number.
    fn operator_schema(&self) -> SchemaRef {
        let mut fields: Vec<FieldRef> = self.schema.fields().iter().cloned().collect();
        if self.has_repeated_sets() {
            let position = Field::new(GROUPING_POSITION, DataType::Int32, true);
            fields.insert(self.groups.len() + 1, Arc::new(position));
        }
        Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()))
    }
}

impl UserDefinedLogicalNodeCore for StateStoreSave {
    fn name(&self) -> &'static str {
        "StateStoreSave"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.groups.iter().chain(&self.aggregates).cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |exprs: &[Expr]| {
            let texts: Vec<String> = exprs.iter().map(ToString::to_string).collect();
            texts.join(", ")
        };
        write!(
            f,
            "StateStoreSave: operator={}, groupBy=[{}], aggr=[{}]",
            self.info.operator.0,
            text(&self.groups),
            text(&self.aggregates)
        )
    }

    fn with_exprs_and_inputs(
        &self,
        mut exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> DataFusionResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return internal_err!("StateStoreSave has one input");
        };
        if exprs.len() != self.groups.len() + self.aggregates.len() {
            return internal_err!("StateStoreSave keeps its expressions");
        }
        let aggregates = exprs.split_off(self.groups.len());
        Ok(Self {
            input: Arc::new(input),
            groups: exprs,
            aggregates,
            ..self.clone()
        })
    }

    /// The state needs every expression, whatever the query goes on to use.
    fn necessary_children_exprs(&self, _output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let input = self.input.schema();
        let mut needed: Vec<usize> = Vec::new();
        for expr in self.groups.iter().chain(&self.aggregates) {
            for column in expr.column_refs() {
                needed.push(input.index_of_column(column).ok()?);
            }
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Plans [`StateStoreSave`]: a partial aggregation, the state partition, the operator.
#[derive(Debug)]
pub(crate) struct StateStoreSavePlanner;

#[async_trait]
impl ExtensionPlanner for StateStoreSavePlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<StateStoreSave>() else {
            return Ok(None);
        };
        let ([logical], [input]) = (logical_inputs, physical_inputs) else {
            return internal_err!("StateStoreSave has one input");
        };
        let mut groups = Vec::with_capacity(node.groups.len());
        for (expr, field) in node.groups.iter().zip(node.schema.fields()) {
            let expr = planner.create_physical_expr(expr, logical.schema(), session, planning)?;
            groups.push((
                NormalizeKeyExpr::wrap(expr, &input.schema())?,
                field.name().clone(),
            ));
        }
        let groups = group_by(groups, node.grouping_sets.as_deref(), &input.schema())?;
        let (mut aggregates, mut filters) = (Vec::new(), Vec::new());
        for expr in &node.aggregates {
            let physical_schema = input.schema();
            let lowered = LoweredAggregateBuilder::new(
                expr,
                logical.schema(),
                &physical_schema,
                session.execution_props(),
                planning,
            )
            .build()?;
            aggregates.push(lowered.aggregate);
            filters.push(lowered.filter);
        }
        let partial = AggregateExec::try_new(
            AggregateMode::Partial,
            groups,
            aggregates.clone(),
            filters,
            Arc::clone(input),
            input.schema(),
        )?;
        let keys = node.keys();
        let partial: Arc<dyn ExecutionPlan> = match (&node.grouping_sets, node.slices) {
            (Some(sets), _) => with_set_keys(partial, sets, node.groups.len(), node.has_repeated_sets())?,
            (None, Some((window, slices))) => slices.windows_of(Arc::new(partial), window)?,
            (None, None) => Arc::new(partial),
        };
        let partial = with_stored_keys(partial, &keys)?;
        let key_columns = columns(&partial.schema(), 0..keys.len());
        let partitions = node.info.partitions_of(!keys.is_empty());
        let partitioned = with_state_partition(partial, key_columns, partitions)?;
        let exec = StateStoreSaveExec::try_new(
            partitioned,
            &keys,
            aggregates,
            node.info.clone(),
            node.operator_schema(),
            session.config().target_partitions(),
        )?;
        if node.has_repeated_sets() {
            return Ok(Some(without_column(exec, node.groups.len() + 1)?));
        }
        Ok(Some(Arc::new(exec)))
    }
}

/// A constant that stands before the groups in every grouping set: DataFusion gives a set of no columns a row even when
/// nothing came, and Spark does not.
const IN_EVERY_SET: &str = "in_every_set";

/// DataFusion's description of the groups; of grouping sets, with [`IN_EVERY_SET`].
fn group_by(
    groups: Vec<(Arc<dyn PhysicalExpr>, String)>,
    sets: Option<&[Vec<bool>]>,
    input: &Schema,
) -> DataFusionResult<PhysicalGroupBy> {
    let Some(sets) = sets else {
        return Ok(PhysicalGroupBy::new_single(groups));
    };
    let constant = |value: bool| -> (Arc<dyn PhysicalExpr>, String) { (lit(value), IN_EVERY_SET.to_owned()) };
    let groups: Vec<_> = std::iter::once(constant(true)).chain(groups).collect();
    let nulls = groups
        .iter()
        .map(|(expr, name)| {
            let null = ScalarValue::try_from(&expr.data_type(input)?)
                .map_err(|e| internal_datafusion_err!("a grouping column without a null: {e}"))?;
            let null: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(null));
            Ok((null, name.clone()))
        })
        .collect::<DataFusionResult<Vec<_>>>()?;
    let sets = sets
        .iter()
        .map(|set| std::iter::once(&false).chain(set).copied().collect())
        .collect();
    Ok(PhysicalGroupBy::new(groups, nulls, sets, true))
}

/// These columns as expressions.
fn columns(schema: &Schema, places: Range<usize>) -> Vec<Arc<dyn PhysicalExpr>> {
    let fields = schema.fields().iter().enumerate();
    fields
        .filter(|(at, _)| places.contains(at))
        .map(|(at, field)| Arc::new(PhysicalColumn::new(field.name(), at)) as Arc<dyn PhysicalExpr>)
        .collect()
}

/// The partial aggregation with its key columns in the types of the state.
fn with_stored_keys(
    partial: Arc<dyn ExecutionPlan>,
    keys: &[FieldRef],
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let schema = partial.schema();
    let fields = schema.fields().iter().zip(keys);
    let casts: Vec<Option<DataType>> = fields
        .map(|(field, key)| stored_key(field.data_type(), key))
        .collect();
    if casts.iter().all(Option::is_none) {
        return Ok(partial);
    }
    let casts = casts.into_iter().chain(std::iter::repeat(None));
    let stored = columns(&schema, 0..schema.fields().len())
        .into_iter()
        .zip(schema.fields())
        .zip(casts);
    let stored = stored.map(|((column, field), cast)| match cast {
        Some(to) => (
            Arc::new(CastExpr::new(column, to, None)) as Arc<dyn PhysicalExpr>,
            field.name().clone(),
        ),
        None => (column, field.name().clone()),
    });
    let projected = ProjectionExec::try_new(stored.collect::<Vec<_>>(), partial)?;
    Ok(Arc::new(projected))
}

/// A partial aggregation with Spark's keys of grouping sets in the place of DataFusion's number, which is unsigned, narrow,
/// and counts the repeats of a set in the bits above those of its columns; without [`IN_EVERY_SET`].
fn with_set_keys(
    partial: AggregateExec,
    sets: &[Vec<bool>],
    groups: usize,
    repeated: bool,
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let schema = partial.schema();
    let number_at = 1 + groups;
    let number = columns(&schema, number_at..number_at + 1);
    let Some(number) = number.into_iter().next() else {
        return internal_err!("grouping sets without a number");
    };
    let number: Arc<dyn PhysicalExpr> = Arc::new(CastExpr::new(number, DataType::Int64, None));
    let bits = u32::try_from(groups).unwrap_or(u32::MAX);
    let mask = 1_i64.checked_shl(bits).map_or(i64::MAX, |n| n.wrapping_sub(1));
    let id = BinaryExpr::new(Arc::clone(&number), Operator::BitwiseAnd, lit(mask));
    let named = |expr: Arc<dyn PhysicalExpr>, at: usize| (expr, schema.field(at).name().clone());
    let keys = columns(&schema, 1..number_at);
    let mut outputs: Vec<_> = (1..).zip(keys).map(|(at, column)| named(column, at)).collect();
    outputs.push(named(Arc::new(id), number_at));
    if repeated {
        let mut places = Vec::with_capacity(sets.len());
        for (at, set) in sets.iter().enumerate() {
            let repeats = sets.iter().take(at).filter(|earlier| *earlier == set).count();
            let own = set
                .iter()
                .fold(0_i64, |id, is_null| (id << 1) | i64::from(*is_null));
            let number = own | (i64::try_from(repeats).unwrap_or(0) << number_at);
            places.push((lit(number), lit(i32::try_from(at).unwrap_or(i32::MAX))));
        }
        let place = CaseExpr::try_new(Some(number), places, None)?;
        outputs.push((Arc::new(place), GROUPING_POSITION.to_owned()));
    }
    let rest = columns(&schema, number_at + 1..schema.fields().len());
    for (at, column) in (number_at + 1..).zip(rest) {
        outputs.push(named(column, at));
    }
    Ok(Arc::new(ProjectionExec::try_new(outputs, Arc::new(partial))?))
}

/// The operator's rows without this column.
fn without_column(exec: StateStoreSaveExec, without: usize) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let schema = exec.schema();
    let all = columns(&schema, 0..schema.fields().len()).into_iter().enumerate();
    let kept = all
        .filter(|(at, _)| *at != without)
        .map(|(at, column)| (column, schema.field(at).name().clone()));
    let outputs: Vec<_> = kept.collect();
    Ok(Arc::new(ProjectionExec::try_new(outputs, Arc::new(exec))?))
}
