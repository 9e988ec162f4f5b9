//! Windows under a watermark: append mode gives each when it closes, update mode whenever a row in time touches it.

use std::collections::BTreeSet;

use tidemill::OutputMode;

use super::update::key_of;
use super::watermark::{InWindow, Model, in_windows, table_of};
use super::{Life, Living, batch_result, block_on, for_lives};
use crate::harness::stateful::select;

/// A windowed query and what it groups.
struct Windowed {
    stream: &'static str,
    oracle: &'static str,
    keys: &'static [&'static str],
    size_ms: i64,
    slide_ms: i64,
    delay_ms: i64,
}

const WINDOWED: &[Windowed] = &[
    Windowed {
        stream: "SELECT window.start AS ws, k, count(*) AS n, sum(v) AS s
            FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '10 seconds'), k",
        oracle: "SELECT ws, k, count(*) AS n, sum(v) AS s FROM e GROUP BY ws, k",
        keys: &["ws", "k"],
        size_ms: 10_000,
        slide_ms: 10_000,
        delay_ms: 10_000,
    },
    Windowed {
        stream: "SELECT window.start AS ws, count(*) AS n, avg(v) AS a
            FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 3 SECONDS GROUP BY window(ts, '10 seconds', '4 seconds')",
        oracle: "SELECT ws, count(*) AS n, avg(v) AS a FROM e GROUP BY ws",
        keys: &["ws"],
        size_ms: 10_000,
        slide_ms: 4_000,
        delay_ms: 3_000,
    },
    Windowed {
        stream: "SELECT window.start AS ws, g, max(v) AS hi, min(k) AS lo, count(v) AS c
            FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 0 SECONDS GROUP BY g, window(ts, '5 seconds')",
        oracle: "SELECT ws, g, max(v) AS hi, min(k) AS lo, count(v) AS c FROM e GROUP BY ws, g",
        keys: &["ws", "g"],
        size_ms: 5_000,
        slide_ms: 5_000,
        delay_ms: 0,
    },
    // Each window is whole slices: rows are aggregated by slices first.
    Windowed {
        stream: "SELECT window.start AS ws, k, count(*) AS n, count(*) FILTER (WHERE v > 3) AS c, sum(v) AS s, avg(v) AS a
            FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 4 SECONDS GROUP BY k, window(ts, '12 seconds', '3 seconds')",
        oracle: "SELECT ws, k, count(*) AS n, count(*) FILTER (WHERE v > 3) AS c, sum(v) AS s, avg(v) AS a
            FROM e GROUP BY ws, k",
        keys: &["ws", "k"],
        size_ms: 12_000,
        slide_ms: 3_000,
        delay_ms: 4_000,
    },
    // Many windows are made of a slice, a few groups at a time.
    Windowed {
        stream: "SELECT window.start AS ws, min(v) AS lo, max(k) AS hi, count(*) AS n
            FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 2 SECONDS GROUP BY window(ts, '40 seconds', '2 seconds')",
        oracle: "SELECT ws, min(v) AS lo, max(k) AS hi, count(*) AS n FROM e GROUP BY ws",
        keys: &["ws"],
        size_ms: 40_000,
        slide_ms: 2_000,
        delay_ms: 2_000,
    },
];

impl Windowed {
    fn in_time(&self, events: &[crate::harness::stateful::Event], late_ms: i64) -> Vec<InWindow> {
        let mut rows = in_windows(events, self.size_ms, self.slide_ms);
        rows.retain(|row| row.end_ms > late_ms);
        rows
    }
}

async fn check_append(query: &Windowed, life: &Life) {
    let build = select(query.stream);
    let mut living = Living::new(life, OutputMode::Append, &build);
    let mut model = Model::new(query.delay_ms, life.no_data_batches);
    let mut open: Vec<InWindow> = Vec::new();
    for step in &life.steps {
        let limits = model.step(step);
        open.extend(query.in_time(&step.events, limits.late_ms));
        let closed = open.iter().filter(|row| row.end_ms <= limits.eviction_ms);
        let expected = batch_result(query.oracle, table_of(closed)).await;
        open.retain(|row| row.end_ms > limits.eviction_ms);
        let mut given = living.step(step).await.concat();
        given.sort_by_key(ToString::to_string);
        assert_eq!(given, expected, "{limits:?}");
    }
    living.end().await;
}

async fn check_update(query: &Windowed, life: &Life) {
    let build = select(query.stream);
    let mut living = Living::new(life, OutputMode::Update, &build);
    let mut model = Model::new(query.delay_ms, life.no_data_batches);
    let mut so_far: Vec<InWindow> = Vec::new();
    for step in &life.steps {
        let limits = model.step(step);
        let in_time = query.in_time(&step.events, limits.late_ms);
        let of_step = batch_result(query.oracle, table_of(in_time.iter())).await;
        so_far.extend(in_time);
        let touched: BTreeSet<_> = of_step.iter().map(|row| key_of(row, query.keys)).collect();
        let mut expected = batch_result(query.oracle, table_of(so_far.iter())).await;
        expected.retain(|row| touched.contains(&key_of(row, query.keys)));
        let mut given = living.step(step).await.concat();
        given.sort_by_key(ToString::to_string);
        assert_eq!(given, expected, "{limits:?}");
    }
    living.end().await;
}

#[test]
fn append_mode_gives_each_window_once_when_the_watermark_passes_its_end() {
    for query in WINDOWED {
        for_lives(8, query.stream, |life| block_on(check_append(query, life)));
    }
}

#[test]
fn update_mode_counts_the_rows_that_are_not_late() {
    for query in WINDOWED {
        for_lives(5, query.stream, |life| block_on(check_update(query, life)));
    }
}
