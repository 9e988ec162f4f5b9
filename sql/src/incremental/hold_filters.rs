//! Keeps filters above what keeps state, and above sealed watermarks, while a batch is planned.
//!
//! DataFusion's rule asks a node which columns it holds predicates on; a predicate that names no column (a subquery, the
//! clock, a literal) would go below all the same.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::logical::holds_filters;

/// The name of the rule that pushes filters down.
const PUSH_DOWN_FILTER: &str = "push_down_filter";

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// The rule, held where it must be if it is the one that pushes filters down.
pub(super) fn hold_filters(rule: &Rule) -> Rule {
    match rule.name() {
        PUSH_DOWN_FILTER => Arc::new(HoldFilters(Arc::clone(rule))),
        _ => Arc::clone(rule),
    }
}

/// The rule inside, but for filters right above a node that holds them.
#[derive(Debug)]
struct HoldFilters(Rule);

impl OptimizerRule for HoldFilters {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> DataFusionResult<Transformed<LogicalPlan>> {
        // The rule merges filters on filters and goes on with the result.
        let mut below = &plan;
        while let LogicalPlan::Filter(filter) = below {
            below = &filter.input;
        }
        if matches!(plan, LogicalPlan::Filter(_)) && holds_filters(below) {
            return Ok(Transformed::no(plan));
        }
        self.0.rewrite(plan, config)
    }
}
