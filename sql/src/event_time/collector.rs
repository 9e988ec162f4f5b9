//! Gathers the event-time statistics of one batch from the partitions that run it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::EventTimeStats;

/// The event-time statistics of one batch, by watermark operator.
///
/// The operators find it as an extension of the session's configuration; where there is none, as in a batch query, nothing is
/// collected. Every partition adds once, at its end, also when it saw no row.
#[derive(Debug, Default)]
pub struct EventTimeCollector {
    operators: Mutex<BTreeMap<usize, EventTimeStats>>,
}

impl EventTimeCollector {
    /// One for a new batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what a partition of this operator saw.
    pub fn add(&self, operator: usize, stats: &EventTimeStats) {
        let mut operators = self.operators.lock().unwrap_or_else(PoisonError::into_inner);
        operators.entry(operator).or_default().merge(stats);
    }

    /// What was added so far, by operator number.
    pub fn stats(&self) -> Vec<(usize, EventTimeStats)> {
        let operators = self.operators.lock().unwrap_or_else(PoisonError::into_inner);
        operators
            .iter()
            .map(|(operator, stats)| (*operator, *stats))
            .collect()
    }

    /// What was added so far, by operator number; the collector is empty afterwards.
    pub fn take(&self) -> Vec<(usize, EventTimeStats)> {
        let mut operators = self.operators.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *operators).into_iter().collect()
    }
}
