//! Pulls every row and keeps none: for measuring, and for queries that are run for their state or side effects.

use async_trait::async_trait;
use futures::StreamExt;

use super::partitions::{row_count, run_partitions};
use super::{SinkBatch, SinkProgress, StreamSink};
use crate::{OptionSpec, Result};

/// Drops all rows.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoopSink;

impl NoopSink {
    /// It has no options.
    pub(crate) const OPTIONS: &[OptionSpec] = &[];
}

#[async_trait]
impl StreamSink for NoopSink {
    fn description(&self) -> String {
        "NoopTable".to_owned()
    }

    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress> {
        Ok(SinkProgress::rows(discard(batch).await?))
    }
}

/// Runs the batch for its effects on state and watermark, and gives the number of rows.
pub(crate) async fn discard(batch: &SinkBatch) -> Result<i64> {
    let counts = run_partitions(batch.execute()?, |_, mut stream| async move {
        let mut rows = 0;
        while let Some(next) = stream.next().await {
            rows += next?.num_rows();
        }
        Ok(rows)
    })
    .await?;
    Ok(row_count(counts.iter().sum()))
}
