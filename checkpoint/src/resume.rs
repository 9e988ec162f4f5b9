//! Where a query goes on: a pure function of what the logs hold.

use crate::{BatchId, OffsetSeq};

/// Where a query goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum ResumePoint {
    /// No batch was ever logged.
    Fresh,
    /// The newest logged batch has no commit: run it again over exactly its range.
    Rerun {
        /// The batch.
        batch: BatchId,
        /// The entry of the batch before (start offsets); none for batch 0.
        start: Option<OffsetSeq>,
        /// The entry of the batch itself (end offsets, watermark, timestamp, confs).
        end: OffsetSeq,
    },
    /// The newest logged batch is committed: construct the next one.
    Continue {
        /// The next batch.
        next: BatchId,
        /// The entry of the newest batch: the start of the next.
        start: OffsetSeq,
        /// `max(batchWatermarkMs, nextBatchWatermarkMs)`, ms since the epoch.
        watermark_ms: i64,
    },
}
