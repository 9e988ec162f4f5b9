//! What operators keep, count and drop, where what stands around them could change it. Spark's answers are from runs of
//! PySpark 4.3.0.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::prelude::{cast, col, lit};
use serde_json::{Value, json};
use tidemill::{DataFrameStreamingExt, OutputMode};

use super::WINDOWED_COUNT;
use crate::harness::stateful::{Build, Event, StatefulFixture, changed, select};
use crate::harness::values::comparable;

/// The operators after the last batch with their rows, and what each batch gave.
async fn run(
    mode: OutputMode,
    build: &Build,
    blocks: &[&[Event]],
) -> (Vec<(String, u64)>, BTreeMap<u64, Vec<Value>>) {
    let fixture = StatefulFixture::new(mode, 2);
    let run = fixture.start(build).await.unwrap();
    for block in blocks {
        run.feed(&fixture, block).await.unwrap();
    }
    let progress = run.query.last_progress().unwrap();
    run.session.stop().await.unwrap();
    let operators = progress.state_operators.iter();
    let operators = operators.map(|o| (o.operator_name.clone(), o.num_rows_total));
    (operators.collect(), fixture.take_batches())
}

fn named(operators: &[(&str, u64)]) -> Vec<(String, u64)> {
    operators
        .iter()
        .map(|(name, rows)| ((*name).to_owned(), *rows))
        .collect()
}

#[tokio::test]
async fn a_filter_that_names_no_column_keeps_no_row_out_of_the_state() {
    let block = [Event::at(1_000, "a"), Event::at(2_000, "b")];
    for having in [
        "1 = 0",
        "(SELECT max(tv) FROM (SELECT 1 AS tv)) = 2",
        "current_date() >= DATE'2999-01-01'",
    ] {
        let query = select(&format!(
            "SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k HAVING {having}"
        ));
        let (operators, batches) = run(OutputMode::Update, &query, &[&block]).await;
        assert_eq!(operators, named(&[("stateStoreSave", 2)]), "{having}");
        assert!(batches.into_values().all(|rows| rows.is_empty()), "{having}");
    }
    let first_rows = changed(|df| Ok(df.drop_duplicates(&["k"])?.filter(lit(false))?));
    let (operators, _) = run(OutputMode::Append, &first_rows, &[&block]).await;
    assert_eq!(operators, named(&[("dedupe", 2)]));
    let limited = changed(|df| Ok(df.limit(0, Some(5))?.filter(lit(1).eq(lit(0)))?));
    let (operators, _) = run(OutputMode::Append, &limited, &[&block]).await;
    assert_eq!(operators, named(&[("globalLimit", 1)]));
}

#[tokio::test]
async fn a_filter_above_distinct_rows_keeps_no_row_out_of_the_state() {
    let block = [Event::at(1_000, "a"), Event::at(2_000, "b")];
    let query = changed(|df| {
        Ok(df
            .select(vec![col("k")])?
            .distinct()?
            .filter(col("k").eq(lit("b")))?)
    });
    let (operators, batches) = run(OutputMode::Append, &query, &[&block]).await;
    assert_eq!(operators, named(&[("dedupe", 2)]));
    assert_eq!(batches[&0], [json!({"k": "b"})]);
}

#[tokio::test]
async fn a_limit_below_an_aggregation_holds_for_the_life_of_a_query_in_complete_mode() {
    let blocks: [&[Event]; 3] = [
        &[Event::at(1, "a"), Event::at(2, "b")],
        &[Event::at(3, "a"), Event::at(4, "c")],
        &[Event::at(5, "d")],
    ];
    for (query, operators, last) in [
        (
            "SELECT k, count(*) AS n FROM (SELECT * FROM STREAM(e) LIMIT 3) GROUP BY k",
            named(&[("stateStoreSave", 2), ("globalLimit", 1)]),
            vec![json!({"k": "a", "n": 2}), json!({"k": "b", "n": 1})],
        ),
        (
            "SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k ORDER BY n DESC LIMIT 1",
            named(&[("stateStoreSave", 4)]),
            vec![json!({"k": "a", "n": 2})],
        ),
    ] {
        let (kept, batches) = run(OutputMode::Complete, &select(query), &blocks).await;
        assert_eq!(kept, operators, "{query}");
        let mut rows = batches[&2].clone();
        rows.sort_by_key(ToString::to_string);
        assert_eq!(rows, comparable(last), "{query}");
    }
}

