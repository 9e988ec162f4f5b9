//! Analyzer.
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::ExprPlanner;

use super::SqlSettings;
use crate::Result;

#[derive(Debug)]
pub(crate) struct SparkExprPlanner {}
impl SparkExprPlanner {
    pub(crate) fn new(_settings: &SqlSettings) -> Self {
        Self {}
    }
}
impl ExprPlanner for SparkExprPlanner {}

pub(crate) fn finish(plan: LogicalPlan, _settings: &SqlSettings) -> Result<LogicalPlan> {
    Ok(plan)
}
