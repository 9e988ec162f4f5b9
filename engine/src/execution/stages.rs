//! The values of the five steps of a batch: each is made of the one before, and of nothing else.

use tidemill_checkpoint::{BatchId, Offset};
use tidemill_sql::MicroBatchPlan;

use super::stateful::StatefulFacts;
use crate::sink::SinkProgress;

/// One offset per distinct source of the query; none where a source never had data.
pub(super) type SourceOffsets = Vec<Option<Offset>>;

/// What is known of a batch from its first step to its last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BatchFacts {
    pub(super) id: BatchId,
    /// Where each source begins: the end of the batch before.
    pub(super) start: SourceOffsets,
    /// Where each source ends.
    pub(super) end: SourceOffsets,
    /// The batch's clock, ms since the epoch.
    pub(super) timestamp_ms: i64,
    /// The watermark in force, ms since the epoch.
    pub(super) watermark_ms: i64,
    /// The watermark of the batch before: rows behind it come too late.
    pub(super) late_watermark_ms: i64,
}

/// Step 1: its range is known; nothing is durable.
#[derive(Debug)]
pub(super) struct ConstructedBatch {
    facts: BatchFacts,
}

/// Step 2: `offsets/N` holds its range.
#[derive(Debug)]
pub(super) struct LoggedBatch {
    facts: BatchFacts,
}

/// Step 3: it can run.
#[derive(Debug)]
pub(super) struct PlannedBatch {
    facts: BatchFacts,
    plan: MicroBatchPlan,
}

/// Step 4: the sink has it.
#[derive(Debug)]
pub(super) struct ExecutedBatch {
    facts: BatchFacts,
    sink: SinkProgress,
    stateful: StatefulFacts,
}

/// Step 5: `commits/N` makes it final.
#[derive(Debug)]
pub(super) struct CommittedBatch {
    facts: BatchFacts,
    sink: SinkProgress,
    stateful: StatefulFacts,
}

impl ConstructedBatch {
    pub(super) fn new(facts: BatchFacts) -> Self {
        Self { facts }
    }

    pub(super) fn facts(&self) -> &BatchFacts {
        &self.facts
    }

    /// After `offsets/N` was created.
    pub(super) fn logged(self) -> LoggedBatch {
        LoggedBatch { facts: self.facts }
    }
}

impl LoggedBatch {
    /// A batch that an earlier run logged: its facts come from the log.
    pub(super) fn of_log(facts: BatchFacts) -> Self {
        Self { facts }
    }

    pub(super) fn facts(&self) -> &BatchFacts {
        &self.facts
    }

    /// With its plan.
    pub(super) fn planned(self, plan: MicroBatchPlan) -> PlannedBatch {
        PlannedBatch {
            facts: self.facts,
            plan,
        }
    }
}

impl PlannedBatch {
    pub(super) fn facts(&self) -> &BatchFacts {
        &self.facts
    }

    pub(super) fn plan(&self) -> &MicroBatchPlan {
        &self.plan
    }

    /// After the sink took it and the state was committed.
    pub(super) fn executed(self, sink: SinkProgress, stateful: StatefulFacts) -> ExecutedBatch {
        ExecutedBatch {
            facts: self.facts,
            sink,
            stateful,
        }
    }
}

impl ExecutedBatch {
    pub(super) fn facts(&self) -> &BatchFacts {
        &self.facts
    }

    /// The watermark of the batch after, ms since the epoch.
    pub(super) fn next_watermark_ms(&self) -> i64 {
        self.stateful.next_watermark_ms.max(self.facts.watermark_ms)
    }

    /// After `commits/N` was created.
    pub(super) fn committed(self) -> CommittedBatch {
        CommittedBatch {
            facts: self.facts,
            sink: self.sink,
            stateful: self.stateful,
        }
    }
}

impl CommittedBatch {
    pub(super) fn facts(&self) -> &BatchFacts {
        &self.facts
    }

    pub(super) fn sink(&self) -> &SinkProgress {
        &self.sink
    }

    pub(super) fn stateful(&self) -> &StatefulFacts {
        &self.stateful
    }
}
