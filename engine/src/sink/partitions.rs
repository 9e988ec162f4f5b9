//! Runs the partitions of a batch side by side: every stream is pulled to its end or the first error wins.

use std::future::Future;

use datafusion::common::runtime::JoinSet;
use datafusion::execution::SendableRecordBatchStream;

use crate::{Result, TidemillError};

/// Runs `work` on every stream and gives the results in the order of the partitions.
///
/// One stream runs where the caller stands, several as tasks; when one fails, or the caller is dropped, the
/// others are aborted.
pub(crate) async fn run_partitions<T, F, W>(
    streams: Vec<SendableRecordBatchStream>,
    work: W,
) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
    W: Fn(usize, SendableRecordBatchStream) -> F,
{
    if streams.len() == 1 {
        let mut out = Vec::with_capacity(1);
        for stream in streams {
            out.push(work(0, stream).await?);
        }
        return Ok(out);
    }
    let mut tasks = JoinSet::new();
    for (index, stream) in streams.into_iter().enumerate() {
        let task = work(index, stream);
        tasks.spawn(async move { (index, task.await) });
    }
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        let (index, result) =
            joined.map_err(|e| TidemillError::internal(format!("a task of the sink: {e}")))?;
        results.push((index, result?));
    }
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// How many rows, as progress reports them.
pub(crate) fn row_count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
