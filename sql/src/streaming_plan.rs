//! The analysed plan of a streaming query: built once per start.
//!
//! Analysis refuses what cannot run incrementally in the output mode, and finds the sources: one line of the offset log
//! per occurrence, one source (and one folder of the checkpoint) per [`SourceId`].

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

use crate::{OutputMode, Result, SourceId, StreamingRelation, analyze};

/// The analysed plan of a streaming query.
#[derive(Clone, Debug)]
pub struct StreamingPlan {
    plan: LogicalPlan,
    mode: OutputMode,
    offset_lines: Vec<Arc<StreamingRelation>>,
    sources: Vec<Arc<StreamingRelation>>,
}

impl StreamingPlan {
    /// Whether a plan reads a stream anywhere (also in subqueries).
    pub fn is_streaming(plan: &LogicalPlan) -> bool {
        analyze::reads_stream_anywhere(plan)
    }

    /// Checks that the plan can run incrementally in this mode, and finds its sources.
    ///
    /// The plan is the one that SQL or a DataFrame built, not optimised: optimising hides what the user wrote.
    ///
    /// # Errors
    /// WRITE_STREAM_NOT_ALLOWED for a plan without a stream; Spark's condition for what Spark refuses in this mode; a
    /// stable name of ours for what Spark refuses without one, or what is not supported.
    pub fn analyze(plan: LogicalPlan, mode: OutputMode) -> Result<Self> {
        Self::analyze_with(plan, mode, true)
    }

    /// As [`analyze`](Self::analyze); without `check_correctness` a stateful node may stand above one whose rows it could
    /// take for late (`spark.sql.streaming.statefulOperator.checkCorrectness.enabled`).
    ///
    /// # Errors
    /// As for [`analyze`](Self::analyze).
    pub fn analyze_with(plan: LogicalPlan, mode: OutputMode, check_correctness: bool) -> Result<Self> {
        let plan = analyze::mark_unions(plan)?;
        analyze::check_supported(&plan, mode, check_correctness)?;
        let offset_lines = analyze::offset_lines(&plan);
        let sources = analyze::distinct_sources(&offset_lines)?;
        Ok(Self {
            plan,
            mode,
            offset_lines,
            sources,
        })
    }

    /// The sources in the order of the offset log's lines. A repeat that the builder made (`df.union(df)`) stands
    /// twice with the same [`SourceId`](crate::SourceId); a CTE used twice stands once.
    pub fn offset_lines(&self) -> &[Arc<StreamingRelation>] {
        &self.offset_lines
    }

    /// The sources to open, each once, in the order of their first offset line.
    ///
    /// A source without a name keeps its log in `sources/<i>`, i being its place here; a named one in `sources/<name>`.
    pub fn sources(&self) -> &[Arc<StreamingRelation>] {
        &self.sources
    }

    /// The place of a source in [`sources`](Self::sources).
    pub fn source_ordinal(&self, id: SourceId) -> Option<usize> {
        self.sources.iter().position(|source| source.id() == id)
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
