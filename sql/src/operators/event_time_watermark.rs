//! Counts the event times of the rows that pass, for the watermark and the progress.
//!
//! Rows and their order stay as they are. Each partition adds what it saw once, when its input has ended; a partition that is
//! dropped before its end adds nothing, because its batch is not committed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::{Stream, StreamExt};

use super::event_time_column::times_of;
use crate::event_time::{EventTimeCollector, EventTimeStats, is_event_time_type, with_delay};
use crate::logical::EventTimeWatermark;

/// The operator of a watermark.
#[derive(Debug)]
pub struct EventTimeWatermarkExec {
    input: Arc<dyn ExecutionPlan>,
    column: usize,
    delay_ms: i64,
    operator: usize,
    properties: Arc<PlanProperties>,
}

impl EventTimeWatermarkExec {
    /// Over this input; `column` is the place of the event-time column, `delay_ms` how late a row may be, and `operator` the
    /// number under which the statistics are collected.
    ///
    /// # Errors
    /// A column that is not there or is no event time.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        column: usize,
        delay_ms: i64,
        operator: usize,
    ) -> Result<Self> {
        let schema = marked(&input.schema(), column, delay_ms)?;
        let from = input.properties();
        // Equivalences and orderings name columns by place, so they hold under the marked schema too.
        let equivalences: EquivalenceProperties =
            from.equivalence_properties().clone().with_new_schema(schema)?;
        let properties = PlanProperties::new(
            equivalences,
            from.output_partitioning().clone(),
            from.emission_type,
            from.boundedness,
        );
        Ok(Self {
            input,
            column,
            delay_ms,
            operator,
            properties: Arc::new(properties),
        })
    }
}

fn marked(input: &SchemaRef, column: usize, delay_ms: i64) -> Result<SchemaRef> {
    let mut fields: Vec<_> = input.fields().iter().cloned().collect();
    let Some(field) = fields.get_mut(column) else {
        return internal_err!("no column {column} for the watermark");
    };
    if !is_event_time_type(field.data_type()) {
        return internal_err!("the column {} is no event time", field.name());
    }
    let metadata = with_delay(field.metadata(), delay_ms);
    *field = Arc::new(field.as_ref().clone().with_metadata(metadata));
    Ok(Arc::new(Schema::new_with_metadata(
        fields,
        input.metadata().clone(),
    )))
}

impl DisplayAs for EventTimeWatermarkExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let schema = self.input.schema();
        let name = schema.fields().get(self.column).map_or("", |field| field.name());
        write!(
            f,
            "EventTimeWatermarkExec: {name}@{}, delay={}ms",
            self.column, self.delay_ms
        )
    }
}

impl ExecutionPlan for EventTimeWatermarkExec {
    fn name(&self) -> &'static str {
        "EventTimeWatermarkExec"
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
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return internal_err!("a watermark has one input");
        };
        Ok(Arc::new(Self::try_new(
            input,
            self.column,
            self.delay_ms,
            self.operator,
        )?))
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

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let collector = context.session_config().get_extension::<EventTimeCollector>();
        Ok(Box::pin(WatermarkStream {
            input: self.input.execute(partition, context)?,
            schema: self.schema(),
            column: self.column,
            operator: self.operator,
            stats: EventTimeStats::default(),
            collector,
        }))
    }
}

/// One partition: counts while rows pass, and hands the count over at the end.
struct WatermarkStream {
    input: SendableRecordBatchStream,
    schema: SchemaRef,
    column: usize,
    operator: usize,
    stats: EventTimeStats,
    /// `None` in a batch query, and once the count is handed over.
    collector: Option<Arc<EventTimeCollector>>,
}

impl WatermarkStream {
    fn pass(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.collector.is_some() {
            count(&batch, self.column, &mut self.stats)?;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }
}

impl Stream for WatermarkStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.input.poll_next_unpin(cx).map(|next| match next {
            Some(Ok(batch)) => Some(self.pass(batch)),
            Some(Err(error)) => Some(Err(error)),
            None => {
                if let Some(collector) = self.collector.take() {
                    collector.add(self.operator, &self.stats);
                }
                None
            }
        })
    }
}

impl RecordBatchStream for WatermarkStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Counts the event times of a batch: the column's own, or the ends of its windows.
fn count(batch: &RecordBatch, column: usize, stats: &mut EventTimeStats) -> Result<()> {
    let times = times_of(batch.column(column))?;
    match times.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => stats.add_all_micros(times.values()),
        Some(nulls) => {
            for (micros, valid) in times.values().iter().zip(nulls.iter()) {
                stats.add_micros(valid.then_some(*micros));
            }
        }
    }
    Ok(())
}

/// Plans the operator of every watermark node.
#[derive(Debug)]
pub(crate) struct EventTimeWatermarkPlanner;

#[async_trait]
impl ExtensionPlanner for EventTimeWatermarkPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<EventTimeWatermark>() else {
            return Ok(None);
        };
        let [input] = physical_inputs else {
            return internal_err!("a watermark has one input");
        };
        let exec = EventTimeWatermarkExec::try_new(
            Arc::clone(input),
            node.column_index()?,
            node.delay_ms,
            node.operator,
        )?;
        Ok(Some(Arc::new(exec)))
    }
}
