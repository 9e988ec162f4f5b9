//! Settles the watermarks of a streaming plan: which there are, their numbers, and which rows each of them counts.
//!
//! A watermark over a static input says nothing and goes. The others are numbered in pre-order, as Spark's tracker does.
//! Which rows a watermark counts follows from where the filters stand: see `push_filters`. Afterwards the nodes are closed,
//! so that planning a batch moves nothing below them.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{Extension, LogicalPlan};

use super::push_filters::push_filters;
use super::sources::reads_stream;
use crate::functions::resolve_time_windows;
use crate::logical::EventTimeWatermark;
use crate::{Result, SqlError};

/// The plan with its windows and watermarks settled, and the delays (ms) by operator number.
///
/// Filters of the plan end up where Spark puts them, also where there is no watermark: what a filter above an aggregation
/// says of its keys decides which keys enter the state.
///
/// # Errors
/// WATERMARK_REDEFINED for a watermark over another one.
pub(crate) fn resolve_watermarks(
    plan: LogicalPlan,
    config: &ConfigOptions,
) -> Result<(LogicalPlan, Vec<i64>)> {
    let plan = resolve_time_windows(plan)?;
    let plan = without_static_watermarks(plan)?;
    refuse_redefinition(&plan)?;
    let plan = push_filters(plan, config)?;
    number(plan)
}

/// Whether a watermark reaches this node from below.
pub(crate) fn reads_watermark(plan: &LogicalPlan) -> bool {
    // The closure never fails, so neither does the walk.
    plan.exists(|node| Ok(EventTimeWatermark::of(node).is_some()))
        .unwrap_or(false)
}

/// The plan without the watermarks whose input reads no stream, also in subqueries.
fn without_static_watermarks(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        match EventTimeWatermark::of(&node) {
            Some(watermark) if !reads_stream(&watermark.input) => {
                Ok(Transformed::yes(watermark.input.as_ref().clone()))
            }
            // The mark of a watermark below may be gone.
            _ => Ok(Transformed::yes(node.recompute_schema()?)),
        }
    })?;
    Ok(plan.data)
}

fn refuse_redefinition(plan: &LogicalPlan) -> Result<()> {
    let mut redefined = false;
    plan.apply(|node| {
        if let Some(watermark) = EventTimeWatermark::of(node) {
            redefined |= watermark
                .input
                .exists(|below| Ok(EventTimeWatermark::of(below).is_some()))?;
        }
        Ok(if redefined {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })?;
    if !redefined {
        return Ok(());
    }
    Err(SqlError::new(
        "WATERMARK_REDEFINED",
        "Redefining watermark is disallowed: the query sets a watermark over an input that has one already. Keep one of the two.",
    ))
}

fn number(plan: LogicalPlan) -> Result<(LogicalPlan, Vec<i64>)> {
    let mut delays_ms = Vec::new();
    let plan = plan.transform_down(|node| {
        let Some(watermark) = EventTimeWatermark::of(&node) else {
            return Ok(Transformed::no(node));
        };
        let sealed = watermark.seal(delays_ms.len());
        delays_ms.push(watermark.delay_ms);
        Ok(Transformed::yes(LogicalPlan::Extension(Extension {
            node: Arc::new(sealed),
        })))
    })?;
    Ok((plan.data, delays_ms))
}

#[cfg(test)]
mod tests;
