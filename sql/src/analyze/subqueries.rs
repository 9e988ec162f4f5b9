//! Subqueries read static tables only: a streaming one is refused, as Spark refuses it.
//!
//! A lateral join's right side is a subquery too, and counts.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::sources::reads_stream_anywhere;
use crate::{Result, SqlError};

/// Refuses a plan with a subquery that reads a stream.
pub(super) fn refuse_streaming_subqueries(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| match node {
        LogicalPlan::Subquery(subquery) if reads_stream_anywhere(&subquery.subquery) => Err(SqlError::new(
            "INVALID_SUBQUERY_EXPRESSION.STREAMING_QUERY",
            "Invalid subquery: Streaming query is not allowed in subquery expressions.",
        )
        .into()),
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}
