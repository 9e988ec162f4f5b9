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

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Extension, FetchType, GroupingSet, LogicalPlan, LogicalPlanBuilder,
    Volatility, lit,
};
use tidemill_state::OperatorId;

use crate::aggregate::{as_kept_in_state, heeds_no_order};
use crate::analyze::reads_stream;
use crate::functions::{WINDOW_COLUMN, WindowSlices, by_slices};
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

/// The node of an aggregation, and a projection where its columns are not those of the query: equal aggregates share one
/// buffer, and constants are no keys.
fn aggregation(aggregate: Aggregate, info: StateInfo) -> DataFusionResult<LogicalPlan> {
    let (groups, grouping_sets) = groups(&aggregate)?;
    let keys = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
    let mut unique: Vec<(Expr, usize)> = Vec::new();
    // Which unique aggregate each of the query's is.
    let mut places = Vec::with_capacity(aggregate.aggr_expr.len());
    for (i, expr) in aggregate.aggr_expr.iter().enumerate() {
        let function = as_kept_in_state(expr.clone().unalias_nested().data);
        let known = unique.iter().position(|(known, _)| *known == function);
        places.push(known.unwrap_or(unique.len()));
        if known.is_none() {
            unique.push((function, i));
        }
    }
    // Sets need their constants: a set without one gives a null.
    let is_key = |i: usize| grouping_sets.is_some() || groups.get(i).is_none_or(|g| !is_foldable(g));
    let kept: Vec<usize> = (0..keys).filter(|i| is_key(*i)).collect();
    let (kept_groups, key_fields) = match (kept.as_slice(), keys) {
        ([], 1..) => constant_key(),
        _ => {
            let groups = groups.iter().enumerate().filter(|(i, _)| kept.contains(i));
            let fields = kept.iter().map(|i| field_of(&aggregate.schema, *i));
            (groups.map(|(_, g)| g.clone()).collect(), fields.collect())
        }
    };
    let first_result = key_fields.len();
    let results = unique.iter().map(|(_, i)| field_of(&aggregate.schema, keys + i));
    let fields = key_fields.into_iter().chain(results).collect();
    let is_whole = unique.len() == aggregate.aggr_expr.len() && kept.len() == keys;
    let schema = DFSchema::new_with_metadata(fields, aggregate.schema.metadata().clone())?;
    let aggregates: Vec<Expr> = unique.into_iter().map(|(function, _)| function).collect();
    let sliced = match grouping_sets {
        Some(_) => None,
        None => sliced(&aggregate.input, &kept_groups, &aggregates)?,
    };
    let (input, slices) = match sliced {
        Some((input, slices)) => (Arc::new(input), Some(slices)),
        None => (Arc::clone(&aggregate.input), None),
    };
    let node = extension(StateStoreSave {
        input,
        groups: kept_groups,
        slices,
        grouping_sets,
        aggregates,
        schema: Arc::new(schema),
        info,
    });
    if is_whole {
        return Ok(node);
    }
    let outputs = (0..aggregate.schema.fields().len()).map(|i| {
        let from = match i.checked_sub(keys) {
            Some(result) => first_result + places.get(result).copied().unwrap_or(0),
            None => match (kept.iter().position(|k| *k == i), groups.get(i)) {
                (Some(place), _) => place,
                (None, Some(constant)) => return named(constant.clone().unalias(), &aggregate.schema, i),
                (None, None) => i,
            },
        };
        let column = Column::from(node.schema().qualified_field(from));
        match column == Column::from(aggregate.schema.qualified_field(i)) {
            true => Expr::Column(column),
            false => named(Expr::Column(column), &aggregate.schema, i),
        }
    });
    let outputs: Vec<Expr> = outputs.collect();
    LogicalPlanBuilder::from(node).project(outputs)?.build()
}

/// The input by slices where the groups hold its windows, with the place of the windows among the groups.
///
/// A sliding window takes its groups slice by slice, so its functions must not heed the order of rows.
fn sliced(
    input: &LogicalPlan,
    groups: &[Expr],
    aggregates: &[Expr],
) -> DataFusionResult<Option<(LogicalPlan, (usize, WindowSlices))>> {
    let is_windows = |column: &Column| column.relation.is_none() && column.name == WINDOW_COLUMN;
    let names_windows = |expr: &Expr| expr.column_refs().into_iter().any(is_windows);
    let named = groups
        .iter()
        .enumerate()
        .filter(|(_, group)| names_windows(group));
    let named: Vec<(usize, &Expr)> = named.collect();
    let [(place, group)] = named.as_slice() else {
        return Ok(None);
    };
    if !matches!(Expr::clone(group).unalias(), Expr::Column(_)) || aggregates.iter().any(names_windows) {
        return Ok(None);
    }
    let Some((sliced, slices)) = by_slices(input)? else {
        return Ok(None);
    };
    let schema = input.schema();
    if !slices.is_tumbling() && !aggregates.iter().all(|a| heeds_no_order(a, schema)) {
        return Ok(None);
    }
    Ok(Some((sliced, (*place, slices))))
}

/// A field with its relation.
type QualifiedField = (Option<TableReference>, FieldRef);

fn field_of(schema: &DFSchema, at: usize) -> QualifiedField {
    let (qualifier, field) = schema.qualified_field(at);
    (qualifier.cloned(), Arc::clone(field))
}

/// The expression under the name of a field.
fn named(expr: Expr, schema: &DFSchema, at: usize) -> Expr {
    let (qualifier, field) = schema.qualified_field(at);
    expr.alias_qualified(qualifier.cloned(), field.name())
}

/// Spark's key where every grouping expression is a constant: without a key no rows would give a row.
fn constant_key() -> (Vec<Expr>, Vec<QualifiedField>) {
    let field = Arc::new(Field::new("0", DataType::Int32, false));
    (vec![lit(0_i32)], vec![(None, field)])
}

/// Whether the expression is the same for every row of every batch.
fn is_foldable(expr: &Expr) -> bool {
    let varies = expr.exists(|e| {
        Ok(match e {
            Expr::ScalarFunction(call) => call.func.signature().volatility != Volatility::Immutable,
            Expr::Literal(..)
            | Expr::Alias(_)
            | Expr::BinaryExpr(_)
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::Negative(_)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InList(_)
            | Expr::Between(_)
            | Expr::Like(_)
            | Expr::Case(_) => false,
            _ => true,
        })
    });
    matches!(varies, Ok(false))
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
            // The first expression's bit is the highest, so that the sets have Spark's order.
            let bit = |i: usize| 1_u32 << (exprs.len() - 1 - i);
            (0..1_u32 << exprs.len())
                .map(|mask| {
                    let kept = exprs.iter().enumerate().filter(|(i, _)| mask & bit(*i) == 0);
                    kept.map(|(_, expr)| expr.clone()).collect()
                })
                .collect()
        }
    };
    let masks: Vec<Vec<bool>> = sets
        .iter()
        .map(|set| all.iter().map(|expr| !set.contains(expr)).collect())
        .collect();
    Ok((all, Some(masks)))
}
