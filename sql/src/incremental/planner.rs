//! Plans the batches of one run of a query.

use std::sync::Arc;

use datafusion::common::alias::AliasGenerator;
use datafusion::execution::SessionState;

use super::bind_sources::bind_sources;
use super::bind_timestamp::{BatchClock, bind_timestamp};
use super::{BatchContext, BatchInputs, MicroBatchPlan};
use crate::{Result, StreamingPlan};

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

    /// The analysed plan.
    pub fn streaming_plan(&self) -> &StreamingPlan {
        &self.plan
    }

    /// The plan of one batch: same inputs, same plan.
    ///
    /// The session gives rules, functions and settings; its clock is not read. The physical plan has the partitions that
    /// the session's settings and the inputs make.
    ///
    /// # Errors
    /// An input that has not the source's schema, or what DataFusion cannot plan.
    pub async fn plan(
        &self,
        state: &SessionState,
        inputs: &BatchInputs,
        context: &BatchContext,
    ) -> Result<MicroBatchPlan> {
        let clock = BatchClock::new(context.timestamp_ms, state.config_options())?;
        let logical = bind_sources(self.plan.logical_plan().clone(), inputs)?;
        let logical = bind_timestamp(logical, &clock)?;

        let mut state = state.clone();
        let properties = state.execution_props_mut();
        properties.query_execution_start_time = Some(clock.now());
        // Names that the optimiser makes up count from one in every batch.
        properties.alias_generator = Arc::new(AliasGenerator::new());
        let physical = state.create_physical_plan(&logical).await?;
        Ok(MicroBatchPlan { logical, physical })
    }
}
