//! The nodes of a streaming plan that DataFusion does not know, one a file, each with its planner.
//!
//! A node stands for what keeps state from batch to batch. Its number and what it keeps follow from the analysed plan
//! alone; what a batch adds (versions, watermarks) is bound to it as [`StateInfo`](crate::operators::StateInfo). The
//! optimiser sees an unknown node and leaves it where it is, whatever a batch brings.

mod batch_limit;
mod deduplicate;
mod event_time_watermark;
mod fence;
mod global_limit;
mod row_slices;
mod state_store_save;

pub(crate) use batch_limit::{BatchLimit, BatchLimitPlanner};
pub(crate) use deduplicate::DeduplicatePlanner;
pub use deduplicate::StreamingDeduplicate;
pub(crate) use global_limit::{GlobalLimitPlanner, StreamingGlobalLimit};
pub(crate) use row_slices::{RowSlices, RowSlicesPlanner};
pub(crate) use state_store_save::{StateStoreSave, StateStoreSavePlanner};

use std::cmp::Ordering;

use datafusion::logical_expr::LogicalPlan;

/// Whether a filter above this node must stay there: what the node's input brings is kept, or counted for the watermark,
/// whether or not the filter lets it through.
pub(crate) fn holds_filters(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Extension(extension) = plan else {
        return false;
    };
    let node = extension.node.as_any();
    keeps_state(plan)
        || node
            .downcast_ref()
            .is_some_and(|mark: &EventTimeWatermark| mark.sealed)
}

/// Whether this node is one of ours that keeps state.
pub(crate) fn keeps_state(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Extension(extension) = plan else {
        return false;
    };
    let node = extension.node.as_any();
    node.is::<StateStoreSave>() || node.is::<StreamingDeduplicate>() || node.is::<StreamingGlobalLimit>()
}

/// Nodes have no order but that of being equal.
fn only_equal<T: PartialEq>(left: &T, right: &T) -> Option<Ordering> {
    (left == right).then_some(Ordering::Equal)
}
pub(crate) use event_time_watermark::EventTimeWatermark;
pub(crate) use fence::Fence;
