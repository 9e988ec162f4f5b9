//! What a run says of itself: a JSON object, and a row of the table.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tidemill::StreamingQueryProgress;

/// The first batches read cold files and plans; they do not count among the parts.
const WARM_UP: usize = 5;

/// The parts of a batch whose times are reported, in milliseconds.
const PARTS: [&str; 6] = [
    "triggerExecution",
    "latestOffset",
    "walCommit",
    "queryPlanning",
    "addBatch",
    "commitOffsets",
];

/// The p-th percentile of some numbers.
fn percentile(mut samples: Vec<u64>, p: usize) -> Option<u64> {
    samples.sort_unstable();
    samples.get(samples.len().saturating_sub(1) * p / 100).copied()
}

/// The figures that the progress of a query's batches tells.
pub(crate) fn of_progress(progress: &[Arc<StreamingQueryProgress>]) -> BTreeMap<&'static str, Value> {
    let ran: Vec<_> = progress
        .iter()
        .filter(|p| p.duration_ms.contains_key("addBatch"))
        .collect();
    let with_data: Vec<_> = ran.iter().filter(|p| p.num_input_rows() > 0).collect();
    let steady = with_data
        .get(WARM_UP..)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(&with_data);
    let parts = |p: usize| {
        let of = |part: &str| {
            steady
                .iter()
                .filter_map(|b| b.duration_ms.get(part).copied())
                .collect()
        };
        PARTS
            .iter()
            .filter_map(|part| Some((*part, percentile(of(part), p)?)))
            .collect::<BTreeMap<_, _>>()
    };
    let most = |figure: fn(&tidemill::StateOperatorProgress) -> u64| {
        let of_batch =
            |batch: &&Arc<StreamingQueryProgress>| batch.state_operators.iter().map(figure).sum::<u64>();
        ran.iter().map(of_batch).max().unwrap_or_default()
    };
    BTreeMap::from([
        ("batches", json!(ran.len())),
        ("rows", json!(ran.iter().map(|p| p.num_input_rows()).sum::<u64>())),
        ("p50_ms", json!(parts(50))),
        ("p99_ms", json!(parts(99))),
        ("state_rows_max", json!(most(|o| o.num_rows_total))),
        ("state_bytes_max", json!(most(|o| o.memory_used_bytes))),
        (
            "dropped_late",
            json!(
                ran.iter()
                    .flat_map(|p| &p.state_operators)
                    .map(|o| o.num_rows_dropped_by_watermark)
                    .sum::<u64>()
            ),
        ),
    ])
}

/// The columns of the table: title, and where the figure is in the JSON object.
const COLUMNS: [(&str, &str); 11] = [
    ("query", "/query"),
    ("wall s", "/wall_s"),
    ("CPU s", "/cpu_s"),
    ("rows/s", "/rows_s"),
    ("batches", "/batches"),
    ("p50 ms", "/p50_ms/triggerExecution"),
    ("p99 ms", "/p99_ms/triggerExecution"),
    ("state rows", "/state_rows_max"),
    ("state MB", "/state_bytes_max"),
    ("ckpt files", "/checkpoint_files"),
    ("RSS MB", "/peak_rss_mb"),
];

fn cell(line: &Value, title: &str, place: &str) -> String {
    match line.pointer(place) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if title == "state MB" => {
            (number.as_u64().unwrap_or_default() / 1_000_000).to_string()
        }
        Some(Value::Number(number)) => number.to_string(),
        _ => "-".to_owned(),
    }
}

/// Prints a table of the runs.
pub(crate) fn print(lines: &[Value]) {
    let titles: Vec<String> = COLUMNS.iter().map(|(title, _)| (*title).to_owned()).collect();
    let mut rows = vec![titles];
    rows.extend(lines.iter().map(|line| {
        COLUMNS
            .iter()
            .map(|(title, place)| cell(line, title, place))
            .collect()
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:>width$}"))
            .collect();
        println!("{}", cells.join("  "));
    }
}
