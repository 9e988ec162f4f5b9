//! A node that stands in for another one while filters are pushed down, and lets none pass.

use std::cmp::Ordering;
use std::fmt;

use datafusion::common::DFSchemaRef;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

/// The node inside, over this node's inputs: every column keeps predicates above.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub(crate) struct Fence {
    plan: Inside,
}

/// Only for the order, which plans do not always have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Inside(LogicalPlan);

impl PartialOrd for Inside {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

impl Fence {
    /// Around this node.
    pub(crate) fn new(plan: LogicalPlan) -> Self {
        Self { plan: Inside(plan) }
    }

    /// The node inside a plan that is a fence.
    pub(crate) fn inside(plan: &LogicalPlan) -> Option<&LogicalPlan> {
        match plan {
            LogicalPlan::Extension(extension) => {
                let fence: &Self = extension.node.as_any().downcast_ref()?;
                Some(&fence.plan.0)
            }
            _ => None,
        }
    }
}

impl UserDefinedLogicalNodeCore for Fence {
    fn name(&self) -> &str {
        "Fence"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.plan.0.inputs()
    }

    fn schema(&self) -> &DFSchemaRef {
        self.plan.0.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.plan.0.expressions()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fence: {}", self.plan.0.display())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DataFusionResult<Self> {
        Ok(Self::new(self.plan.0.with_new_exprs(exprs, inputs)?))
    }
}
