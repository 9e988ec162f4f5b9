//! Moves filters down to where Spark puts them, since their place decides what a watermark counts and what enters a state.
//!
//! DataFusion's own rules do it, once, on the analysed plan: filters go through projections, aliases, unions, unnests, joins
//! and onto the keys of aggregations; an inner join with a static table asks for keys that are not null; an outer join whose
//! nulls a filter drops becomes an inner one. What Spark does not move is fenced in before, and let out after:
//! * predicates and projections that are not deterministic (random numbers, the clock);
//! * aggregations over grouping sets, and `distinct()`, which is a deduplication;
//! * predicates that name no column, above what keeps state, and subqueries that name the outer query's columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result as DataFusionResult, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Distinct, Expr, ExpressionPlacement, Extension, Filter, LogicalPlan,
    ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::eliminate_outer_join::EliminateOuterJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::filter_null_join_keys::FilterNullJoinKeys;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::{ApplyOrder, OptimizerContext, OptimizerRule};

use crate::Result;
use crate::logical::{Fence, keeps_state};

/// How often the rules are run at most; a plan settles in two or three rounds.
const MAX_ROUNDS: usize = 8;

/// The one clock that Spark takes for a constant; it takes the others for values of their own in each row.
const CONSTANT_CLOCK: &str = "now";

/// The plan with its filters moved.
pub(super) fn push_filters(plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
    let mut options = config.clone();
    options.optimizer.filter_null_join_keys = true;
    let context =
        OptimizerContext::new_with_config_options(Arc::new(options)).without_query_execution_start_time();

    let fenced = plan.transform_up(|node| fence(hold_fields(node)?))?.data;
    let joined = settled(
        fenced,
        &[
            &ExtractEquijoinPredicate::new(),
            &PushDownFilter::new(),
            &EliminateOuterJoin::new(),
        ],
        &context,
    )?;
    let keyed = applied(joined, &FilterNullJoinKeys::default(), &context)?;
    let pushed = settled(keyed, &[&PushDownFilter::new()], &context)?;
    let freed = pushed.transform_up(|node| {
        let node = match Fence::inside(&node) {
            Some(inside) => inside.clone(),
            None => node,
        };
        let node = free_fields(node)?;
        Ok(Transformed::yes(node.recompute_schema()?))
    })?;
    Ok(freed.data)
}

/// The plan after rounds of these rules, until none changes it.
fn settled(
    mut plan: LogicalPlan,
    rules: &[&dyn OptimizerRule],
    context: &OptimizerContext,
) -> Result<LogicalPlan> {
    for _ in 0..MAX_ROUNDS {
        let before = plan.clone();
        for rule in rules {
            plan = applied(plan, *rule, context)?;
        }
        if plan == before {
            break;
        }
    }
    Ok(plan)
}

fn applied(plan: LogicalPlan, rule: &dyn OptimizerRule, context: &OptimizerContext) -> Result<LogicalPlan> {
    // A rule makes filters of its own: of a join's condition, for one.
    let rewrite = |node| match node {
        LogicalPlan::Filter(filter) => rule.rewrite(fence_filter(filter)?.data, context),
        node => rule.rewrite(node, context),
    };
    let plan = match rule.apply_order() {
        Some(ApplyOrder::TopDown) => plan.transform_down(rewrite)?.data,
        Some(ApplyOrder::BottomUp) => plan.transform_up(rewrite)?.data,
        None => rewrite(plan)?.data,
    };
    Ok(plan)
}

/// The node, or a fence around what Spark moves no predicate through.
fn fence(node: LogicalPlan) -> DataFusionResult<Transformed<LogicalPlan>> {
    let fenced = |node| {
        let node = Arc::new(Fence::new(node));
        Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })))
    };
    match node {
        LogicalPlan::Filter(filter) => fence_filter(filter),
        LogicalPlan::Projection(ref projection) if !all_deterministic(&projection.expr)? => fenced(node),
        LogicalPlan::Aggregate(ref aggregate) if stops_predicates(aggregate)? => fenced(node),
        LogicalPlan::Distinct(Distinct::All(_)) => fenced(node),
        _ => Ok(Transformed::no(node)),
    }
}

