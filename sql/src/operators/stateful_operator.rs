//! What the engine must know of the stateful operators of a batch's plan.

use std::num::NonZeroU32;
use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use tidemill_state::{OperatorId, StateSchema};

use super::{EventTimeWatermarkExec, StateStoreSaveExec, StreamingDeduplicateExec, StreamingGlobalLimitExec};

/// A stateful operator of a batch's plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StatefulOperator {
    /// Its number, from the output side.
    pub id: OperatorId,
    /// Spark's name of it, as the operator metadata says it.
    pub name: &'static str,
    /// How many state partitions it runs with; one without keys has one.
    pub partitions: NonZeroU32,
    /// The columns of its state rows.
    pub schema: StateSchema,
    /// Whether rows behind the watermark are let go, so that a batch without data is worth while when it moved.
    pub runs_without_data: bool,
    /// The watermark that this batch evicts by, µs since the epoch.
    pub eviction_watermark_us: i64,
    /// Whether a watermark reaches the operator.
    pub is_watermarked: bool,
}

/// The stateful operators of a batch's plan, by number.
pub fn stateful_operators(plan: &Arc<dyn ExecutionPlan>) -> Vec<StatefulOperator> {
    let mut found = Vec::new();
    collect(plan, &mut found);
    found.sort_by_key(|operator| operator.id);
    found
}

/// The topmost nodes of a batch's plan that keep state or count event times: when each of them is read to its end, every
/// one is. What stands above may have stopped early (a join with a static side without rows reads nothing of the other).
pub fn stateful_roots(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn ExecutionPlan>> {
    let mut own = Vec::new();
    own_operator(plan, &mut own);
    if !own.is_empty() || plan.downcast_ref::<EventTimeWatermarkExec>().is_some() {
        return vec![Arc::clone(plan)];
    }
    plan.children().into_iter().flat_map(stateful_roots).collect()
}

fn collect(plan: &Arc<dyn ExecutionPlan>, found: &mut Vec<StatefulOperator>) {
    own_operator(plan, found);
    for child in plan.children() {
        collect(child, found);
    }
}

/// The node itself, if it keeps state.
fn own_operator(plan: &Arc<dyn ExecutionPlan>, found: &mut Vec<StatefulOperator>) {
    if let Some(exec) = plan.downcast_ref::<StateStoreSaveExec>() {
        found.push(exec.operator());
    } else if let Some(exec) = plan.downcast_ref::<StreamingDeduplicateExec>() {
        found.push(exec.operator());
    } else if let Some(exec) = plan.downcast_ref::<StreamingGlobalLimitExec>() {
        found.push(exec.operator());
    }
}
