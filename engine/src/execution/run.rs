//! Step 4: the sink pulls the plan's streams.

use std::sync::Arc;

use super::micro_batch::MicroBatchExecution;
use super::stages::{ExecutedBatch, PlannedBatch};
use crate::Result;
use crate::progress::{BatchTimer, Phase};
use crate::sink::SinkBatch;

impl MicroBatchExecution {
    /// Hands the batch to the sink; it may be one that the sink holds already.
    pub(super) async fn run(&self, batch: PlannedBatch, timer: &mut BatchTimer) -> Result<ExecutedBatch> {
        let rows = SinkBatch {
            batch_id: batch.facts().id,
            plan: batch.plan().clone(),
            session: self.session.clone(),
            task: Arc::clone(&self.task),
        };
        let sink = timer
            .time(Phase::AddBatch, self.abortable(self.sink.add_batch(&rows)))
            .await?;
        Ok(batch.executed(sink))
    }
}
