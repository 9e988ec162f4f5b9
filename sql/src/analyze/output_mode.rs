//! Whether the query's aggregations suit the output mode.
//!
//! Append needs rows that never change, so a watermark must close every aggregation: one of its grouping columns is the
//! event time, or a window over it. Complete gives the whole result, which only an aggregation keeps.

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::LogicalPlan;

use super::refusal::refused_in_mode;
use super::sources::reads_stream;
use crate::event_time::delay_ms_of;
use crate::{OutputMode, Result};

/// Refuses an output mode that the plan's aggregations cannot serve.
pub(super) fn check_output_mode(plan: &LogicalPlan, mode: OutputMode) -> Result<()> {
    let aggregates = plan.exists(|node| Ok(is_streaming_aggregate(node)))?;
    match mode {
        OutputMode::Append if plan.exists(|node| Ok(is_never_closed(node)))? => {
            Err(refused_in_mode(mode, "streaming aggregations without watermark"))
        }
        OutputMode::Complete if !aggregates => Err(refused_in_mode(mode, "no streaming aggregations")),
        OutputMode::Append | OutputMode::Update | OutputMode::Complete => Ok(()),
    }
}

fn is_streaming_aggregate(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Aggregate(aggregate) if reads_stream(&aggregate.input))
}

/// An aggregation over a stream none of whose groups a watermark closes.
fn is_never_closed(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Aggregate(aggregate) = plan else {
        return false;
    };
    let keys = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
    let closed = aggregate
        .schema
        .fields()
        .iter()
        .take(keys)
        .any(|field| delay_ms_of(field).is_some());
    !closed && is_streaming_aggregate(plan)
}
