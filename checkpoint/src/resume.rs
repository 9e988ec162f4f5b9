//! Where a query goes on: a pure function of what the logs hold.
//!
//! With L the newest batch of `offsets` and C of `commits`: nothing logged is a fresh query, C = L goes on with L+1,
//! C < L runs L again (only L: what lies between is taken as done, as Spark takes it), C > L cannot be.

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

/// What the two logs hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogFacts {
    /// The newest entry of the offset log.
    pub newest_offset: Option<BatchId>,
    /// The entry below it, whatever its number.
    pub offset_below: Option<BatchId>,
    /// The newest entry of the commit log.
    pub newest_commit: Option<BatchId>,
    /// Whether gaps are there on purpose.
    pub asynchronous: bool,
}

/// What to do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResumeDecision {
    Fresh,
    Continue {
        newest: BatchId,
    },
    Rerun {
        batch: BatchId,
        start: Option<BatchId>,
    },
    MissingPredecessor {
        batch: BatchId,
        missing: BatchId,
    },
    CommitAboveOffsets {
        commit: BatchId,
        newest_offset: Option<BatchId>,
    },
}

/// Decides where to go on.
pub(crate) fn decide(facts: LogFacts) -> ResumeDecision {
    let Some(newest) = facts.newest_offset else {
        return match facts.newest_commit {
            Some(commit) => ResumeDecision::CommitAboveOffsets {
                commit,
                newest_offset: None,
            },
            None => ResumeDecision::Fresh,
        };
    };
    match facts.newest_commit {
        Some(commit) if commit > newest => ResumeDecision::CommitAboveOffsets {
            commit,
            newest_offset: Some(newest),
        },
        Some(commit) if commit == newest => ResumeDecision::Continue { newest },
        _ => rerun(newest, facts),
    }
}

fn rerun(batch: BatchId, facts: LogFacts) -> ResumeDecision {
    match batch.previous() {
        None => ResumeDecision::Rerun { batch, start: None },
        Some(previous) if facts.offset_below == Some(previous) => ResumeDecision::Rerun {
            batch,
            start: Some(previous),
        },
        Some(_) if facts.asynchronous && facts.offset_below.is_some() => ResumeDecision::Rerun {
            batch,
            start: facts.offset_below,
        },
        Some(missing) => ResumeDecision::MissingPredecessor { batch, missing },
    }
}
