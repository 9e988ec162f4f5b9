//! Tidemill goes on with the state that Spark left: every stateful golden case of the HDFS-backed provider, cut at every
//! batch boundary.
//!
//! A run gets the files of the later batches one batch at a time, as Spark got them. Rows, watermarks, what each operator
//! did and the final state, byte for byte, must be Spark's. Where the next batch of Spark's had no data, the cut leaves
//! its offsets: the run begins with that batch, as after a crash.

mod cases;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use datafusion::prelude::DataFrame;
use futures::future::BoxFuture;
use serde_json::Value;
use tidemill::prelude::*;
use tidemill_state::{CompressionCodec, StateStoreConf};

use super::{hide_inputs_after, reveal_inputs_of};
use crate::harness::golden::GoldenCase;
use crate::harness::stateful::{self, State};
use crate::harness::values::{comparable, rows_of};

/// How the files of a case came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    /// One batch at a time, with whatever follows it.
    BatchByBatch,
    /// All at once, one file a batch.
    AllAtOnce,
}

/// A case's query over the session, which has the case's folder.
pub(super) type Query = dyn Fn(StreamingSession, Arc<GoldenCase>) -> BoxFuture<'static, Result<DataFrame>>;

/// What the cases have of one batch.
#[derive(Debug, PartialEq)]
struct Batch {
    rows: Vec<Value>,
    next_watermark_ms: i64,
    /// Name, rows total, updated, removed, dropped by watermark.
    operators: Vec<(String, [u64; 4])>,
}

/// Resumes the case from every cut and checks everything.
pub(super) fn resumes_with_state(name: &str, feed: Feed, query: &Query) {
    resumes(name, feed, query, true);
}

/// The same, but the elements of lists may come in any order.
pub(super) fn resumes_whatever_the_order(name: &str, query: &Query) {
    resumes(name, Feed::BatchByBatch, query, false);
}

fn resumes(name: &str, feed: Feed, query: &Query, in_order: bool) {
    let ordered = |mut batch: Batch| {
        if !in_order {
            batch.rows.iter_mut().for_each(sort_lists);
        }
        batch
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let all = GoldenCase::unpack(name);
    let newest = all.batches().last().unwrap().id;
    let expected_state = runtime.block_on(state_of(&all, newest + 1));
    let cuts: Vec<Option<u64>> = std::iter::once(None)
        .chain(all.batches().iter().map(|b| Some(b.id)))
        .take(all.batches().len())
        .filter(|cut| is_loadable(&all, *cut))
        .collect();
    assert!(!cuts.is_empty(), "{name}: no batch to resume from");
    for cut in cuts {
        let case = Arc::new(GoldenCase::unpack(name));
        cut_with_state(&case, cut);
        let mut seen = runtime.block_on(run(&case, feed, query, cut));
        let newest_seen = seen.keys().last().copied();
        for (id, expected) in expected_batches(&case, cut) {
            assert_eq!(
                seen.remove(&id).map(ordered),
                Some(ordered(expected)),
                "{name} cut after {cut:?}: batch {id}"
            );
        }
        let last = expected_batches(&case, cut).keys().last().copied();
        assert_eq!(
            newest_seen, last,
            "{name} cut after {cut:?}: more batches than Spark ran"
        );
        let mut state = runtime.block_on(state_of(&case, newest + 1));
        let mut expected_state = expected_state.clone();
        if !in_order {
            state.values_mut().for_each(|value| value.sort_unstable());
            expected_state
                .values_mut()
                .for_each(|value| value.sort_unstable());
        }
        assert_same_state(name, cut, &state, &expected_state);
    }
}

fn sort_lists(row: &mut Value) {
    match row {
        Value::Array(items) => items.sort_by_key(Value::to_string),
        Value::Object(fields) => fields.values_mut().for_each(sort_lists),
        _ => {}
    }
}

fn assert_same_state(name: &str, cut: Option<u64>, state: &State, expected: &State) {
    for (key, value) in expected {
        assert_eq!(
            state.get(key),
            Some(value),
            "{name} cut after {cut:?}: operator {}, partition {}, key {:02x?}",
            key.0,
            key.1,
            key.2
        );
    }
    assert_eq!(
        state.len(),
        expected.len(),
        "{name} cut after {cut:?}: rows of state"
    );
}

/// Whether the case still has the files to resume after this batch.
fn is_loadable(case: &GoldenCase, cut: Option<u64>) -> bool {
    let checkpoint = case.root().join("checkpoint");
    match cut {
        None => true,
        Some(batch) => {
            let has = |path: String| checkpoint.join(path).exists();
            let version = batch + 1;
            has(format!("offsets/{batch}"))
                && (has(format!("state/0/0/{version}.snapshot")) || has("state/0/0/1.delta".to_owned()))
        }
    }
}

fn next_is_without_data(case: &GoldenCase, cut: Option<u64>) -> Option<u64> {
    let next = cut? + 1;
    let batch = case.case["batches"]
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["batchId"] == next)?;
    batch["noData"].as_bool().unwrap().then_some(next)
}

fn cut_with_state(case: &GoldenCase, cut: Option<u64>) {
    let pending = next_is_without_data(case, cut);
    let kept = pending.map(|next| {
        let path = case.root().join(format!("checkpoint/offsets/{next}"));
        (path.clone(), fs::read(path).unwrap())
    });
    hide_inputs_after(case, cut);
    case.cut_after(cut);
    if let Some((path, content)) = kept {
        fs::write(path, content).unwrap();
    }
}