/// The movable conjuncts below a fence around the others.
fn fence_filter(filter: Filter) -> DataFusionResult<Transformed<LogicalPlan>> {
    let keeps = |node: &LogicalPlan| {
        matches!(
            node,
            LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) | LogicalPlan::Limit(_)
        ) || keeps_state(node)
    };
    let above_state = filter
        .input
        .exists(|node| Ok(keeps(Fence::inside(node).unwrap_or(node))))?;
    let (mut movable, mut pinned) = (Vec::new(), Vec::new());
    for conjunct in split_conjunction_owned(filter.predicate) {
        let stays = !is_deterministic(&conjunct)?
            || is_correlated(&conjunct)?
            || above_state && conjunct.column_refs().is_empty();
        if stays {
            pinned.push(conjunct)
        } else {
            movable.push(conjunct)
        }
    }
    let mut plan = filter.input;
    if let Some(predicate) = conjunction(movable) {
        plan = Arc::new(LogicalPlan::Filter(Filter::try_new(predicate, plan)?));
    }
    if let Some(predicate) = conjunction(pinned) {
        let filter = LogicalPlan::Filter(Filter::try_new(predicate, plan)?);
        let node = Arc::new(Fence::new(filter));
        plan = Arc::new(LogicalPlan::Extension(Extension { node }));
    }
    Ok(Transformed::yes(Arc::unwrap_or_clone(plan)))
}

fn all_deterministic(exprs: &[Expr]) -> DataFusionResult<bool> {
    for expr in exprs {
        if !is_deterministic(expr)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the expression gives the same for the same row: no random number, no clock.
fn is_deterministic(expr: &Expr) -> DataFusionResult<bool> {
    let volatile = expr.exists(|expr| {
        Ok(match expr {
            Expr::ScalarFunction(call) => {
                call.func.signature().volatility != Volatility::Immutable && call.name() != CONSTANT_CLOCK
            }
            _ => expr.is_volatile_node(),
        })
    })?;
    Ok(!volatile)
}

/// Whether a subquery in the expression names columns of the query around it.
fn is_correlated(expr: &Expr) -> DataFusionResult<bool> {
    expr.exists(|expr| {
        Ok(match expr {
            Expr::Exists(exists) => !exists.subquery.outer_ref_columns.is_empty(),
            Expr::InSubquery(within) => !within.subquery.outer_ref_columns.is_empty(),
            Expr::ScalarSubquery(subquery) => !subquery.outer_ref_columns.is_empty(),
            _ => false,
        })
    })
}

fn stops_predicates(aggregate: &Aggregate) -> DataFusionResult<bool> {
    let grouping_sets = aggregate
        .group_expr
        .iter()
        .any(|expr| matches!(expr, Expr::GroupingSet(_)));
    Ok(grouping_sets
        || !all_deterministic(&aggregate.group_expr)?
        || !all_deterministic(&aggregate.aggr_expr)?)
}

/// The node with its field accesses held: DataFusion moves no predicate on `s.a AS x` below, Spark does.
fn hold_fields(node: LogicalPlan) -> DataFusionResult<LogicalPlan> {
    let held = node.map_expressions(|expr| {
        expr.transform_up(|expr| match expr {
            Expr::ScalarFunction(mut call)
                if Expr::ScalarFunction(call.clone()).placement()
                    == ExpressionPlacement::MoveTowardsLeafNodes =>
            {
                call.func = Arc::new(ScalarUDF::new_from_impl(Held { inner: call.func }));
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        })
    })?;
    Ok(held.data)
}

fn free_fields(node: LogicalPlan) -> DataFusionResult<LogicalPlan> {
    let freed = node.map_expressions(|expr| {
        expr.transform_up(|expr| match expr {
            Expr::ScalarFunction(mut call) => {
                let Some(held) = call.func.inner().downcast_ref::<Held>() else {
                    return Ok(Transformed::no(Expr::ScalarFunction(call)));
                };
                call.func = Arc::clone(&held.inner);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        })
    })?;
    Ok(freed.data)
}

/// A function that is not moved for its own sake; otherwise as the one inside.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Held {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Held {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema_name(&self, args: &[Expr]) -> DataFusionResult<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        internal_err!("{} is held only while filters are pushed down", self.inner.name())
    }
}
