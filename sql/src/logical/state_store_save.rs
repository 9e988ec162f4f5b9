//! The node of a streaming aggregation.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{Column, DFSchemaRef, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::physical_expr::expressions::{CastExpr, Column as PhysicalColumn, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::only_equal;
use crate::functions::WINDOW_COLUMN;
use crate::operators::{NormalizeKeyExpr, StateInfo, StateStoreSaveExec, stored_key, with_state_partition};

/// Spark's name for the key column that tells grouping sets apart.
const GROUPING_ID: &str = "spark_grouping_id";

/// Spark's name for a key column that is an expression.
const GROUPING_EXPRESSION: &str = "_groupingexpression";

/// A streaming aggregation: DataFusion's `Aggregate` with an identity and a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StateStoreSave {
    pub(crate) input: Arc<LogicalPlan>,
    /// The grouping expressions, each once.
    pub(crate) groups: Vec<Expr>,
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
                _ => GROUPING_EXPRESSION.to_owned(),
            };
            Arc::new(field.as_ref().clone().with_name(name))
        };
        let mut keys: Vec<FieldRef> = self.groups.iter().zip(fields).map(named).collect();
        if self.grouping_sets.is_some() {
            keys.push(Arc::new(Field::new(GROUPING_ID, DataType::Int64, true)));
        }
        keys
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
        let partial: Arc<dyn ExecutionPlan> = Arc::new(partial);
        let partial = with_stored_keys(partial, &keys)?;
        let key_columns = columns(&partial.schema()).take(keys.len()).collect();
        let partitions = node.info.partitions_of(!keys.is_empty());
        let partitioned = with_state_partition(partial, key_columns, partitions)?;
        let exec = StateStoreSaveExec::try_new(
            partitioned,
            &keys,
            aggregates,
            node.info.clone(),
            Arc::clone(node.schema.inner()),
            session.config().target_partitions(),
        )?;
        Ok(Some(Arc::new(exec)))
    }
}

/// DataFusion's description of the groups.
fn group_by(
    groups: Vec<(Arc<dyn PhysicalExpr>, String)>,
    sets: Option<&[Vec<bool>]>,
    input: &Schema,
) -> DataFusionResult<PhysicalGroupBy> {
    let Some(sets) = sets else {
        return Ok(PhysicalGroupBy::new_single(groups));
    };
    let nulls = groups
        .iter()
        .map(|(expr, name)| {
            let null = ScalarValue::try_from(&expr.data_type(input)?)
                .map_err(|e| internal_datafusion_err!("a grouping column without a null: {e}"))?;
            let null: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(null));
            Ok((null, name.clone()))
        })
        .collect::<DataFusionResult<Vec<_>>>()?;
    Ok(PhysicalGroupBy::new(groups, nulls, sets.to_vec(), true))
}

/// The columns as expressions.
fn columns(schema: &Schema) -> impl Iterator<Item = Arc<dyn PhysicalExpr>> {
    let fields = schema.fields().iter().enumerate();
    fields.map(|(i, field)| Arc::new(PhysicalColumn::new(field.name(), i)) as Arc<dyn PhysicalExpr>)
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
    let stored = columns(&schema).zip(schema.fields()).zip(casts);
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
