//! The limit on what one batch gives, above state: unlike DataFusion's, it reads its input to the end.
//!
//! A limit that stops early drops the tasks below it, and with them the state that they have not committed yet.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements, Partitioning,
    PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

/// Lets the first `limit` rows of a batch through and reads on to the end.
#[derive(Clone, Debug)]
pub(crate) struct BatchLimitExec {
    input: Arc<dyn ExecutionPlan>,
    limit: u64,
    properties: Arc<PlanProperties>,
}

impl BatchLimitExec {
    /// Over `input`, whatever its partitions.
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, limit: u64) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            input,
            limit,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for BatchLimitExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchLimitExec: limit={}", self.limit)
    }
}

impl ExecutionPlan for BatchLimitExec {
    fn name(&self) -> &'static str {
        "BatchLimitExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
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
            return internal_err!("BatchLimitExec has one input");
        };
        Ok(Arc::new(Self::new(input, self.limit)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("BatchLimitExec has one partition");
        }
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let rows = self.input.execute(0, context)?.map(move |rows| {
            let rows = rows?;
            let rows = rows.slice(0, rows.num_rows().min(left));
            left -= rows.num_rows();
            Ok(rows)
        });
        let rows = rows.try_filter(|rows| std::future::ready(rows.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
