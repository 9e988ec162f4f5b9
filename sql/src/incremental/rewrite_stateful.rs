//! Turns what keeps state over a stream into nodes of ours, numbered from the output side.
//!
//! | in the analysed plan | becomes |
//! |---|---|
//! | an aggregation, also one without functions (SQL's DISTINCT and UNION) | [`StateStoreSave`] |
//! | DataFusion's DISTINCT (`df.distinct()`), a deduplication | [`StreamingDeduplicate`] over its columns |
//! | LIMIT, where no aggregation stands below it | [`StreamingGlobalLimit`] |
//! | LIMIT above an aggregation (complete mode) | [`BatchLimit`], which keeps no state, unless the rows are sorted |
//!
//! Spark numbers operators walking the plan from the top, parents before children, left before right.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Extension, FetchType, GroupingSet, LogicalPlan, LogicalPlanBuilder,
};
use tidemill_state::OperatorId;

use crate::analyze::reads_stream;
use crate::logical::{BatchLimit, StateStoreSave, StreamingDeduplicate, StreamingGlobalLimit};
use crate::operators::StateInfo;
use crate::{OutputMode, Result, SqlError};

/// The plan with our nodes, and how many stateful operators it has.
pub(super) fn rewrite_stateful(plan: LogicalPlan, mode: OutputMode) -> Result<(LogicalPlan, u32)> {
    let mut operators = 0;
    let plan = plan.transform_down(|node| rewrite(node, mode, &mut operators))?;
    Ok((plan.data, operators))
}

fn rewrite(
    node: LogicalPlan,
    mode: OutputMode,
    operators: &mut u32,
) -> DataFusionResult<Transformed<LogicalPlan>> {
    if !node.inputs().iter().any(|input| reads_stream(input)) {
        return Ok(Transformed::no(node));
    }
    let mut next = || {
        let info = StateInfo::unbound(OperatorId(*operators), mode);
        *operators += 1;
        info
    };
    match node {
        LogicalPlan::Aggregate(aggregate) => Ok(Transformed::yes(aggregation(aggregate, next())?)),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let node = StreamingDeduplicate::over_all_columns(input, next());
            Ok(Transformed::yes(extension(node)))
        }
        LogicalPlan::Limit(limit) => {
            let FetchType::Literal(Some(fetch)) = limit.get_fetch_type()? else {
                return Err(limit_of_rows().into());
            };
            if mode == OutputMode::Append || !holds(&limit.input, is_aggregation)? {
                return Ok(Transformed::yes(extension(StreamingGlobalLimit {
                    input: limit.input,
                    limit: fetch as u64,
                    info: next(),
                })));
            }
            // A sort has read its input to the end before a limit sees the first row, and the order must stay.
            if fetch > 0 && holds(&limit.input, |node| matches!(node, LogicalPlan::Sort(_)))? {
                return Ok(Transformed::no(LogicalPlan::Limit(limit)));
            }
            Ok(Transformed::yes(extension(BatchLimit {
                input: limit.input,
                limit: fetch as u64,
            })))
        }
        LogicalPlan::Extension(Extension { node }) => {
            let Some(deduplicate) = node.as_any().downcast_ref::<StreamingDeduplicate>() else {
                return Ok(Transformed::no(LogicalPlan::Extension(Extension { node })));
            };
            if deduplicate.info.is_some() {
                return Ok(Transformed::no(LogicalPlan::Extension(Extension { node })));
            }
            Ok(Transformed::yes(extension(StreamingDeduplicate {
                info: Some(next()),
                ..deduplicate.clone()
            })))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Whether a node of the plan is such a one.
fn holds(plan: &LogicalPlan, is: fn(&LogicalPlan) -> bool) -> DataFusionResult<bool> {
    plan.exists(|node| Ok(is(node)))
}

/// An aggregation over a stream; its result is whole in every batch of complete mode.
fn is_aggregation(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::Aggregate(aggregate) if reads_stream(&aggregate.input))
}

fn limit_of_rows() -> SqlError {
    SqlError::new(
        "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE",
        "The limit of a streaming query must be a number.",
    )
}

fn extension<T: datafusion::logical_expr::UserDefinedLogicalNode + 'static>(node: T) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(node) })
}

