//! The node of a limit on what one batch gives, above state.

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
use crate::operators::BatchLimitExec;

/// So many rows of each batch, in no particular order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BatchLimit {
    pub(crate) input: Arc<LogicalPlan>,
    pub(crate) limit: u64,
}

impl PartialOrd for BatchLimit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        only_equal(self, other)
    }
}

impl UserDefinedLogicalNodeCore for BatchLimit {
    fn name(&self) -> &'static str {
        "BatchLimit"
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
        write!(f, "BatchLimit: limit={}", self.limit)
    }

    fn with_exprs_and_inputs(
        &self,
        _exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> DataFusionResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return internal_err!("BatchLimit has one input");
        };
        Ok(Self {
            input: Arc::new(input),
            limit: self.limit,
        })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

/// Plans [`BatchLimit`].
#[derive(Debug)]
pub(crate) struct BatchLimitPlanner;

#[async_trait]
impl ExtensionPlanner for BatchLimitPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning: &PhysicalPlanningContext,
    ) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<BatchLimit>() else {
            return Ok(None);
        };
        let [input] = physical_inputs else {
            return internal_err!("BatchLimit has one input");
        };
        Ok(Some(Arc::new(BatchLimitExec::new(Arc::clone(input), node.limit))))
    }
}
