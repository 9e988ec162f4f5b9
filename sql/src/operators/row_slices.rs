//! Passes rows on in small batches, without a copy.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

/// The rows of its input in batches of the session's batch size divided by `factor`, at least one row each.
#[derive(Debug)]
pub(crate) struct RowSlicesExec {
    input: Arc<dyn ExecutionPlan>,
    factor: usize,
}

impl RowSlicesExec {
    /// Over this input.
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, factor: usize) -> Self {
        Self { input, factor }
    }
}

impl DisplayAs for RowSlicesExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowSlicesExec: factor={}", self.factor)
    }
}

impl ExecutionPlan for RowSlicesExec {
    fn name(&self) -> &'static str {
        "RowSlicesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return internal_err!("RowSlicesExec has one input");
        };
        Ok(Arc::new(Self::new(input, self.factor)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let rows = (context.session_config().batch_size() / self.factor.max(1)).max(1);
        let input = self.input.execute(partition, context)?;
        let slices = input
            .map_ok(move |batch| futures::stream::iter(slices(&batch, rows).map(Ok).collect::<Vec<_>>()))
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            slices.boxed(),
        )))
    }
}

fn slices(batch: &RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    let all = batch.num_rows();
    (0..all)
        .step_by(rows)
        .map(move |from| batch.slice(from, rows.min(all - from)))
}
