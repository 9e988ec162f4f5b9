//! DISTINCT and UNION over a stream are aggregations without functions, with an aggregation's modes, rows and state
//! (`spark-behaviour.md` §4); `df.distinct()` of the builder is a deduplication, which DataFusion writes as the same node.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, LogicalPlanBuilder};

use crate::Result;
use crate::analyze::reads_stream;

/// The plan with every DISTINCT over a stream as an aggregation by all of its columns.
pub(super) fn as_aggregation(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Distinct(Distinct::All(input)) if reads_stream(&input) => {
            let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
            let aggregation = LogicalPlanBuilder::from(input.as_ref().clone())
                .aggregate(columns, Vec::<Expr>::new())?
                .build()?;
            Ok(Transformed::yes(aggregation))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(plan.data)
}
