//! Batches that a blocking task makes, as a stream.

use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Result, TidemillError};

/// How many batches, or pieces of an object, may wait for their reader.
pub(super) const CHANNEL_LENGTH: usize = 2;

/// Where a task puts its batches; nobody wants more when it is closed.
pub(super) type BatchSender = mpsc::Sender<DataFusionResult<RecordBatch>>;

/// What `work` sends, made on the blocking pool; the stream fails if the task does.
pub(super) fn from_blocking(
    work: impl FnOnce(&BatchSender) -> Result<()> + Send + 'static,
) -> BoxStream<'static, DataFusionResult<RecordBatch>> {
    let (sender, receiver) = mpsc::channel(CHANNEL_LENGTH);
    let task = tokio::task::spawn_blocking(move || {
        if let Err(error) = work(&sender) {
            // Nobody listens any more when the scan was dropped.
            let _ = sender.blocking_send(Err(error.into()));
        }
    });
    let state: (
        mpsc::Receiver<DataFusionResult<RecordBatch>>,
        Option<JoinHandle<()>>,
    ) = (receiver, Some(task));
    futures::stream::unfold(state, |(mut receiver, mut task)| async move {
        if let Some(batch) = receiver.recv().await {
            return Some((batch, (receiver, task)));
        }
        // The end of the channel is the end of the file only if the task did not break off.
        let failed = task.take()?.await.err()?;
        let error = TidemillError::internal(format!("reading records failed: {failed}"));
        Some((Err(DataFusionError::from(error)), (receiver, None)))
    })
    .boxed()
}
