//! The rate source goes on from Spark's start time and offsets.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tidemill::prelude::*;

use crate::harness::command;
use crate::harness::golden::GoldenCase;

/// The stream's start moves to a few seconds ago, else there would be a row for every second since the case was made.
fn started(name: &str, seconds_ago: u64) -> GoldenCase {
    let case = GoldenCase::unpack(name);
    let start = SystemTime::now() - Duration::from_secs(seconds_ago);
    let start_ms = start.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let log = case.root().join("checkpoint/sources/0/0");
    fs::write(log, format!("v1\n{start_ms}")).unwrap();
    case
}

const SCRIPT: &str = "CREATE TABLE r USING rate OPTIONS (rowsPerSecond '5', numPartitions '2');
     CREATE STREAMING TABLE shown USING console
        OPTIONS (format 'json', checkpointLocation 'checkpoint', trigger 'availableNow')
     AS SELECT value FROM STREAM(r);";

fn values(rows: &[Value], batch: u64) -> Vec<u64> {
    let mut out: Vec<u64> = rows
        .iter()
        .filter(|r| r["_batch_id"].as_u64() == Some(batch))
        .map(|r| r["value"].as_u64().unwrap())
        .collect();
    out.sort_unstable();
    out
}

#[test]
fn a_rate_stream_goes_on_at_the_next_value_from_every_cut() {
    for cut in 0..4 {
        let case = started("rate_source", 20);
        case.cut_after(Some(cut));
        let rows = command::run(&case.root(), SCRIPT).success().rows();
        let values = values(&rows, cut + 1);
        assert_eq!(values.len(), rows.len(), "cut after {cut}: one batch");
        let first = 5 * cut;
        assert!(
            values.len() >= 5 * (20 - usize::try_from(cut).unwrap()),
            "cut after {cut}"
        );
        assert!(
            values.iter().copied().eq(first..first + values.len() as u64),
            "cut after {cut}"
        );
    }
}

#[test]
fn an_uncommitted_batch_of_a_rate_stream_has_the_rows_it_had() {
    let case = started("rate_source", 20);
    case.uncommit(4);
    let rows = command::run(&case.root(), SCRIPT).success().rows();
    let golden = case.batches().pop().unwrap().rows.unwrap();
    let expected: Vec<u64> = golden.iter().map(|r| r["value"].as_u64().unwrap()).collect();
    assert_eq!(values(&rows, 4), expected);
}

/// The entries of a log, in order.
fn entries(case: &GoldenCase, log: &str) -> Vec<u64> {
    let files = fs::read_dir(case.root().join("checkpoint").join(log)).unwrap();
    let mut ids: Vec<u64> = files
        .filter_map(|file| file.unwrap().file_name().to_str()?.parse().ok())
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_that_spark_wrote_beside_its_batches_go_on_beside_ours() {
    let case = started("async_progress", 20);
    case.uncommit(9);
    let session = StreamingSession::new().unwrap();
    let rates = session.read_stream().format("rate").option("rowsPerSecond", 100);
    let query = rates
        .load()
        .await
        .unwrap()
        .write_stream()
        .format("noop")
        .option("checkpointLocation", case.root().join("checkpoint").display())
        .option("asyncProgressTrackingEnabled", true)
        .option("asyncProgressTrackingCheckpointIntervalMs", 600_000)
        .start()
        .await
        .unwrap();
    while query.last_progress().is_none_or(|batch| batch.batch_id < 11) {
        assert!(query.exception().is_none(), "{:?}", query.exception());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    query.stop().await.unwrap();
    // Batch 9 began where batch 6 had ended and is committed now; the first batch after it is recorded.
    let first = &query.recent_progress()[0];
    assert_eq!((first.batch_id, first.num_input_rows()), (9, 300));
    assert_eq!(entries(&case, "offsets"), [0, 2, 5, 6, 9, 10]);
    assert_eq!(entries(&case, "commits"), [0, 2, 5, 6, 9, 10]);
}
