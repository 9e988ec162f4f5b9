//! The planner of sessions that run streaming plans: DataFusion's, and one extension planner per node of ours.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use crate::logical::{
    BatchLimitPlanner, DeduplicatePlanner, GlobalLimitPlanner, RowSlicesPlanner, StateStoreSavePlanner,
};
use crate::operators::EventTimeWatermarkPlanner;

/// Plans what a streaming plan holds beside DataFusion's own nodes.
#[derive(Debug, Default)]
pub struct StreamingQueryPlanner;

impl StreamingQueryPlanner {
    /// One planner per node of `logical`.
    fn extension_planners() -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
        vec![
            Arc::new(EventTimeWatermarkPlanner),
            Arc::new(StateStoreSavePlanner),
            Arc::new(DeduplicatePlanner),
            Arc::new(GlobalLimitPlanner),
            Arc::new(RowSlicesPlanner),
            Arc::new(BatchLimitPlanner),
        ]
    }
}

#[async_trait]
impl QueryPlanner for StreamingQueryPlanner {
    async fn create_physical_plan(
        &self,
        logical_plan: &LogicalPlan,
        session_state: &dyn Session,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(Self::extension_planners())
            .create_physical_plan(logical_plan, session_state)
            .await
    }
}
