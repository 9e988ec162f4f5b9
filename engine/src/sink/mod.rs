//! Streaming sinks: what a sink promises, and the ones built in.
//!
//! A sink gets the batches of a query in order and may get the newest one again after a crash. The file sink keeps
//! a log by batch id and so is exactly once; memory, foreach and foreach_batch see the id; console and noop repeat.

mod console;
pub mod file;
mod foreach;
mod foreach_batch;
mod memory;
mod noop;
mod partitions;
mod registry;
pub mod show;
#[cfg(test)]
mod testing;

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use tidemill_checkpoint::BatchId;
use tidemill_sql::{MicroBatchPlan, OutputMode};
use uuid::Uuid;

use crate::clock::Clock;
use crate::{Conf, Options, Result};

pub use console::ConsoleSink;
pub use file::FileSink;
pub use foreach::{ForeachRow, ForeachSink, ForeachWriter};
pub use foreach_batch::ForeachBatchSink;
pub use memory::MemorySink;
pub use noop::NoopSink;
pub use registry::{SinkRegistry, StreamSinkProvider, open};

/// What a sink gets when a run of a query opens it.
#[derive(Clone)]
#[non_exhaustive]
pub struct SinkContext {
    /// The writer's options (without `checkpointLocation`), including `path`.
    pub options: Options,
    /// `partition_by`.
    pub partition_by: Vec<String>,
    /// The query's output mode.
    pub mode: OutputMode,
    /// The schema of the rows.
    pub schema: SchemaRef,
    /// The query's name.
    pub query_name: Option<String>,
    /// The query's confs.
    pub conf: Arc<Conf>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The session's context: catalog and object stores.
    pub session: SessionContext,
}

/// Where a run starts, as the sink must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStart {
    /// The query's id.
    pub query_id: Uuid,
    /// The first batch that the sink will see.
    pub first_batch: BatchId,
    /// Whether that batch was logged by an earlier run and may be in the sink already.
    pub rerun: bool,
    /// Whether the checkpoint held batches before this run.
    pub resumed: bool,
}

/// The rows of one batch.
#[derive(Clone)]
#[non_exhaustive]
pub struct SinkBatch {
    /// Its number.
    pub batch_id: BatchId,
    /// Its plan.
    pub plan: MicroBatchPlan,
    /// A context to run it in: clocks pinned, the session's functions and object stores.
    pub session: SessionContext,
    /// What execution needs.
    pub task: Arc<TaskContext>,
}

impl SinkBatch {
    /// The schema of the rows.
    pub fn schema(&self) -> SchemaRef {
        self.plan.physical.schema()
    }

    /// One stream per partition; pulling them runs the plan. Every stream must be pulled to its end.
    pub fn execute(&self) -> Result<Vec<SendableRecordBatchStream>> {
        Ok(datafusion::physical_plan::execute_stream_partitioned(
            Arc::clone(&self.plan.physical),
            Arc::clone(&self.task),
        )?)
    }

    /// The batch as an ordinary DataFusion DataFrame.
    pub fn dataframe(&self) -> DataFrame {
        DataFrame::new(self.session.state(), self.plan.logical.clone())
    }
}

/// What a sink reports of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkProgress {
    /// Rows written; -1 where Spark's sink does not count them.
    pub num_output_rows: i64,
}

impl SinkProgress {
    /// With a row count.
    pub fn rows(num_output_rows: i64) -> Self {
        Self { num_output_rows }
    }
}

/// Where a query's rows go.
#[async_trait]
pub trait StreamSink: Debug + Send + Sync {
    /// As Spark describes it in progress: `FileSink[file:/out]`.
    fn description(&self) -> String;

    /// Whether the sink pulls the batch's own plan: then its input is read before the batch is handed over.
    fn pulls_plan(&self) -> bool {
        true
    }

    /// Called once before the first batch of a run; refuses what would lose or double rows.
    async fn start(&self, _start: SinkStart) -> Result<()> {
        Ok(())
    }

    /// Writes one batch. The same batch may come again after a crash: a sink that already holds it still pulls
    /// the rows to their end (state and watermark depend on it) and drops them.
    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress>;
}

#[cfg(test)]
mod tests;
