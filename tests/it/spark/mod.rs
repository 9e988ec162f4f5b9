//! Against a real Spark: it continues what Tidemill wrote, Tidemill continues what it wrote, and it reads the output.
//!
//! `tests/run` provides PySpark; without `TIDEMILL_PYSPARK` each test says that it was left out.

mod differential;
mod expressions;
mod orc;
mod partition_relay;
mod read_output;
mod read_state;
mod records;
mod relay;
mod round_trip;
mod shapes;
mod sink_relay;
mod state_relay;
mod statements;
mod tables;
mod writes;

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Writes one JSON lines file of records `from..until`.
fn write_records(folder: &Path, name: &str, from: u64, until: u64) {
    fs::create_dir_all(folder).unwrap();
    let lines: String = (from..until).map(|id| record(id).to_string() + "\n").collect();
    fs::write(folder.join(name), lines).unwrap();
}

/// The record of a number, with an absent field, letters beyond ASCII and a key that needs escapes in a path.
fn record(id: u64) -> Value {
    let keys = ["plain", "a b", "naïve", "x=y/z"];
    let mut record = serde_json::json!({
        "id": id,
        "ts": format!("2026-01-0{}T10:00:{:02}.123Z", 1 + id % 5, id % 60),
        "k": keys[usize::try_from(id % 4).unwrap()],
    });
    if !id.is_multiple_of(7) {
        record["v"] = (id as f64 / 4.0).into();
    }
    record
}

const SCHEMA: &str = "id BIGINT, ts TIMESTAMP, k STRING, v DOUBLE";

/// The ids of rows, sorted.
fn ids(rows: &[Value]) -> Vec<u64> {
    let mut out: Vec<u64> = rows
        .iter()
        .map(|r| r["id"].as_u64().unwrap_or_else(|| panic!("{r}")))
        .collect();
    out.sort_unstable();
    out
}
