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
