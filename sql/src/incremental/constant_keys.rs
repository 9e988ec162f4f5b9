//! Takes constants out of a stream's grouping keys, as Spark does: `GROUP BY k, 'x'` keeps state by `k`.
//!
//! A grouping of nothing but constants stays, and so do grouping sets, the clock, and a column that a subquery gives a
//! constant value.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, Volatility};

use crate::Result;
use crate::analyze::reads_stream;

/// The plan with the constants above its aggregations.
pub(super) fn drop_constant_keys(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up(|node| match node {
        LogicalPlan::Aggregate(aggregate) if reads_stream(&aggregate.input) => without_constants(aggregate),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(plan.data)
}

fn without_constants(aggregate: Aggregate) -> DataFusionResult<Transformed<LogicalPlan>> {
    let mut constant = Vec::with_capacity(aggregate.group_expr.len());
    for key in &aggregate.group_expr {
        constant.push(is_constant(key)?);
    }
    let some = constant.iter().any(|constant| *constant);
    if !some || constant.iter().all(|constant| *constant) {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let keys = aggregate.group_expr.iter().zip(&constant);
    let kept = keys
        .filter(|(_, constant)| !**constant)
        .map(|(key, _)| key.clone());
    let node = Aggregate::try_new(
        Arc::clone(&aggregate.input),
        kept.collect(),
        aggregate.aggr_expr.clone(),
    )?;
    let mut columns = node.schema.columns().into_iter().map(Expr::Column);
    let mut outputs = Vec::with_capacity(aggregate.schema.fields().len());
    let keys = aggregate.group_expr.iter().zip(&constant);
    for ((key, constant), (qualifier, field)) in keys.zip(aggregate.schema.iter()) {
        if *constant {
            let constant = key.clone().unalias();
            outputs.push(constant.alias_qualified(qualifier.cloned(), field.name()));
        } else {
            outputs.extend(columns.next());
        }
    }
    outputs.extend(columns);
    let plan = LogicalPlanBuilder::from(LogicalPlan::Aggregate(node)).project(outputs)?;
    Ok(Transformed::yes(plan.build()?))
}

/// Whether the expression has one value that needs no row, no clock and no other query.
fn is_constant(expr: &Expr) -> DataFusionResult<bool> {
    let varies = expr.exists(|expr| {
        Ok(match expr {
            Expr::ScalarFunction(call) => call.func.signature().volatility != Volatility::Immutable,
            Expr::Literal(..) | Expr::Alias(_) | Expr::BinaryExpr(_) | Expr::Not(_) | Expr::Negative(_) => {
                false
            }
            Expr::Cast(_) | Expr::TryCast(_) | Expr::Case(_) | Expr::InList(_) | Expr::Between(_) => false,
            Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::Like(_) => false,
            _ => true,
        })
    })?;
    Ok(!varies)
}
