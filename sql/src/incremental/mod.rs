//! From the analysed plan to the plan of one batch: bind sources, pin the clock, optimise, plan.
#![allow(clippy::unimplemented, unused_variables)]

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use crate::{Result, SourceId, StreamingPlan};

/// What each source brings to a batch.
pub type BatchInputs = HashMap<SourceId, Arc<dyn TableProvider>>;

/// Everything about a batch that a plan may depend on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BatchContext {
    /// The batch's number.
    pub batch_id: u64,
    /// The batch's clock, ms since the epoch.
    pub timestamp_ms: i64,
    /// The watermark in force, ms since the epoch; 0 = none yet.
    pub watermark_ms: i64,
}

impl BatchContext {
    /// The context of one batch.
    pub fn new(batch_id: u64, timestamp_ms: i64, watermark_ms: i64) -> Self {
        Self {
            batch_id,
            timestamp_ms,
            watermark_ms,
        }
    }
}

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

/// Plans the batches of one run of a query.
#[derive(Debug)]
pub struct IncrementalExecution {
    plan: StreamingPlan,
}

impl IncrementalExecution {
    /// For the run of this plan.
    pub fn new(plan: StreamingPlan) -> Self {
        Self { plan }
    }

    /// The plan of one batch: same inputs, same plan.
    pub async fn plan(
        &self,
        state: &SessionState,
        inputs: &BatchInputs,
        context: &BatchContext,
    ) -> Result<MicroBatchPlan> {
        unimplemented!()
    }
}
