//! What planning a batch gives.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

/// The plan of one batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MicroBatchPlan {
    /// The bound logical plan, clocks pinned, not optimised: what `foreach_batch` wraps in a DataFrame.
    pub logical: LogicalPlan,
    /// What runs.
    pub physical: Arc<dyn ExecutionPlan>,
}

impl MicroBatchPlan {
    /// A plan made elsewhere: for tests of sinks, and for sinks that wrap others.
    pub fn new(logical: LogicalPlan, physical: Arc<dyn ExecutionPlan>) -> Self {
        Self { logical, physical }
    }
}
