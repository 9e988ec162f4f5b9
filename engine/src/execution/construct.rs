//! Step 1: asks the sources for their newest offsets and decides whether there is a batch.

use super::admission::{Admission, has_new_data};
use super::micro_batch::{MicroBatchExecution, Position};
use super::stages::{BatchFacts, ConstructedBatch, SourceOffsets};
use crate::Result;
use crate::progress::{BatchTimer, Phase};

impl MicroBatchExecution {
    /// The batch at this position; none when no source has anything new and no operator wants a batch without data.
    pub(super) async fn construct(
        &self,
        position: &Position,
        admission: Admission,
        timer: &BatchTimer,
    ) -> Result<Option<ConstructedBatch>> {
        let end = timer
            .time(
                Phase::LatestOffset,
                self.abortable(self.latest_offsets(&position.start, admission)),
            )
            .await?;
        if !has_new_data(&position.start, &end) && !self.wants_batch_without_data(position.watermark_ms)? {
            return Ok(None);
        }
        Ok(Some(ConstructedBatch::new(BatchFacts {
            id: position.next,
            start: position.start.clone(),
            end,
            timestamp_ms: self.clock.now_ms(),
            watermark_ms: position.watermark_ms,
            late_watermark_ms: position.late_watermark_ms,
        })))
    }

    /// Whether the watermark has moved past what an operator let go, in a batch of this run.
    fn wants_batch_without_data(&self, watermark_ms: i64) -> Result<bool> {
        let wanted = self
            .stateful
            .as_ref()
            .is_some_and(|stateful| stateful.wants_batch_without_data(watermark_ms));
        Ok(wanted
            && self
                .conf
                .get_bool("spark.sql.streaming.noDataMicroBatches.enabled")?)
    }

    async fn latest_offsets(&self, from: &SourceOffsets, admission: Admission) -> Result<SourceOffsets> {
        let mut out = Vec::with_capacity(self.sources.len());
        for (open, start) in self.sources.iter().zip(from) {
            let source = &open.source;
            self.query
                .set_message(format!("Getting offsets from {}", source.description()));
            let limit = admission.limit(source.default_read_limit());
            let latest = source.latest_offset(start.as_ref(), limit).await?;
            out.push(latest.or_else(|| start.clone()));
        }
        Ok(out)
    }
}