#[tokio::test]
async fn a_group_that_several_inputs_bring_late_is_dropped_once() {
    let fixture = StatefulFixture::new(OutputMode::Update, 2);
    let build = select(WINDOWED_COUNT);
    fixture.run(&build, &[Event::at(50_000, "a")]).await.unwrap();
    fixture.run(&build, &[Event::at(51_000, "a")]).await.unwrap();
    fixture.add(&[
        Event::at(1_000, "a"),
        Event::at(2_000, "a"),
        Event::at(2_000, "b"),
    ]);
    fixture.add(&[Event::at(1_000, "a"), Event::at(12_000, "a")]);
    let run = fixture.start(&build).await.unwrap();
    run.query.process_all_available().await.unwrap();
    let dropped: u64 = run
        .query
        .recent_progress()
        .iter()
        .flat_map(|progress| &progress.state_operators)
        .map(|operator| operator.num_rows_dropped_by_watermark)
        .sum();
    run.session.stop().await.unwrap();
    assert_eq!(dropped, 3);
}

#[tokio::test]
async fn two_event_times_are_no_matter_in_complete_mode() {
    let text =
        "SELECT window.start AS w, ts, count(*) AS n FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
        GROUP BY window(ts, '10 seconds'), ts";
    let block = [Event::at(1_000, "a"), Event::at(2_000, "a")];
    let (operators, _) = run(OutputMode::Complete, &select(text), &[&block]).await;
    assert_eq!(operators, named(&[("stateStoreSave", 2)]));
    let fixture = StatefulFixture::new(OutputMode::Update, 2);
    let error = fixture.run(&select(text), &block).await.unwrap_err();
    assert!(
        error.to_string().contains("MULTIPLE_EVENT_TIME_COLUMNS"),
        "{error}"
    );
}

#[tokio::test]
async fn a_constant_key_is_no_part_of_the_state() {
    let blocks: [&[Event]; 2] = [&[Event::at(1, "a")], &[Event::at(2, "a")]];
    let by_key = StatefulFixture::new(OutputMode::Update, 2);
    let plain = select("SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k");
    let constants =
        select("SELECT 'x' AS x, k, 1 + 1 AS two, count(*) AS n FROM STREAM(e) GROUP BY 'x', k, 1 + 1");
    by_key.run(&plain, blocks[0]).await.unwrap();
    by_key.run(&constants, blocks[1]).await.unwrap();
    let expected = comparable(vec![json!({"x": "x", "k": "a", "two": 2, "n": 2})]);
    assert_eq!(by_key.batch(1), expected);
    assert_eq!(by_key.state().await.len(), 1);
}

#[tokio::test]
async fn the_builders_least_and_greatest_floats_are_sparks() {
    let query = changed(|df| {
        let x = || col("x");
        let text = |name| cast(col(name), DataType::Utf8).alias(name);
        let ends = vec![min(x()).alias("lo"), max(x()).alias("hi")];
        Ok(df
            .aggregate(vec![col("k")], ends)?
            .select(vec![text("lo"), text("hi")])?)
    });
    let of = |x: f64| Event {
        x: Some(x),
        ..Event::at(1, "a")
    };
    let blocks: [&[Event]; 2] = [&[of(f64::NEG_INFINITY)], &[of(3.0), of(f64::NAN)]];
    let fixture = StatefulFixture::new(OutputMode::Update, 2);
    fixture.run(&query, blocks[0]).await.unwrap();
    fixture.run(&query, blocks[1]).await.unwrap();
    assert_eq!(fixture.batch(0), [json!({"lo": "-inf", "hi": "-inf"})]);
    assert_eq!(fixture.batch(1), [json!({"lo": "-inf", "hi": "NaN"})]);
}
