//! Hands each row to the user's writer, one writer per partition of a batch: open, process row by row, close.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tidemill_checkpoint::BatchId;

use super::foreach_batch::{BoxedError, UserError};
use super::partitions::{row_count, run_partitions};
use super::{SinkBatch, SinkProgress, StreamSink};
use crate::{ErrorKind, Result, TidemillError};

/// What writes the rows of one partition of one batch, as Spark's `ForeachWriter`.
///
/// A factory makes a new writer for each partition of each batch, so a writer may keep a connection or a buffer of
/// its own. At least once: after a crash the same rows come again under the same epoch, but not always in the same
/// partitions, so that partition and epoch together tell nothing about which rows were written already.
#[async_trait]
pub trait ForeachWriter: Send {
    /// Called first, also for a partition without rows. `false` skips the rows of the partition.
    ///
    /// # Errors
    /// Any ends the query and leaves the batch uncommitted; `close` is then not called.
    async fn open(
        &mut self,
        partition_id: u64,
        epoch_id: BatchId,
    ) -> Result<bool, Box<dyn Error + Send + Sync>>;

    /// Called for each row, in the partition's order.
    ///
    /// # Errors
    /// Any ends the query and leaves the batch uncommitted, after `close` was called with it.
    async fn process(&mut self, row: ForeachRow<'_>) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Called last when `open` returned, also when it returned `false`; with the error that ended the partition, be
    /// it of `process` or of the batch itself. It is not called when the process dies, or when the query is stopped or
    /// another partition fails in the middle: release what must be released in `Drop`.
    ///
    /// # Errors
    /// Any ends the query and leaves the batch uncommitted.
    async fn close(
        &mut self,
        error: Option<&(dyn Error + Send + Sync)>,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// One row: a place in a record batch.
#[derive(Clone, Copy, Debug)]
pub struct ForeachRow<'a> {
    batch: &'a RecordBatch,
    index: usize,
}

impl<'a> ForeachRow<'a> {
    /// The batch that the row stands in; other rows of it come, or came, by themselves.
    pub const fn batch(&self) -> &'a RecordBatch {
        self.batch
    }

    /// The row's place in [`batch`](Self::batch).
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    /// The value in the column of this name.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn value(&self, column: &str) -> Result<ScalarValue, Box<dyn Error + Send + Sync>> {
        let values = self
            .batch
            .column_by_name(column)
            .ok_or_else(|| format!("the row has no column '{column}'"))?;
        Ok(ScalarValue::try_from_array(values, self.index)?)
    }

    /// All values, in the order of the columns.
    ///
    /// # Errors
    /// For a type that DataFusion has no value of.
    pub fn values(&self) -> Result<Vec<ScalarValue>, Box<dyn Error + Send + Sync>> {
        let columns = self.batch.columns().iter();
        Ok(columns
            .map(|values| ScalarValue::try_from_array(values, self.index))
            .collect::<Result<_, _>>()?)
    }

    /// The row as a batch of one row, without a copy.
    pub fn to_batch(&self) -> RecordBatch {
        self.batch.slice(self.index, 1)
    }
}

type Factory = dyn Fn() -> Box<dyn ForeachWriter> + Send + Sync;

/// A sink made of a factory of writers.
pub struct ForeachSink {
    factory: Arc<Factory>,
}

impl ForeachSink {
    /// What progress calls the sink.
    pub(crate) const DESCRIPTION: &str = "ForeachWriterTable";

    /// `factory` makes the writer of each partition.
    pub fn new<W, F>(factory: F) -> Self
    where
        W: ForeachWriter + 'static,
        F: Fn() -> W + Send + Sync + 'static,
    {
        Self {
            factory: Arc::new(move || Box::new(factory())),
        }
    }
}

impl fmt::Debug for ForeachSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeachSink").finish_non_exhaustive()
    }
}

#[async_trait]
impl StreamSink for ForeachSink {
    fn description(&self) -> String {
        Self::DESCRIPTION.to_owned()
    }

    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress> {
        let epoch = batch.batch_id;
        let counts = run_partitions(batch.execute()?, |partition, stream| {
            let writer = (self.factory)();
            write_partition(writer, partition, epoch, stream)
        })
        .await?;
        Ok(SinkProgress::rows(row_count(counts.iter().sum())))
    }
}

/// Writes the rows of one partition; gives how many there were.
async fn write_partition(
    mut writer: Box<dyn ForeachWriter>,
    partition: usize,
    epoch: BatchId,
    stream: SendableRecordBatchStream,
) -> Result<usize> {
    let wanted = writer
        .open(partition as u64, epoch)
        .await
        .map_err(|error| user_error(epoch, error))?;
    let written = write_rows(writer.as_mut(), wanted, epoch, stream).await;
    let closed = match &written {
        Ok(_) => writer.close(None).await,
        Err(error) => writer.close(Some(error)).await,
    };
    let rows = written?;
    closed.map_err(|error| user_error(epoch, error))?;
    Ok(rows)
}

/// Pulls the partition to its end, also where its rows are not wanted: state and watermark depend on it.
async fn write_rows(
    writer: &mut dyn ForeachWriter,
    wanted: bool,
    epoch: BatchId,
    mut stream: SendableRecordBatchStream,
) -> Result<usize> {
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows += batch.num_rows();
        if !wanted {
            continue;
        }
        for index in 0..batch.num_rows() {
            let row = ForeachRow { batch: &batch, index };
            writer
                .process(row)
                .await
                .map_err(|error| user_error(epoch, error))?;
        }
    }
    Ok(rows)
}

fn user_error(epoch: BatchId, error: BoxedError) -> TidemillError {
    TidemillError::new(
        ErrorKind::Invalid,
        "FOREACH_USER_FUNCTION_ERROR",
        format!(
            "An error occurred in the user provided function in foreach sink, batch {epoch}. Reason: {error}"
        ),
    )
    .with_source(UserError(error))
}
