//! From the analysed plan to the plan of one batch: bind sources and state, pin the clock, optimise, plan.
//!
//! Planning a batch is a function of the analysed plan, the session's settings, [`BatchInputs`] and [`BatchContext`]:
//! no clock is read and nothing is fetched, so a batch that is run again after a crash gets the same plan. Each step
//! leaves a valid plan and stands in its own file.

mod bind_sources;
mod bind_state;
mod bind_timestamp;
mod hold_filters;
mod key_order;
mod micro_batch_plan;
mod planner;
mod rewrite_stateful;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;

pub use bind_state::StateLayout;
pub use micro_batch_plan::MicroBatchPlan;
pub use planner::IncrementalExecution;

use crate::SourceId;

/// What each source brings to a batch. A source that is not here brings no rows.
pub type BatchInputs = HashMap<SourceId, Arc<dyn TableProvider>>;

/// Everything about a batch that a plan may depend on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BatchContext {
    /// The batch's number.
    pub batch_id: u64,
    /// The batch's clock, ms since the epoch.
    pub timestamp_ms: i64,
    /// The watermark in force, ms since the epoch; 0 = none yet. State behind it leaves.
    pub watermark_ms: i64,
    /// The watermark of the batch before: rows behind it come too late. What one operator lets go when the watermark
    /// moves must not be late for the next.
    pub late_watermark_ms: i64,
}

impl BatchContext {
    /// The context of one batch.
    pub fn new(batch_id: u64, timestamp_ms: i64, watermark_ms: i64, late_watermark_ms: i64) -> Self {
        Self {
            batch_id,
            timestamp_ms,
            watermark_ms,
            late_watermark_ms,
        }
    }
}
