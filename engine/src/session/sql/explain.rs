//! EXPLAIN: the plan of a query as text, one line a row, without running it.

use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::displayable;
use tidemill_sql::StreamingPlan;
use tidemill_sql::dialect::{ExplainMode, Statement};

use super::{StatementResult, not_supported, texts};
use crate::{Result, StreamingSession};

impl StreamingSession {
    /// A stream has no physical plan before a batch binds it: its logical plan is shown.
    pub(super) async fn explain(&self, mode: ExplainMode, statement: &Statement) -> Result<StatementResult> {
        let query = match statement {
            Statement::Query(query) => query.as_ref(),
            Statement::CreateStreamingTable(create) => &create.query,
            _ => return Err(not_supported("EXPLAIN of a statement without a query")),
        };
        let plan = self.plan(query).await?;
        let mut text = String::new();
        if mode == ExplainMode::Extended || StreamingPlan::is_streaming(&plan) {
            text.push_str(&section(
                "Analyzed Logical Plan",
                &plan.display_indent_schema().to_string(),
            ));
        }
        if !StreamingPlan::is_streaming(&plan) {
            text.push_str(&self.explain_batch(mode, &plan).await?);
        }
        self.rows(vec![("plan", texts(text.lines()))])
    }

    async fn explain_batch(&self, mode: ExplainMode, plan: &LogicalPlan) -> Result<String> {
        let state = self.context().state();
        let mut out = String::new();
        if mode == ExplainMode::Extended {
            let optimized = state.optimize(plan)?;
            out.push_str(&section(
                "Optimized Logical Plan",
                &optimized.display_indent().to_string(),
            ));
        }
        let physical = state.create_physical_plan(plan).await?;
        let verbose = mode == ExplainMode::Formatted;
        out.push_str(&section(
            "Physical Plan",
            &displayable(physical.as_ref()).indent(verbose).to_string(),
        ));
        Ok(out)
    }
}

fn section(title: &str, body: &str) -> String {
    format!("== {title} ==\n{}\n", body.trim_end())
}
