//! A node whose rows pass in small batches, for what makes many rows of each: the windows of a sliding time window.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use crate::operators::RowSlicesExec;

/// The rows of its input, in batches of the session's batch size divided by `factor`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub(crate) struct RowSlices {
    input: Arc<LogicalPlan>,
    factor: usize,
}

impl RowSlices {
    /// The node as a plan; `factor` is how many rows will be made of each.
    pub(crate) fn plan(input: LogicalPlan, factor: usize) -> LogicalPlan {
        let input = Arc::new(input);
        LogicalPlan::Extension(Extension {
            node: Arc::new(Self { input, factor }),
        })
    }

    /// The input of such a node.
    pub(crate) fn input_of(plan: &LogicalPlan) -> Option<&Arc<LogicalPlan>> {
        let LogicalPlan::Extension(Extension { node }) = plan else {
            return None;
        };
        node.as_any().downcast_ref::<Self>().map(|slices| &slices.input)
    }
}

impl UserDefinedLogicalNodeCore for RowSlices {
    fn name(&self) -> &'static str {
        "RowSlices"
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

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowSlices: factor={}", self.factor)
    }

    fn with_exprs_and_inputs(
        &self,
        _exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> DataFusionResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return internal_err!("RowSlices has one input");
        };
        Ok(Self {
            input: Arc::new(input),
            factor: self.factor,
        })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

/// Plans [`RowSlices`].
#[derive(Debug)]
pub(crate) struct RowSlicesPlanner;

#[async_trait]
impl ExtensionPlanner for RowSlicesPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning: &PhysicalPlanningContext,
    ) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<RowSlices>() else {
            return Ok(None);
        };
        let [input] = physical_inputs else {
            return internal_err!("RowSlices has one input");
        };
        let exec = RowSlicesExec::new(Arc::clone(input), node.factor);
        Ok(Some(Arc::new(exec)))
    }
}
