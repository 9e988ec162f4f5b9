//! Expressions that have no meaning on a stream.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::refusal::refused;
use crate::Result;

/// Ids that grow over the rows of one run would start again in every batch.
const MONOTONICALLY_INCREASING_ID: &str = "monotonically_increasing_id";

/// Refuses the expressions of a node over a stream that cannot be computed batch by batch.
pub(super) fn check_expressions(plan: &LogicalPlan) -> Result<()> {
    plan.apply_expressions(|expr| {
        expr.apply(|expr| match expr {
            Expr::ScalarFunction(call)
                if call.name().eq_ignore_ascii_case(MONOTONICALLY_INCREASING_ID) =>
            {
                Err(refused(
                    "MONOTONICALLY_INCREASING_ID",
                    "Expression(s): monotonically_increasing_id() is not supported with streaming DataFrames/Datasets",
                )
                .into())
            }
            _ => Ok(TreeNodeRecursion::Continue),
        })
    })?;
    Ok(())
}
