//! What the stateful operators of a batch did, as progress shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use tidemill_sql::StatefulOperator;

use super::stateful::StatefulFacts;
use crate::progress::{EventTimeProgress, StateOperatorProgress, StreamingQueryProgress, iso_8601};

/// How many stores of an operator tell their newest snapshot: those that are furthest behind.
const SNAPSHOTS_REPORTED: usize = 5;

/// The parts of a progress that a query with state or a watermark has.
#[derive(Debug, Default)]
pub(crate) struct StatefulProgress {
    pub(crate) event_time: EventTimeProgress,
    pub(crate) operators: Vec<StateOperatorProgress>,
}

impl StatefulProgress {
    /// Of a batch that ran with this watermark, ms since the epoch.
    pub(super) fn of_batch(facts: &StatefulFacts, watermark_ms: i64) -> Self {
        let operators = facts
            .operators
            .iter()
            .map(|operator| operator_progress(operator, facts))
            .collect();
        Self {
            event_time: event_time(facts, watermark_ms),
            operators,
        }
    }

    /// Of a trigger without a batch: the state as the last progress showed it, and the watermark in force (ms since the
    /// epoch), where the query has one.
    pub(super) fn of_idle(last: Option<&StreamingQueryProgress>, watermark_ms: Option<i64>) -> Self {
        let operators = last
            .map(|last| last.state_operators.as_slice())
            .unwrap_or_default();
        Self {
            event_time: EventTimeProgress {
                watermark: watermark_ms.map(iso_8601),
                ..EventTimeProgress::default()
            },
            operators: operators.iter().map(idle).collect(),
        }
    }
}

/// What an operator holds; it did nothing.
fn idle(last: &StateOperatorProgress) -> StateOperatorProgress {
    let figure = |(name, value): (&String, &i64)| {
        let stays = name == "stateOnCurrentVersionSizeBytes" || name.starts_with("SnapshotLastUploaded");
        (name.clone(), if stays { *value } else { 0 })
    };
    StateOperatorProgress {
        num_rows_updated: 0,
        all_updates_time_ms: 0,
        num_rows_removed: 0,
        all_removals_time_ms: 0,
        commit_time_ms: 0,
        num_rows_dropped_by_watermark: 0,
        custom_metrics: last.custom_metrics.iter().map(figure).collect(),
        ..last.clone()
    }
}

fn event_time(facts: &StatefulFacts, watermark_ms: i64) -> EventTimeProgress {
    let mut out = EventTimeProgress::default();
    if !facts.has_watermark {
        return out;
    }
    if let Some(stats) = &facts.event_times {
        out.avg = stats.avg_ms().map(iso_8601);
        out.max = Some(iso_8601(stats.max_ms));
        out.min = Some(iso_8601(stats.min_ms));
    }
    out.watermark = Some(iso_8601(watermark_ms));
    out
}

fn operator_progress(operator: &StatefulOperator, facts: &StatefulFacts) -> StateOperatorProgress {
    let commits = facts
        .commits
        .iter()
        .filter(|commit| commit.operator == operator.id);
    let mut out = StateOperatorProgress {
        operator_name: operator.name.to_owned(),
        num_shuffle_partitions: u64::from(facts.shuffle_partitions),
        ..StateOperatorProgress::default()
    };
    let mut custom: BTreeMap<String, i64> = BTreeMap::new();
    let mut snapshots: Vec<(i64, u32)> = Vec::new();
    let (mut updates, mut removals, mut commit_time) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for commit in commits {
        out.num_rows_total += commit.metrics.rows_total;
        out.num_rows_updated += commit.metrics.rows_updated;
        out.num_rows_removed += commit.metrics.rows_removed;
        out.memory_used_bytes += commit.metrics.memory_used_bytes;
        out.num_rows_dropped_by_watermark += commit.rows_dropped_by_watermark;
        out.num_state_store_instances += 1;
        updates += commit.all_updates;
        removals += commit.all_removals;
        commit_time += commit.commit;
        for (name, value) in commit.metrics.custom() {
            *custom.entry(name.to_owned()).or_default() += signed(value);
        }
        let snapshot = commit.metrics.snapshot_last_uploaded;
        snapshots.push((snapshot.map_or(-1, |version| signed(version.0)), commit.partition));
        if let Some(duplicates) = commit.dropped_duplicate_rows {
            *custom.entry("numDroppedDuplicateRows".to_owned()).or_default() += signed(duplicates);
        }
    }
    snapshots.sort_unstable();
    for (version, partition) in snapshots.into_iter().take(SNAPSHOTS_REPORTED) {
        custom.insert(
            format!("SnapshotLastUploaded.partition_{partition}_default"),
            version,
        );
    }
    out.all_updates_time_ms = millis(updates);
    out.all_removals_time_ms = millis(removals);
    out.commit_time_ms = millis(commit_time);
    out.custom_metrics = custom;
    out
}

fn signed(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
