//! What tests of sinks share: a context, and batches of given rows.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use tidemill_checkpoint::BatchId;
use tidemill_sql::MicroBatchPlan;
use uuid::Uuid;

use super::{SinkBatch, SinkContext, SinkStart};
use crate::clock::SystemClock;
use crate::{Conf, Options, OutputMode};

/// A context for a sink of rows of this schema.
pub(crate) fn context(schema: SchemaRef, options: &[(&str, &str)]) -> SinkContext {
    SinkContext {
        options: options.iter().copied().collect::<Options>(),
        partition_by: Vec::new(),
        mode: OutputMode::Append,
        schema,
        query_name: None,
        conf: Arc::new(Conf::new()),
        clock: Arc::new(SystemClock::default()),
        session: SessionContext::new(),
    }
}

/// A batch with these partitions of rows.
pub(crate) async fn batch(id: u64, partitions: Vec<Vec<RecordBatch>>, schema: SchemaRef) -> SinkBatch {
    let session = SessionContext::new();
    let table = MemTable::try_new(schema, partitions).unwrap();
    let physical = table.scan(&session.state(), None, &[], None).await.unwrap();
    let logical = session
        .read_table(Arc::new(table))
        .unwrap()
        .into_unoptimized_plan();
    SinkBatch {
        batch_id: BatchId::new(id),
        plan: MicroBatchPlan::new(logical, physical),
        task: session.task_ctx(),
        session,
    }
}

/// A batch of the rows of a DataFrame.
pub(crate) async fn batch_of(id: u64, session: SessionContext, rows: DataFrame) -> SinkBatch {
    let logical = rows.logical_plan().clone();
    let physical = rows.create_physical_plan().await.unwrap();
    SinkBatch {
        batch_id: BatchId::new(id),
        plan: MicroBatchPlan::new(logical, physical),
        task: session.task_ctx(),
        session,
    }
}

/// The start of a fresh query, or of a resumed one.
pub(crate) fn start(first_batch: u64, rerun: bool) -> SinkStart {
    SinkStart {
        query_id: Uuid::nil(),
        first_batch: BatchId::new(first_batch),
        rerun,
        resumed: first_batch > 0 || rerun,
    }
}
