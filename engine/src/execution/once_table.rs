//! The rows of a plan that must run exactly once, as a table: a stateful batch that a closure sees as a DataFrame.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType};
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::OnceCell;

/// A table whose first scan runs the plan and keeps its rows; later ones give the same rows.
#[derive(Debug)]
pub(super) struct OnceTable {
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    rows: OnceCell<Vec<Vec<RecordBatch>>>,
}

impl OnceTable {
    /// A scan of the rows of `plan`, which runs with `task`.
    pub(super) fn scan_of(
        plan: &Arc<dyn ExecutionPlan>,
        task: &Arc<TaskContext>,
    ) -> DataFusionResult<LogicalPlan> {
        let table = Self {
            plan: Arc::clone(plan),
            task: Arc::clone(task),
            rows: OnceCell::new(),
        };
        LogicalPlanBuilder::scan("batch", provider_as_source(Arc::new(table)), None)?.build()
    }
}

#[async_trait]
impl TableProvider for OnceTable {
    fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let rows = self
            .rows
            .get_or_try_init(|| {
                datafusion::physical_plan::collect_partitioned(Arc::clone(&self.plan), Arc::clone(&self.task))
            })
            .await?;
        let table = MemTable::try_new(self.schema(), rows.clone())?;
        table.scan(state, projection, filters, limit).await
    }
}
