//! Step 4: the sink pulls the plan's streams, which drives the stateful operators.

use std::sync::Arc;

use super::micro_batch::MicroBatchExecution;
use super::stages::{ExecutedBatch, PlannedBatch};
use super::stateful::StatefulFacts;
use crate::Result;
use crate::progress::{BatchTimer, Phase};
use crate::sink::SinkBatch;

impl MicroBatchExecution {
    /// Hands the batch to the sink; it may be one that the sink holds already.
    pub(super) async fn run(&mut self, batch: PlannedBatch, timer: &BatchTimer) -> Result<ExecutedBatch> {
        let rows = SinkBatch {
            batch_id: batch.facts().id,
            plan: batch.plan().clone(),
            session: self.session.clone(),
            task: Arc::clone(&self.task),
        };
        let taken = async {
            let sink = self.sink.add_batch(&rows).await?;
            if let Some(stateful) = &self.stateful {
                // A sink that holds the batch already pulls nothing: the state and the watermark must move all the same.
                stateful
                    .finish(&rows.plan.physical, &rows.task, &self.input_rows)
                    .await?;
            }
            Ok(sink)
        };
        let sink = timer.time(Phase::AddBatch, self.abortable(taken)).await?;
        let stateful = match &mut self.stateful {
            Some(stateful) => stateful.facts(),
            None => StatefulFacts::default(),
        };
        Ok(batch.executed(sink, stateful))
    }
}
