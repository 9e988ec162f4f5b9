//! Two streams with a watermark each: the policy makes one of them, and a silent stream holds the least of them back.

use std::collections::BTreeSet;

use tidemill::OutputMode;

use super::replay::{Model, Policy, Replay};
use super::update::key_of;
use super::watermark::{InWindow, in_windows, table_of};
use super::{Life, batch_result, block_on, for_lives};
use crate::harness::stateful::select;

const STREAM: &str = "SELECT window.start AS ws, k, count(*) AS n, sum(v) AS s FROM (
        SELECT ts, k, v FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
        UNION ALL SELECT ts, k, v FROM STREAM(f) WATERMARK ts DELAY OF INTERVAL 3 SECONDS
    ) u GROUP BY window(ts, '10 seconds', '5 seconds'), k";
const DELAYS_MS: [i64; 2] = [10_000, 3_000];
const ORACLE: &str = "SELECT ws, k, count(*) AS n, sum(v) AS s FROM e GROUP BY ws, k";
const KEYS: [&str; 2] = ["ws", "k"];

async fn check(policy: Policy, mode: OutputMode, life: &Life) {
    let build = select(STREAM);
    let mut replay = Replay::new(life, mode, &build, Model::new(policy, &DELAYS_MS));
    let mut open: Vec<InWindow> = Vec::new();
    for step in &life.steps {
        for batch in replay.step(step).await {
            let limits = batch.limits;
            let mut in_time = in_windows(&batch.brought.concat(), 10_000, 5_000);
            in_time.retain(|row| row.end_ms > limits.late_ms);
            open.extend(in_time.iter().cloned());
            let expected = if mode == OutputMode::Append {
                let closed = open.iter().filter(|row| row.end_ms <= limits.eviction_ms);
                batch_result(ORACLE, table_of(closed)).await
            } else {
                let of_batch = batch_result(ORACLE, table_of(in_time.iter())).await;
                let touched: BTreeSet<_> = of_batch.iter().map(|row| key_of(row, &KEYS)).collect();
                let mut all = batch_result(ORACLE, table_of(open.iter())).await;
                all.retain(|row| touched.contains(&key_of(row, &KEYS)));
                all
            };
            open.retain(|row| row.end_ms > limits.eviction_ms);
            assert_eq!(batch.given, expected, "{policy:?}, {limits:?}");
        }
    }
    replay.end().await;
}

#[test]
fn the_least_of_two_watermarks_closes_windows_and_makes_rows_late() {
    for mode in [OutputMode::Append, OutputMode::Update] {
        for_lives(6, "min", |life| block_on(check(Policy::Min, mode, life)));
    }
}

#[test]
fn under_the_policy_max_the_greatest_of_two_watermarks_does() {
    for mode in [OutputMode::Append, OutputMode::Update] {
        for_lives(6, "max", |life| block_on(check(Policy::Max, mode, life)));
    }
}
