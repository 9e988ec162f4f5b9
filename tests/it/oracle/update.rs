//! Update mode: every batch gives the rows of the keys it touched, and folded by key they are the whole result.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidemill::OutputMode;

use super::queries::{OracleQuery, QUERIES};
use super::{Life, Living, batch_result, block_on, for_lives};
use crate::harness::stateful::{Event, select};

type Key = Vec<String>;

pub(super) fn key_of(row: &Value, keys: &[&str]) -> Key {
    keys.iter().map(|k| row[*k].to_string()).collect()
}

async fn check(query: &OracleQuery, life: &Life) {
    let build = select(&query.streaming());
    let mut living = Living::new(life, OutputMode::Update, &build);
    let mut so_far = Vec::new();
    let mut folded: BTreeMap<Key, Value> = BTreeMap::new();
    for step in &life.steps {
        so_far.extend(step.events.iter().cloned());
        let expected = batch_result(&query.oracle(), Event::batch(&so_far)).await;
        let of_step = batch_result(&query.oracle(), Event::batch(&step.events)).await;
        let touched: BTreeSet<Key> = of_step.iter().map(|row| key_of(row, query.keys)).collect();
        let batches = living.step(step).await;
        let given: BTreeSet<Key> = batches.iter().flatten().map(|r| key_of(r, query.keys)).collect();
        assert_eq!(given, touched, "the keys that the batch touched");
        folded.extend(
            batches
                .into_iter()
                .flatten()
                .map(|row| (key_of(&row, query.keys), row)),
        );
        let mut all: Vec<Value> = folded.values().cloned().collect();
        all.sort_by_key(Value::to_string);
        assert_eq!(all, expected);
    }
    living.end().await;
}

#[test]
fn the_rows_of_all_batches_folded_by_key_are_the_result_of_a_batch_query() {
    for query in QUERIES.iter().filter(|q| !q.only_complete) {
        for_lives(3, query.stream, |life| block_on(check(query, life)));
    }
}
