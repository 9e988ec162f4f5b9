//! Counts the rows that each source brings to a batch.
//!
//! The table of a source's range is wrapped: its scan, with projection, filters and limit pushed down as ever, gets an
//! [`InputRowsExec`] on top. The counters are not captured by the plan: `execute` finds them in the session's
//! extensions, under the source's number.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics};
use datafusion::config::ConfigOptions;
use datafusion::error::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, ReplaceChildrenOptions};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::Stream;

use super::read_ahead::{ReadAhead, reads_files};

/// Rows per source of the running batch.
#[derive(Debug)]
pub(super) struct InputRows {
    rows: Vec<AtomicU64>,
}

impl InputRows {
    pub(super) fn new(sources: usize) -> Self {
        Self {
            rows: (0..sources).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn add(&self, source: usize, rows: u64) {
        if let Some(counter) = self.rows.get(source) {
            counter.fetch_add(rows, Ordering::Relaxed);
        }
    }

    /// What was counted since the last call.
    pub(super) fn take(&self) -> Vec<u64> {
        self.rows.iter().map(|r| r.swap(0, Ordering::Relaxed)).collect()
    }
}

/// A table whose scans count rows as the source's.
#[derive(Debug)]
pub(super) struct InputRowsTable {
    source: usize,
    table: Arc<dyn TableProvider>,
}

impl InputRowsTable {
    pub(super) fn new(source: usize, table: Arc<dyn TableProvider>) -> Self {
        Self { source, table }
    }
}

#[async_trait]
impl TableProvider for InputRowsTable {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    fn statistics(&self) -> Option<Statistics> {
        self.table.statistics()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = self.table.scan(state, projection, filters, limit).await?;
        Ok(Arc::new(InputRowsExec::new(self.source, scan)))
    }
}

/// Begins to read the files of a plan, whose rows are then given by the streams that are begun.
pub(super) fn read_ahead(plan: &Arc<dyn ExecutionPlan>, task: &Arc<TaskContext>) -> Result<()> {
    plan.apply(|node| {
        if let Some(scan) = node.downcast_ref::<InputRowsExec>()
            && reads_files(&scan.input)
        {
            scan.ahead.begin(&scan.input, task)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Passes its input on and counts the rows.
#[derive(Debug)]
struct InputRowsExec {
    source: usize,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    ahead: Arc<ReadAhead>,
}

impl InputRowsExec {
    fn new(source: usize, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = Arc::clone(input.properties());
        Self {
            source,
            input,
            properties,
            ahead: Arc::default(),
        }
    }

    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self::new(self.source, input))
    }
}

impl DisplayAs for InputRowsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InputRowsExec: source={}", self.source)
    }
}

impl ExecutionPlan for InputRowsExec {
    fn name(&self) -> &'static str {
        "InputRowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(self.over(input)),
            _ => Err(DataFusionError::Internal(
                "InputRowsExec has one input".to_owned(),
            )),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(
                datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute,
            ),
        )
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        config: &ConfigOptions,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let input = self.input.repartitioned(target_partitions, config)?;
        Ok(input.map(|input| self.over(input)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let counters = context.session_config().get_extension::<InputRows>();
        let input = match self.ahead.take(partition) {
            Some(begun) => begun,
            None => self.input.execute(partition, context)?,
        };
        Ok(match counters {
            Some(counters) => Box::pin(Counting {
                source: self.source,
                counters,
                input,
            }),
            None => input,
        })
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let input = self.input.try_swapping_with_projection(projection)?;
        Ok(input.map(|input| self.over(input)))
    }

    fn gather_filters_for_pushdown(
        &self,
        _phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(parent_filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _phase: FilterPushdownPhase,
        child_pushdown_result: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(child_pushdown_result))
    }
}

struct Counting {
    source: usize,
    counters: Arc<InputRows>,
    input: SendableRecordBatchStream,
}

impl Stream for Counting {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.input.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(batch))) = &polled {
            self.counters
                .add(self.source, u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.input.size_hint()
    }
}

impl RecordBatchStream for Counting {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
