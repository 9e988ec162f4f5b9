//! Windows of windows: what the inner operator lets go reaches the outer one in the same batch, and is in time there.

use datafusion::arrow::array::RecordBatch;
use tidemill::OutputMode;

use super::replay::{Model, Policy, Replay};
use super::watermark::{InWindow, in_windows, table_of, with_times};
use super::{Life, batch_result, block_on, for_lives};
use crate::harness::stateful::{Event, select};

/// A window of windows: sizes and slides in ms.
struct Chained {
    stream: &'static str,
    oracle: &'static str,
    delay_ms: i64,
    inner: (i64, i64),
    outer: (i64, i64),
}

const CHAINED: &[Chained] = &[
    Chained {
        stream: "SELECT window.start AS w2, count(*) AS n, sum(c) AS t FROM (
                SELECT window(ts, '10 seconds') AS w, k, count(*) AS c
                FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY window(ts, '10 seconds'), k
            ) q GROUP BY window(w, '20 seconds')",
        oracle: "SELECT w2, count(*) AS n, sum(c) AS t FROM (
                SELECT w2, ws, k, count(*) AS c FROM e GROUP BY w2, ws, k
            ) q GROUP BY w2",
        delay_ms: 5_000,
        inner: (10_000, 10_000),
        outer: (20_000, 20_000),
    },
    Chained {
        stream: "SELECT window.start AS w2, k, count(*) AS n, max(s) AS m FROM (
                SELECT window(ts, '6 seconds', '3 seconds') AS w, k, g, sum(v) AS s FROM STREAM(e)
                WATERMARK ts DELAY OF INTERVAL 2 SECONDS GROUP BY window(ts, '6 seconds', '3 seconds'), k, g
            ) q GROUP BY window(window_time(w), '12 seconds', '4 seconds'), k",
        oracle: "SELECT w2, k, count(*) AS n, max(s) AS m FROM (
                SELECT w2, ws, k, g, sum(v) AS s FROM e GROUP BY w2, ws, k, g
            ) q GROUP BY w2, k",
        delay_ms: 2_000,
        inner: (6_000, 3_000),
        outer: (12_000, 4_000),
    },
];

/// A row of an inner window in one of the outer windows.
struct InOuter {
    inner: InWindow,
    outer: InWindow,
}

/// Closed inner windows are rows of their last microsecond, which lies in the last of its milliseconds.
fn in_outer(inner: &InWindow, (size_ms, slide_ms): (i64, i64)) -> Vec<InOuter> {
    let mut last = Event::at(inner.end_ms - 1, "");
    last.k = None;
    let outer = in_windows(&[last], size_ms, slide_ms).into_iter();
    outer
        .map(|outer| InOuter {
            inner: inner.clone(),
            outer,
        })
        .collect()
}

fn table_of_outer<'a>(rows: impl Iterator<Item = &'a InOuter> + Clone) -> RecordBatch {
    let inner = table_of(rows.clone().map(|row| &row.inner));
    with_times(&inner, "w2", rows.map(|row| row.outer.start_ms))
}

async fn check(query: &Chained, life: &Life) {
    let build = select(query.stream);
    let model = Model::new(Policy::Min, &[query.delay_ms]);
    let mut replay = Replay::new(life, OutputMode::Append, &build, model);
    let (mut inner, mut outer): (Vec<InWindow>, Vec<InOuter>) = (Vec::new(), Vec::new());
    for step in &life.steps {
        for batch in replay.step(step).await {
            let limits = batch.limits;
            let (size_ms, slide_ms) = query.inner;
            inner.extend(in_windows(&batch.brought.concat(), size_ms, slide_ms));
            inner.retain(|row| row.end_ms > limits.late_ms);
            let (closed, open): (Vec<_>, Vec<_>) = inner
                .into_iter()
                .partition(|row| row.end_ms <= limits.eviction_ms);
            inner = open;
            outer.extend(closed.iter().flat_map(|row| in_outer(row, query.outer)));
            outer.retain(|row| row.outer.end_ms > limits.late_ms);
            let closed = outer.iter().filter(|row| row.outer.end_ms <= limits.eviction_ms);
            let expected = batch_result(query.oracle, table_of_outer(closed)).await;
            outer.retain(|row| row.outer.end_ms > limits.eviction_ms);
            assert_eq!(batch.given, expected, "{limits:?}");
        }
    }
    replay.end().await;
}

#[test]
fn windows_of_windows_close_with_the_watermark_and_lose_no_row_on_the_way() {
    for query in CHAINED {
        for_lives(8, query.stream, |life| block_on(check(query, life)));
    }
}
