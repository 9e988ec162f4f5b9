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

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(offsets: &[u64], commits: &[u64]) -> LogFacts {
        let mut newest_first = offsets.iter().rev().copied().map(BatchId::new);
        LogFacts {
            newest_offset: newest_first.next(),
            offset_below: newest_first.next(),
            newest_commit: commits.last().copied().map(BatchId::new),
            asynchronous: false,
        }
    }

    fn rerun(batch: u64, start: Option<u64>) -> ResumeDecision {
        ResumeDecision::Rerun {
            batch: BatchId::new(batch),
            start: start.map(BatchId::new),
        }
    }

    fn go_on(newest: u64) -> ResumeDecision {
        ResumeDecision::Continue {
            newest: BatchId::new(newest),
        }
    }

    #[test]
    fn empty_logs_are_a_fresh_query() {
        assert_eq!(decide(facts(&[], &[])), ResumeDecision::Fresh);
    }

    #[test]
    fn a_committed_newest_batch_is_followed_by_the_next() {
        assert_eq!(decide(facts(&[0], &[0])), go_on(0));
        assert_eq!(decide(facts(&[5, 6, 7], &[5, 6, 7])), go_on(7));
        assert_eq!(
            decide(facts(&[7], &[7])),
            go_on(7),
            "the predecessor is not needed"
        );
    }

    #[test]
    fn an_uncommitted_newest_batch_is_run_again() {
        assert_eq!(decide(facts(&[0], &[])), rerun(0, None));
        assert_eq!(decide(facts(&[5, 6], &[5])), rerun(6, Some(5)));
    }

    #[test]
    fn uncommitted_batches_below_the_newest_count_as_done() {
        assert_eq!(decide(facts(&[5, 6, 7], &[5])), rerun(7, Some(6)));
        assert_eq!(decide(facts(&[6, 7], &[])), rerun(7, Some(6)));
    }

    #[test]
    fn a_batch_to_run_again_needs_its_predecessor() {
        for offsets in [&[7][..], &[3, 7], &[0, 7]] {
            let missing = ResumeDecision::MissingPredecessor {
                batch: BatchId::new(7),
                missing: BatchId::new(6),
            };
            assert_eq!(decide(facts(offsets, &[3])), missing);
        }
    }

    #[test]
    fn an_asynchronous_log_takes_the_next_lower_entry_as_predecessor() {
        let asynchronous = |offsets: &[u64], commits: &[u64]| LogFacts {
            asynchronous: true,
            ..facts(offsets, commits)
        };
        assert_eq!(decide(asynchronous(&[0, 3, 6], &[0, 3])), rerun(6, Some(3)));
        assert_eq!(decide(asynchronous(&[0, 3, 6], &[0, 3, 6])), go_on(6));
        assert!(matches!(
            decide(asynchronous(&[6], &[])),
            ResumeDecision::MissingPredecessor { .. }
        ));
    }

    #[test]
    fn a_commit_above_the_offsets_is_refused() {
        for offsets in [&[][..], &[6]] {
            let decision = decide(facts(offsets, &[7]));
            assert!(matches!(decision, ResumeDecision::CommitAboveOffsets { .. }));
        }
    }
}
