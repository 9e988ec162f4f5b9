//! The file sink goes on with Spark's `_spark_metadata`: the rows read through it, and the names of all log entries,
//! are those that Spark left.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{settings, without_nulls};
use crate::harness::command;
use crate::harness::golden::GoldenCase;
use crate::harness::sorted;

/// The names of a log's entries.
fn entries(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| !n.starts_with('.'))
        .collect()
}

const LOGS: [&str; 4] = [
    "checkpoint/offsets",
    "checkpoint/commits",
    "checkpoint/sources/0",
    "output/_spark_metadata",
];

fn log_names(case: &GoldenCase) -> Vec<BTreeSet<String>> {
    LOGS.iter().map(|log| entries(&case.root().join(log))).collect()
}

fn script(case: &GoldenCase, select: &str, partitions: &str) -> String {
    // Spark asks for a sink's name when it is to know sinks by name.
    let sink_name = match case.case["case"].as_str() {
        Some("named_sink") => ", sinkName 'sink_x'",
        _ => "",
    };
    format!(
        "{settings}
         CREATE TABLE src ({schema}) USING json OPTIONS (path 'input', maxFilesPerTrigger '1');
         CREATE STREAMING TABLE target USING parquet LOCATION 'output' {partitions}
         OPTIONS (checkpointLocation 'checkpoint', trigger 'availableNow'{sink_name}) AS {select};
         SELECT * FROM target;",
        settings = settings(case),
        schema = case.case["sourceSchema"].as_str().unwrap(),
    )
}

fn expected_rows(case: &GoldenCase) -> Vec<Value> {
    let rows = case.case["outputRowsReadThroughSparkMetadata"]
        .as_array()
        .unwrap();
    without_nulls(rows.clone())
}

/// Cuts after each of `cuts`, lets Tidemill process the rest, and compares rows and log entries with what Spark left.
fn ends_as_spark_ended(name: &str, cuts: &[Option<u64>], select: &str, partitions: &str) {
    let golden = log_names(&GoldenCase::unpack(name));
    for cut in cuts {
        let case = GoldenCase::unpack(name);
        case.cut_after(*cut);
        let said = command::run(&case.root(), &script(&case, select, partitions)).success();
        assert_eq!(
            without_nulls(said.rows()),
            expected_rows(&case),
            "{name} cut after {cut:?}"
        );
        assert_eq!(log_names(&case), golden, "{name} cut after {cut:?}");
    }
}

const STATELESS: &str = "SELECT id, upper(name) AS name FROM STREAM(src) WHERE id % 2 = 0";

#[test]
fn a_parquet_sink_is_resumed_from_every_batch_and_compacts_as_spark_did() {
    let cuts: Vec<Option<u64>> = std::iter::once(None).chain((0..22).map(Some)).collect();
    ends_as_spark_ended("stateless_file_sink", &cuts, STATELESS, "");
}

#[test]
fn a_parquet_sink_that_deletes_old_entries_is_resumed_and_deletes_as_spark_did() {
    let cuts: Vec<Option<u64>> = (9..13).map(Some).collect();
    ends_as_spark_ended("stateless_file_sink_compact3", &cuts, STATELESS, "");
}

#[test]
fn a_partitioned_sink_and_an_input_name_that_needs_escapes_are_resumed() {
    ends_as_spark_ended(
        "partitioned_file_sink",
        &[None, Some(0), Some(1)],
        "SELECT * FROM STREAM(src) WHERE k <> 'none'",
        "PARTITIONED BY (k)",
    );
}

#[test]
fn a_batch_whose_commit_is_missing_runs_again_and_leaves_the_sink_as_it_is() {
    let case = GoldenCase::unpack("stateless_file_sink");
    case.uncommit(22);
    let before = crate::harness::golden::files(&case.root().join("output"));
    let said = command::run(&case.root(), &script(&case, STATELESS, "")).success();
    assert_eq!(without_nulls(said.rows()), expected_rows(&case));
    let after = crate::harness::golden::files(&case.root().join("output"));
    assert_eq!(before, after);
    assert!(case.root().join("checkpoint/commits/22").exists());
}

#[test]
fn a_commit_log_of_version_three_is_read_and_goes_on() {
    let case = GoldenCase::unpack("named_sink");
    let input = case.root().join("input/001.json");
    fs::write(
        &input,
        "{\"ts\":\"2024-01-01T00:00:09Z\",\"k\":\"next\",\"v\":2}\n",
    )
    .unwrap();
    let script = script(&case, "SELECT k, v FROM STREAM(src)", "");
    let rows = sorted(command::run(&case.root(), &script).success().rows());
    let keys: Vec<&str> = rows.iter().map(|r| r["k"].as_str().unwrap()).collect();
    assert_eq!(keys, ["a", "next"]);
    assert!(case.root().join("checkpoint/commits/1").exists());
}