/// The node of an aggregation; equal aggregates share one buffer, so a projection gives each its name again.
fn aggregation(aggregate: Aggregate, info: StateInfo) -> DataFusionResult<LogicalPlan> {
    let (groups, grouping_sets) = groups(&aggregate)?;
    let keys = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
    let mut unique: Vec<(Expr, usize)> = Vec::new();
    // Which unique aggregate each of the query's is.
    let mut places = Vec::with_capacity(aggregate.aggr_expr.len());
    for (i, expr) in aggregate.aggr_expr.iter().enumerate() {
        let function = expr.clone().unalias_nested().data;
        let known = unique.iter().position(|(known, _)| *known == function);
        places.push(known.unwrap_or(unique.len()));
        if known.is_none() {
            unique.push((function, i));
        }
    }
    let fields: Vec<_> = (0..keys)
        .chain(unique.iter().map(|(_, i)| keys + i))
        .map(|i| {
            let (qualifier, field) = aggregate.schema.qualified_field(i);
            (qualifier.cloned(), Arc::clone(field))
        })
        .collect();
    let all_unique = unique.len() == aggregate.aggr_expr.len();
    let schema = DFSchema::new_with_metadata(fields, aggregate.schema.metadata().clone())?;
    let node = extension(StateStoreSave {
        input: aggregate.input,
        groups,
        grouping_sets,
        aggregates: unique.into_iter().map(|(function, _)| function).collect(),
        schema: Arc::new(schema),
        info,
    });
    if all_unique {
        return Ok(node);
    }
    let outputs = (0..aggregate.schema.fields().len()).map(|i| {
        let from = if i < keys {
            i
        } else {
            keys + places.get(i - keys).copied().unwrap_or(0)
        };
        let expr = Expr::Column(Column::from(node.schema().qualified_field(from)));
        let (qualifier, field) = aggregate.schema.qualified_field(i);
        match from == i {
            true => expr,
            false => expr.alias_qualified(qualifier.cloned(), field.name()),
        }
    });
    let outputs: Vec<Expr> = outputs.collect();
    LogicalPlanBuilder::from(node).project(outputs)?.build()
}

/// For each grouping set, which of the grouping expressions are null in it.
type GroupingMasks = Vec<Vec<bool>>;

/// The grouping expressions, each once, and for grouping sets which of them are null in each set.
fn groups(aggregate: &Aggregate) -> DataFusionResult<(Vec<Expr>, Option<GroupingMasks>)> {
    let [Expr::GroupingSet(set)] = aggregate.group_expr.as_slice() else {
        return Ok((aggregate.group_expr.clone(), None));
    };
    let all: Vec<Expr> = grouping_set_to_exprlist(&aggregate.group_expr)?
        .into_iter()
        .cloned()
        .collect();
    let sets = match set {
        GroupingSet::GroupingSets(sets) => sets.clone(),
        GroupingSet::Rollup(exprs) => (0..=exprs.len())
            .rev()
            .map(|n| exprs.iter().take(n).cloned().collect())
            .collect(),
        GroupingSet::Cube(exprs) => {
            if exprs.len() >= 16 {
                return Err(DataFusionError::Plan("CUBE over more than 15 columns".into()));
            }
            (0..1_u32 << exprs.len())
                .map(|mask| {
                    let kept = exprs.iter().enumerate().filter(|(i, _)| mask & (1 << i) == 0);
                    kept.map(|(_, expr)| expr.clone()).collect()
                })
                .collect()
        }
    };
    let masks: Vec<Vec<bool>> = sets
        .iter()
        .map(|set| all.iter().map(|expr| !set.contains(expr)).collect())
        .collect();
    for (i, mask) in masks.iter().enumerate() {
        if masks.iter().take(i).any(|earlier| earlier == mask) {
            return Err(SqlError::new(
                "NOT_SUPPORTED_YET.DUPLICATE_GROUPING_SETS",
                "The same grouping set twice is not supported over a stream. Name each set once.",
            )
            .into());
        }
    }
    Ok((all, Some(masks)))
}
