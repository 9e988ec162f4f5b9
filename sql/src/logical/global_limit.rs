//! The node of a streaming limit.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::only_equal;
use crate::operators::{StateInfo, StreamingGlobalLimitExec};

/// So many rows over the life of the query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamingGlobalLimit {
    pub(crate) input: Arc<LogicalPlan>,
    pub(crate) limit: u64,
    pub(crate) info: StateInfo,
}

impl PartialOrd for StreamingGlobalLimit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        only_equal(self, other)
    }
}

impl UserDefinedLogicalNodeCore for StreamingGlobalLimit {
    fn name(&self) -> &'static str {
        "StreamingGlobalLimit"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamingGlobalLimit: limit={}", self.limit)
    }

    fn with_exprs_and_inputs(
        &self,
        _exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> DataFusionResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return internal_err!("StreamingGlobalLimit has one input");
        };
        Ok(Self {
            input: Arc::new(input),
            ..self.clone()
        })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

/// Plans [`StreamingGlobalLimit`].
#[derive(Debug)]
pub(crate) struct GlobalLimitPlanner;

#[async_trait]
impl ExtensionPlanner for GlobalLimitPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning: &PhysicalPlanningContext,
    ) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<StreamingGlobalLimit>() else {
            return Ok(None);
        };
        let [input] = physical_inputs else {
            return internal_err!("StreamingGlobalLimit has one input");
        };
        Ok(Some(Arc::new(StreamingGlobalLimitExec::new(
            Arc::clone(input),
            node.limit,
            node.info.clone(),
        ))))
    }
}