fn expected_batches(case: &GoldenCase, cut: Option<u64>) -> BTreeMap<u64, Batch> {
    let batches = case.case["batches"].as_array().unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    batches
        .iter()
        .filter(|b| cut.is_none_or(|cut| number(&b["batchId"]) > cut))
        .map(|b| {
            let operators = b["stateOperators"].as_array().unwrap().iter().map(|o| {
                let figures = [
                    "numRowsTotal",
                    "numRowsUpdated",
                    "numRowsRemoved",
                    "numRowsDroppedByWatermark",
                ];
                (
                    o["operatorName"].as_str().unwrap().to_owned(),
                    figures.map(|figure| number(&o[figure])),
                )
            });
            let batch = Batch {
                rows: comparable(b["rows"].as_array().unwrap().clone()),
                next_watermark_ms: b["nextBatchWatermarkMs"].as_i64().unwrap(),
                operators: operators.collect(),
            };
            (number(&b["batchId"]), batch)
        })
        .collect()
}

/// Runs the query over what the cut left, file by file.
async fn run(case: &Arc<GoldenCase>, feed: Feed, query: &Query, cut: Option<u64>) -> BTreeMap<u64, Batch> {
    let session = StreamingSession::new().unwrap();
    for (key, value) in case.case["confs"].as_object().unwrap() {
        session.set_conf(key, value.as_str().unwrap()).unwrap();
    }
    let rows: Arc<Mutex<BTreeMap<u64, Vec<Value>>>> = Arc::default();
    let sink = Arc::clone(&rows);
    let frame = query(session.clone(), Arc::clone(case)).await.unwrap();
    let trigger = match feed {
        Feed::BatchByBatch => Trigger::ProcessingTime(std::time::Duration::ZERO),
        Feed::AllAtOnce => {
            reveal_all(case, cut);
            Trigger::AvailableNow
        }
    };
    let running = frame
        .write_stream()
        .output_mode(case.case["outputMode"].as_str().unwrap().parse().unwrap())
        .option("checkpointLocation", case.path("checkpoint"))
        .trigger(trigger)
        .foreach_batch(move |batch, id| {
            let sink = Arc::clone(&sink);
            async move {
                let rows = comparable(rows_of(&batch.collect().await?));
                sink.lock().unwrap().insert(id.get(), rows);
                Ok::<(), datafusion::error::DataFusionError>(())
            }
        })
        .start()
        .await
        .unwrap();
    if feed == Feed::BatchByBatch {
        running.process_all_available().await.unwrap();
        for batch in case.batches().iter().filter(|b| cut.is_none_or(|c| b.id > c)) {
            if next_is_without_data(case, batch.id.checked_sub(1)).is_none() {
                reveal_inputs_of(case, batch.id);
                running.process_all_available().await.unwrap();
            }
        }
        running.stop().await.unwrap();
    }
    running.await_termination(None).await.unwrap();
    let rows = std::mem::take(&mut *rows.lock().unwrap());
    let batches = rows.into_iter().map(|(id, rows)| {
        let batch = Batch {
            rows,
            next_watermark_ms: next_watermark_ms(case, id),
            operators: operators(&running, id),
        };
        (id, batch)
    });
    let batches = batches.collect();
    session.stop().await.unwrap();
    batches
}

/// What the operators of a batch did, as its progress says it.
fn operators(query: &StreamingQuery, batch: u64) -> Vec<(String, [u64; 4])> {
    let progress = query.recent_progress();
    let found = progress
        .iter()
        .rfind(|p| p.batch_id == batch && !p.state_operators.is_empty());
    let operators = found.iter().flat_map(|progress| &progress.state_operators);
    operators
        .map(|o| {
            let figures = [
                o.num_rows_total,
                o.num_rows_updated,
                o.num_rows_removed,
                o.num_rows_dropped_by_watermark,
            ];
            (o.operator_name.clone(), figures)
        })
        .collect()
}

/// As the commit says it; 0 where it was purged, in cases without a watermark.
fn next_watermark_ms(case: &GoldenCase, batch: u64) -> i64 {
    let Ok(commit) = fs::read_to_string(case.root().join(format!("checkpoint/commits/{batch}"))) else {
        return 0;
    };
    let commit: Value = serde_json::from_str(commit.lines().nth(1).unwrap()).unwrap();
    commit["nextBatchWatermarkMs"].as_i64().unwrap()
}

fn reveal_all(case: &GoldenCase, cut: Option<u64>) {
    for batch in case.batches().iter().filter(|b| cut.is_none_or(|c| b.id > c)) {
        reveal_inputs_of(case, batch.id);
    }
    case.restore_input_times();
}

/// Every row of the state of this version.
async fn state_of(case: &GoldenCase, version: u64) -> State {
    let checkpoint = case.root().join("checkpoint");
    let conf = |key: &str| case.case["confs"][format!("spark.sql.streaming.stateStore.{key}")].as_str();
    let mut store_conf = StateStoreConf::default();
    store_conf.compression = conf("compression.codec").map_or(CompressionCodec::Lz4, |name| {
        CompressionCodec::from_name(name).unwrap()
    });
    store_conf.row_checksum = conf("rowChecksum.enabled") == Some("true");
    stateful::state_of(&checkpoint, store_conf, version).await
}
