//! `grouping` and `grouping_id` become bits of the number that DataFusion gives the grouping sets.
//!
//! The number's lowest bits, one for each grouping column with the last the lowest, are set where a set lacks the column, as
//! Spark's are. What lies above them tells repeats of a set apart.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result as DataFusionResult, ScalarValue};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{
    Aggregate, Expr, Filter, GroupingSet, LogicalPlan, Projection, bitwise_and, bitwise_shift_right, cast,
    lit,
};

use super::super::functions::grouping::{GroupingKind, call_of, outside_sets};
use crate::analyze::reads_stream;
use crate::{Result, SqlError};

/// The plan without calls of the two functions.
///
/// # Errors
/// Spark's refusals: outside of grouping sets, and for other columns than those.
pub(super) fn resolve(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(|e| call_of(e).is_some()) => {
            Ok(Transformed::yes(resolved(aggregate)?))
        }
        LogicalPlan::Aggregate(aggregate) => Ok(Transformed::yes(settled(aggregate)?)),
        other => {
            refuse_calls(&other)?;
            Ok(Transformed::no(other))
        }
    })?;
    Ok(plan.data)
}

fn refuse_calls(node: &LogicalPlan) -> DataFusionResult<()> {
    node.apply_expressions(|expr| {
        expr.apply(|e| match call_of(e) {
            Some(_) => Err(outside_sets().into()),
            None => Ok(TreeNodeRecursion::Continue),
        })
    })?;
    Ok(())
}

/// The aggregation without the calls, and a projection that gives its columns in their old places.
fn resolved(aggregate: Aggregate) -> DataFusionResult<LogicalPlan> {
    let [Expr::GroupingSet(_)] = aggregate.group_expr.as_slice() else {
        return Err(outside_sets().into());
    };
    let columns: Vec<Expr> = grouping_set_to_exprlist(&aggregate.group_expr)?
        .into_iter()
        .map(|column| column.clone().unalias())
        .collect();
    let names = aggregate.schema.columns();
    let keys = names.len() - aggregate.aggr_expr.len();
    let mut outputs: Vec<Expr> = names.iter().take(keys).cloned().map(Expr::Column).collect();
    let mut others = Vec::new();
    for (expr, name) in aggregate.aggr_expr.into_iter().zip(names.into_iter().skip(keys)) {
        match call_of(&expr) {
            Some((kind, arguments)) => {
                let bits = bits(kind, arguments, &columns)?;
                outputs.push(bits.alias_qualified(name.relation, name.name));
            }
            None => {
                outputs.push(Expr::Column(name));
                others.push(expr);
            }
        }
    }
    let aggregate = Aggregate::try_new(aggregate.input, aggregate.group_expr, others)?;
    let input = settled(aggregate)?;
    Ok(LogicalPlan::Projection(Projection::try_new(
        outputs,
        Arc::new(input),
    )?))
}

/// The aggregation with Spark's rows where there is nothing to aggregate.
fn settled(aggregate: Aggregate) -> DataFusionResult<LogicalPlan> {
    let [Expr::GroupingSet(GroupingSet::GroupingSets(sets))] = aggregate.group_expr.as_slice() else {
        return Ok(LogicalPlan::Aggregate(aggregate));
    };
    if is_of_nothing(&aggregate) {
        return without_sets(aggregate);
    }
    if sets.iter().all(|set| !set.is_empty()) || reads_stream(&aggregate.input) {
        return Ok(LogicalPlan::Aggregate(aggregate));
    }
    only_of_rows(aggregate)
}

/// The groups that have rows: DataFusion gives an empty set among others a row even of none.
fn only_of_rows(aggregate: Aggregate) -> DataFusionResult<LogicalPlan> {
    const ROWS: &str = "__rows_of_group";
    let names = aggregate.schema.columns();
    let mut aggregates = aggregate.aggr_expr;
    aggregates.push(count(lit(1_i64)).alias(ROWS));
    let counted = Aggregate::try_new(aggregate.input, aggregate.group_expr, aggregates)?;
    let has_rows = Expr::Column(Column::from_name(ROWS)).gt(lit(0_i64));
    let filtered = Filter::try_new(has_rows, Arc::new(LogicalPlan::Aggregate(counted)))?;
    let outputs = names.into_iter().map(Expr::Column).collect();
    let input = Arc::new(LogicalPlan::Filter(filtered));
    Ok(LogicalPlan::Projection(Projection::try_new(outputs, input)?))
}

/// Whether the one grouping set is empty: Spark then groups by nothing, so that no rows give a row.
fn is_of_nothing(aggregate: &Aggregate) -> bool {
    let [Expr::GroupingSet(GroupingSet::GroupingSets(sets))] = aggregate.group_expr.as_slice() else {
        return false;
    };
    matches!(sets.as_slice(), [set] if set.is_empty()) && !aggregate.aggr_expr.is_empty()
}

/// The aggregation by nothing, with the number of its only set.
fn without_sets(aggregate: Aggregate) -> DataFusionResult<LogicalPlan> {
    let number = ScalarValue::new_zero(&Aggregate::grouping_id_type(0, 0))?;
    let mut outputs = vec![Expr::Literal(number, None).alias(Aggregate::INTERNAL_GROUPING_ID)];
    let names = aggregate.schema.columns();
    outputs.extend(names.into_iter().skip(1).map(Expr::Column));
    let plain = Aggregate::try_new(aggregate.input, Vec::new(), aggregate.aggr_expr)?;
    let input = Arc::new(LogicalPlan::Aggregate(plain));
    Ok(LogicalPlan::Projection(Projection::try_new(outputs, input)?))
}

/// The value of a call.
fn bits(kind: GroupingKind, arguments: &[Expr], columns: &[Expr]) -> Result<Expr> {
    let number = cast(
        Expr::Column(Column::from_name(Aggregate::INTERNAL_GROUPING_ID)),
        DataType::Int64,
    );
    match kind {
        GroupingKind::One => {
            let at = arguments
                .first()
                .and_then(|a| columns.iter().position(|c| c == a));
            let at = at.ok_or_else(|| {
                SqlError::new(
                    "GROUPING_COLUMN_MISMATCH",
                    format!(
                        "Column of grouping ({}) can't be found in grouping columns {}.",
                        listed(arguments),
                        listed(columns)
                    ),
                )
            })?;
            let places = i64::try_from(columns.len() - 1 - at).unwrap_or(0);
            let bit = bitwise_and(bitwise_shift_right(number, lit(places)), lit(1_i64));
            Ok(cast(bit, DataType::Int8))
        }
        GroupingKind::Id => {
            if !arguments.is_empty() && arguments != columns {
                return Err(SqlError::new(
                    "GROUPING_ID_COLUMN_MISMATCH",
                    format!(
                        "Columns of grouping_id ({}) does not match grouping columns ({}).",
                        listed(arguments),
                        listed(columns)
                    ),
                ));
            }
            let all = u32::try_from(columns.len())
                .ok()
                .and_then(|n| 1_i64.checked_shl(n));
            Ok(bitwise_and(
                number,
                lit(all.map_or(i64::MAX, |n| n.wrapping_sub(1))),
            ))
        }
    }
}

fn listed(exprs: &[Expr]) -> String {
    let texts: Vec<String> = exprs.iter().map(|e| e.human_display().to_string()).collect();
    texts.join(",")
}
