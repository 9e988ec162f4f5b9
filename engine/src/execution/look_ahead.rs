//! While a batch is being committed, the next one is constructed and planned, and the reading of its input begins.
//!
//! Nothing of this is durable but what a crash in step 1 leaves too: an entry in a source's own log. The batch is logged
//! only after the commit of the one before. A run whose triggers do not follow each other at once looks ahead to nothing.

use super::admission::Admission;
use super::micro_batch::{MicroBatchExecution, Position};
use super::plan::Bound;
use super::stages::ConstructedBatch;
use crate::progress::BatchTimer;
use crate::query::StopRequest;

/// Switches it on and off.
pub(super) const PIPELINING: &str = "tidemill.pipelining.enabled";

/// The next batch, as far as it has come.
pub(super) struct Ahead {
    pub(super) batch: ConstructedBatch,
    pub(super) bound: Bound,
    /// What that took, which belongs to the batch.
    pub(super) timer: BatchTimer,
}

impl MicroBatchExecution {
    /// The batch at this position, if there is one by now. What goes wrong is found again by the batch's own trigger.
    pub(super) async fn look_ahead(&self, position: &Position) -> Option<Ahead> {
        if !self.looks_ahead || self.query.stop_requested() != StopRequest::None {
            return None;
        }
        let timer = BatchTimer::start(&self.clock);
        let batch = self
            .construct(position, Admission::Limited, &timer)
            .await
            .ok()??;
        let bound = self.prepare(batch.facts(), &timer).await;
        Some(Ahead { batch, bound, timer })
    }
}
