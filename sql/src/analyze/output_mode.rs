//! Whether the query's aggregations suit the output mode.
//!
//! Append needs rows that never change, so an aggregation must be closed by a watermark; no node here sets one, so every
//! aggregation is without. Complete gives the whole result, which only an aggregation keeps.

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::LogicalPlan;

use super::refusal::refused_in_mode;
use super::sources::reads_stream;
use crate::{OutputMode, Result};

/// Refuses an output mode that the plan's aggregations cannot serve.
pub(super) fn check_output_mode(plan: &LogicalPlan, mode: OutputMode) -> Result<()> {
    let aggregates = plan.exists(|node| Ok(is_streaming_aggregate(node)))?;
    match mode {
        OutputMode::Append if aggregates => {
            Err(refused_in_mode(mode, "streaming aggregations without watermark"))
        }
        OutputMode::Complete if !aggregates => Err(refused_in_mode(mode, "no streaming aggregations")),
        OutputMode::Append | OutputMode::Update | OutputMode::Complete => Ok(()),
    }
}

fn is_streaming_aggregate(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Aggregate(aggregate) if reads_stream(&aggregate.input))
}
