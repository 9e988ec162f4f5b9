//! Deduplication gives the first occurrence of each key; a limit gives so many rows in all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidemill::OutputMode;
use tidemill::prelude::*;

use super::watermark::Model;
use super::{Life, Living, batch_result, block_on, for_lives};
use crate::harness::stateful::{Event, changed, select};

type Key = (Option<&'static str>, Option<i64>);

const ALL: &str = "SELECT * FROM e";

/// The rows of a step that are the first of their key, in the order they came.
fn firsts(events: &[Event], seen: &mut BTreeSet<Key>, key: impl Fn(&Event) -> Key) -> Vec<Event> {
    events.iter().filter(|e| seen.insert(key(e))).cloned().collect()
}

/// One row a key in each step: which of several in one batch comes first is not said.
fn one_a_key(mut life: Life, key: fn(&Event) -> Key) -> Life {
    for step in &mut life.steps {
        step.events = firsts(&step.events, &mut BTreeSet::new(), key);
    }
    life
}

async fn given(living: &mut Living<'_>, step: &super::Step) -> Vec<Value> {
    let mut rows = living.step(step).await.concat();
    rows.sort_by_key(ToString::to_string);
    rows
}

async fn check_by_key(life: &Life) {
    let key = |e: &Event| (e.k, e.v);
    let life = one_a_key(life.clone(), key);
    let build = changed(|df| df.drop_duplicates(&["k", "v"]));
    let mut living = Living::new(&life, OutputMode::Append, &build);
    let mut seen = BTreeSet::new();
    for step in &life.steps {
        let expected = firsts(&step.events, &mut seen, key);
        let expected = batch_result(ALL, Event::batch(&expected)).await;
        assert_eq!(given(&mut living, step).await, expected);
    }
    living.end().await;
}

async fn check_with_watermark(life: &Life) {
    let key = |e: &Event| (e.k, e.ts_ms);
    let life = one_a_key(life.clone(), key);
    let build = changed(|df| {
        df.with_watermark("ts", "10 seconds")?
            .drop_duplicates(&["k", "ts"])
    });
    let mut living = Living::new(&life, OutputMode::Append, &build);
    let mut model = Model::new(10_000, life.no_data_batches);
    let mut seen = BTreeSet::new();
    for step in &life.steps {
        let limits = model.step(step);
        let mut expected = firsts(&step.events, &mut seen, key);
        expected.retain(|e| e.ts_ms.is_none_or(|ts| ts > limits.late_ms));
        let expected = batch_result(ALL, Event::batch(&expected)).await;
        assert_eq!(given(&mut living, step).await, expected, "{limits:?}");
    }
    living.end().await;
}

async fn check_within_watermark(life: &Life) {
    let life = one_a_key(life.clone(), |e| (e.k, None));
    let build = changed(|df| {
        df.with_watermark("ts", "10 seconds")?
            .drop_duplicates_within_watermark(&["k"])
    });
    let mut living = Living::new(&life, OutputMode::Append, &build);
    let mut model = Model::new(10_000, life.no_data_batches);
    let mut expires_ms: BTreeMap<Option<&str>, i64> = BTreeMap::new();
    for step in &life.steps {
        let limits = model.step(step);
        let in_time = step
            .events
            .iter()
            .filter(|e| e.ts_ms.is_none_or(|ts| ts > limits.late_ms));
        let mut expected = Vec::new();
        for event in in_time {
            expires_ms.entry(event.k).or_insert_with(|| {
                expected.push(event.clone());
                // A row without a time expires as if it were of the epoch.
                event.ts_ms.unwrap_or(0) + 10_000
            });
        }
        expires_ms.retain(|_, expiry| *expiry > limits.eviction_ms);
        let expected = batch_result(ALL, Event::batch(&expected)).await;
        assert_eq!(given(&mut living, step).await, expected, "{limits:?}");
    }
    living.end().await;
}

async fn check_several_in_a_batch(life: &Life) {
    let build = changed(|df| df.drop_duplicates(&["k"]));
    let mut living = Living::new(life, OutputMode::Append, &build);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for step in &life.steps {
        let rows = batch_result(ALL, Event::batch(&step.events)).await;
        let new: BTreeSet<String> = rows.iter().map(|r| r["k"].to_string()).collect();
        let new: BTreeSet<String> = new.difference(&seen).cloned().collect();
        let given = given(&mut living, step).await;
        assert!(
            given.iter().all(|row| rows.contains(row)),
            "{given:?} of {rows:?}"
        );
        let keys: Vec<String> = given.iter().map(|r| r["k"].to_string()).collect();
        assert_eq!(keys.len(), new.len(), "{keys:?}");
        assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), new);
        seen.extend(new);
    }
    living.end().await;
}

async fn check_limit(life: &Life) {
    let build = select("SELECT * FROM STREAM(e) LIMIT 7");
    let mut living = Living::new(life, OutputMode::Append, &build);
    let mut left = 7;
    for step in &life.steps {
        let rows = batch_result(ALL, Event::batch(&step.events)).await;
        let given = given(&mut living, step).await;
        assert_eq!(given.len(), rows.len().min(left));
        assert!(
            given.iter().all(|row| rows.contains(row)),
            "{given:?} of {rows:?}"
        );
        left -= given.len();
    }
    living.end().await;
}

#[test]
fn the_first_row_of_each_key_goes_on() {
    for_lives(8, "by key", |life| block_on(check_by_key(life)));
    for_lives(8, "several in a batch", |life| {
        block_on(check_several_in_a_batch(life))
    });
}

#[test]
fn under_a_watermark_late_rows_go_and_old_keys_are_forgotten() {
    for_lives(10, "with a watermark", |life| {
        block_on(check_with_watermark(life))
    });
    for_lives(10, "within the watermark", |life| {
        block_on(check_within_watermark(life))
    });
}

#[test]
fn a_limit_gives_so_many_rows_over_all_batches_and_restarts() {
    for_lives(8, "limit", |life| block_on(check_limit(life)));
}
