//! A view over a stream that a DataFrame was registered as: every place that names it reads the same source anew.
//!
//! Two places that name it are two offset lines and one source; a CTE over it is one line however often the CTE is
//! named. To tell these apart, every naming gives the view's scans numbers of their own while the statement is planned.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::SourceId;
use crate::analyze::{line_indexes, rewrite_scans, stream_scans};

/// A view that may read a stream, to be registered in place of `DataFrame::into_view()`'s.
#[derive(Debug)]
pub struct StreamingView {
    view: Arc<dyn TableProvider>,
}

impl StreamingView {
    /// Wraps the view that `DataFrame::into_view()` gives.
    pub fn new(view: Arc<dyn TableProvider>) -> Self {
        Self { view }
    }
}

/// The plan with new occurrence numbers, one a line, in the order of its offset lines.
fn renumbered(plan: LogicalPlan) -> Option<LogicalPlan> {
    let lines = line_indexes(&stream_scans(&plan), None);
    let count = lines.iter().max().map_or(0, |last| last + 1);
    let numbers: Vec<_> = (0..count).map(|_| SourceId::next()).collect();
    let mut lines = lines.into_iter();
    let numbered = rewrite_scans(plan, |relation| {
        let number = lines.next().and_then(|line| numbers.get(line).copied());
        relation.at_occurrence(number.unwrap_or_else(|| relation.occurrence()))
    });
    numbered.ok()
}

#[async_trait]
impl TableProvider for StreamingView {
    fn schema(&self) -> SchemaRef {
        self.view.schema()
    }

    fn table_type(&self) -> TableType {
        self.view.table_type()
    }

    fn get_table_definition(&self) -> Option<&str> {
        self.view.get_table_definition()
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        let plan = self.view.get_logical_plan()?.into_owned();
        renumbered(plan).map(Cow::Owned)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        self.view.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.view.scan(state, projection, filters, limit).await
    }
}
