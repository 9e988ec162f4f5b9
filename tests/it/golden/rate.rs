//! The rate source goes on from Spark's start time and offsets.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::harness::command;
use crate::harness::golden::GoldenCase;

/// The stream's start moves to a few seconds ago, else there would be a row for every second since the case was made.
fn started(seconds_ago: u64) -> GoldenCase {
    let case = GoldenCase::unpack("rate_source");
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
        let case = started(20);
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
    let case = started(20);
    case.uncommit(4);
    let rows = command::run(&case.root(), SCRIPT).success().rows();
    let golden = case.batches().pop().unwrap().rows.unwrap();
    let expected: Vec<u64> = golden.iter().map(|r| r["value"].as_u64().unwrap()).collect();
    assert_eq!(values(&rows, 4), expected);
}
