//! The analysed plan of a streaming query: built once per start.
#![allow(clippy::unimplemented, unused_variables)]

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

use crate::{OutputMode, Result, StreamingRelation};

/// The analysed plan of a streaming query.
#[derive(Clone, Debug)]
pub struct StreamingPlan {
    plan: LogicalPlan,
    mode: OutputMode,
    offset_lines: Vec<Arc<StreamingRelation>>,
}

impl StreamingPlan {
    /// Whether a plan reads a stream anywhere (also in subqueries).
    pub fn is_streaming(plan: &LogicalPlan) -> bool {
        unimplemented!()
    }

    /// Checks that the plan can run incrementally in this mode, and finds its sources.
    pub fn analyze(plan: LogicalPlan, mode: OutputMode) -> Result<Self> {
        unimplemented!()
    }

    /// The sources in the order of the offset log's lines. A repeat that the builder made (`df.union(df)`) stands
    /// twice with the same [`SourceId`](crate::SourceId); a CTE used twice stands once.
    pub fn offset_lines(&self) -> &[Arc<StreamingRelation>] {
        &self.offset_lines
    }

    /// The logical plan.
    pub fn logical_plan(&self) -> &LogicalPlan {
        &self.plan
    }

    /// The output mode it was analysed for.
    pub fn output_mode(&self) -> OutputMode {
        self.mode
    }
}
