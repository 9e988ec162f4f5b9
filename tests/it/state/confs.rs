//! Confs that change what a query with state does, and the plans that need care: as Spark does, seen by running it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tidemill::prelude::*;
use tidemill_checkpoint::{CheckpointFileManager, InlineBlocking, LocalFileManager};
use tidemill_state::{OperatorId, StateStoreId, check_or_write_schema, read_schema};

use super::WINDOWED_COUNT;
use crate::harness::stateful::{Build, Event, StatefulFixture, changed, select};

const NO_DATA_BATCHES: &str = "spark.sql.streaming.noDataMicroBatches.enabled";

/// The values of a column, batch by batch, in an order of their own.
fn column(batches: &BTreeMap<u64, Vec<Value>>, name: &str) -> Vec<Vec<String>> {
    let values = batches.values().map(|rows| {
        let mut values: Vec<String> = rows.iter().map(|row| plain(&row[name])).collect();
        values.sort();
        values
    });
    values.collect()
}

/// A number without its exponent, any other value as it stands.
fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse::<f64>().map_or(text, |number| number.to_string())
}

/// Feeds the query block after block in one run; the progress of its batches.
async fn fed(fixture: &StatefulFixture, build: &Build, blocks: &[Vec<Event>]) -> Vec<Value> {
    let run = fixture.start(build).await.unwrap();
    for block in blocks {
        run.feed(fixture, block).await.unwrap();
    }
    let progress = run.query.recent_progress();
    run.session.stop().await.unwrap();
    let progress = progress
        .iter()
        .map(|entry| serde_json::from_str::<Value>(&entry.json()).unwrap());
    // The query may have looked in vain before the first block.
    progress
        .filter(|entry| entry["durationMs"].get("addBatch").is_some())
        .collect()
}

/// Spark's golden case `late_filter_lag_append`, less its last batch.
fn lagging() -> Vec<Vec<Event>> {
    let event = |second: i64, k| Event::at(second * 1000, k);
    vec![
        vec![event(1, "a"), event(12, "a")],
        vec![event(31, "b")],
        vec![event(1, "late1"), event(14, "late2"), event(25, "c")],
    ]
}

#[tokio::test]
async fn rows_are_late_by_the_batchs_own_watermark_where_operators_are_not_chained() {
    for (chained, expected) in [
        ("true", vec!["a", "a", "late1", "late2"]),
        ("false", vec!["a", "a"]),
    ] {
        let fixture = StatefulFixture::new(OutputMode::Append, 2)
            .conf(NO_DATA_BATCHES, "false")
            .conf("spark.sql.streaming.statefulOperator.allowMultiple", chained);
        fed(&fixture, &select(WINDOWED_COUNT), &lagging()).await;
        let given = column(&fixture.batches(), "k");
        assert_eq!(given, [vec![], vec![], expected], "allowMultiple={chained}");
    }
}

#[tokio::test]
async fn an_aggregation_over_one_runs_in_update_mode_when_correctness_is_not_checked() {
    let query =
        select("SELECT n, count(*) AS c FROM (SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k) GROUP BY n");
    let key = "spark.sql.streaming.statefulOperator.checkCorrectness.enabled";
    let fixture = StatefulFixture::new(OutputMode::Update, 2);
    let error = fixture.run(&query, &[]).await.unwrap_err();
    assert_eq!(error.condition(), "UNSUPPORTED_STREAMING_OPERATION.CORRECTNESS");
    assert!(error.message().contains(key), "{error}");

    let fixture = StatefulFixture::new(OutputMode::Update, 2).conf(key, "false");
    let blocks = [
        vec![Event::at(1, "a"), Event::at(2, "a")],
        vec![Event::at(3, "b")],
        vec![Event::at(4, "x"), Event::at(5, "y"), Event::at(6, "c")],
        vec![Event::at(7, "z"), Event::at(8, "c")],
    ];
    fed(&fixture, &query, &blocks).await;
    let batches = fixture.batches();
    assert_eq!(
        column(&batches, "n"),
        [vec!["2"], vec!["1"], vec!["1"], vec!["1", "2"]]
    );
    assert_eq!(
        column(&batches, "c"),
        [vec!["1"], vec!["1"], vec!["4"], vec!["2", "5"]]
    );
}

#[tokio::test]
async fn another_schema_goes_on_when_schemas_are_not_compared() {
    let key = "spark.sql.streaming.stateStore.stateSchemaCheck";
    let mut fixture = StatefulFixture::new(OutputMode::Update, 2);
    let texts = select("SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k");
    let numbers = select("SELECT v, count(*) AS n FROM STREAM(e) GROUP BY v");
    fixture.run(&texts, &[Event::at(1, "a")]).await.unwrap();
    let schema = fixture.checkpoint().join("state/0/0/_metadata/schema");
    let before = std::fs::read(&schema).unwrap();
    let error = fixture.run(&numbers, &[Event::at(2, "a")]).await.unwrap_err();
    assert_eq!(error.condition(), "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE");
    fixture.set_conf(key, "false");
    fixture.run(&numbers, &[]).await.unwrap();
    assert_eq!(std::fs::read(&schema).unwrap(), before, "the schema file stays");
    assert_eq!(plain(&fixture.batch(1)[0]["v"]), "1");
}

#[tokio::test]
async fn a_deduplication_below_an_aggregation_gets_its_batch_without_data_in_complete_mode() {
    let fixture = StatefulFixture::new(OutputMode::Complete, 2);
    let build: Box<Build> = Box::new(|session| {
        Box::pin(async move {
            let text = "SELECT * FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS";
            let rows = session.sql(text).await?.drop_duplicates(&["k", "ts"])?;
            let count = datafusion::functions_aggregate::expr_fn::count(datafusion::prelude::col("k"));
            Ok(rows.aggregate(vec![], vec![count.alias("n")])?)
        })
    });
    let blocks = [vec![Event::at(1_000, "a"), Event::at(31_000, "a")]];
    let progress = fed(&fixture, &build, &blocks).await;
    let removed: Vec<&Value> = progress
        .iter()
        .map(|batch| &batch["stateOperators"][1]["numRowsRemoved"])
        .collect();
    assert_eq!(removed[..2], [&json!(0), &json!(1)], "{progress:?}");
    assert_eq!(column(&fixture.batches(), "n"), [vec!["2"], vec!["2"]]);

    // An aggregation alone lets nothing go in complete mode, so it asks for none.
    let fixture = StatefulFixture::new(OutputMode::Complete, 2);
    fed(&fixture, &select(WINDOWED_COUNT), &blocks).await;
    assert_eq!(fixture.batches().len(), 1);
}

#[tokio::test]
async fn a_limit_above_an_aggregation_reads_the_batch_once() {
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let block: Vec<Event> = (1..).zip(keys).map(|(at, k)| Event::at(at, k)).collect();
    let blocks: Vec<Vec<Event>> = (0..8).map(|_| block.clone()).collect();
    for (limit, expected) in [(2, 2), (100, 12), (0, 0)] {
        let fixture = StatefulFixture::new(OutputMode::Complete, 4);
        let text = format!("SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k LIMIT {limit}");
        let progress = fed(&fixture, &select(&text), &blocks).await;
        let batches = fixture.batches();
        assert_eq!(batches.len(), blocks.len());
        assert!(batches.values().all(|rows| rows.len() == expected), "{batches:?}");
        let rows: u64 = progress
            .iter()
            .map(|batch| batch["numInputRows"].as_u64().unwrap())
            .sum();
        assert_eq!(rows, (blocks.len() * block.len()) as u64, "LIMIT {limit}");
    }
}

#[tokio::test]
async fn a_limit_below_an_aggregation_counts_over_the_life_of_the_query_in_complete_mode() {
    let fixture = StatefulFixture::new(OutputMode::Complete, 2);
    let query = select("SELECT count(*) AS n FROM (SELECT k FROM STREAM(e) LIMIT 3)");
    let blocks = [
        vec![Event::at(1, "a"), Event::at(2, "b")],
        vec![Event::at(3, "c"), Event::at(4, "d")],
        vec![Event::at(5, "e")],
    ];
    let progress = fed(&fixture, &query, &blocks).await;
    assert_eq!(column(&fixture.batches(), "n"), [vec!["2"], vec!["3"], vec!["3"]]);
    let operators = progress[0]["stateOperators"].as_array().unwrap();
    let names: Vec<_> = operators
        .iter()
        .map(|o| o["operatorName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["stateStoreSave", "globalLimit"]);
}

#[tokio::test]
async fn an_aggregation_runs_below_a_join_that_has_no_use_for_its_rows() {
    let fixture = StatefulFixture::new(OutputMode::Update, 3);
    let text = "SELECT a.k, a.n FROM (SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k) a
        JOIN (SELECT k AS other FROM e) b ON a.k = b.other";
    let blocks = [
        vec![Event::at(1, "a"), Event::at(2, "b"), Event::at(3, "c")],
        vec![Event::at(4, "a"), Event::at(5, "d")],
    ];
    let progress = fed(&fixture, &select(text), &blocks).await;
    let figures: Vec<_> = progress
        .iter()
        .map(|batch| {
            (
                batch["numInputRows"].clone(),
                batch["stateOperators"][0]["numRowsTotal"].clone(),
            )
        })
        .collect();
    assert_eq!(figures, [(json!(3), json!(3)), (json!(2), json!(4))]);
}

#[tokio::test]
async fn a_watermark_over_rows_that_a_filter_drops_all_runs() {
    let fixture = StatefulFixture::new(OutputMode::Append, 2);
    let text = "SELECT * FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS WHERE 1 = 0";
    let blocks = [vec![Event::at(31_000, "a")], vec![Event::at(32_000, "b")]];
    let progress = fed(&fixture, &select(text), &blocks).await;
    assert_eq!(column(&fixture.batches(), "k"), [Vec::<String>::new(), vec![]]);
    for batch in &progress {
        assert_eq!(
            batch["eventTime"],
            json!({"watermark": "1970-01-01T00:00:00.000Z"})
        );
    }
}

#[tokio::test]
async fn runs_shorter_than_the_maintenance_interval_leave_snapshots_and_clean_up() {
    let fixture = StatefulFixture::new(OutputMode::Update, 1)
        .conf("spark.sql.streaming.stateStore.minDeltasForSnapshot", "2")
        .conf("spark.sql.streaming.minBatchesToRetain", "2");
    let query = select("SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k");
    for second in 0..9 {
        fixture.run(&query, &[Event::at(second, "a")]).await.unwrap();
    }
    let names = |suffix: &str| {
        let files = std::fs::read_dir(fixture.checkpoint().join("state/0/0")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<u64> = names
            .filter_map(|name| name.strip_suffix(suffix)?.parse().ok())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(".snapshot").last(), Some(&6));
    assert!(names(".delta")[0] >= 3, "{:?}", names(".delta"));
    assert_eq!(column(&fixture.batches(), "n").last().unwrap(), &["9"]);
}

#[tokio::test]
async fn the_values_of_a_deduplication_within_the_watermark_are_compared() {
    let fixture = StatefulFixture::new(OutputMode::Append, 2);
    let build: Box<Build> = Box::new(|session| {
        Box::pin(async move {
            let text = "SELECT * FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS";
            session.sql(text).await?.drop_duplicates_within_watermark(&["k"])
        })
    });
    fixture.run(&build, &[Event::at(1, "a")]).await.unwrap();
    with_other_values(&fixture.checkpoint()).await;
    let error = fixture.run(&build, &[Event::at(2, "a")]).await.unwrap_err();
    assert_eq!(error.condition(), "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE");

    // A plain deduplication does not read its values.
    let fixture = StatefulFixture::new(OutputMode::Append, 2);
    let build = changed(|rows| rows.drop_duplicates(&["k"]));
    fixture.run(&build, &[Event::at(1, "a")]).await.unwrap();
    with_other_values(&fixture.checkpoint()).await;
    fixture.run(&build, &[Event::at(2, "a")]).await.unwrap();
}

/// Writes a schema file whose value is the key.
async fn with_other_values(checkpoint: &Path) {
    let files = LocalFileManager::new(checkpoint, Arc::new(InlineBlocking));
    let (operator, store) = (OperatorId(0), StateStoreId::DEFAULT_STORE);
    let mut schema = read_schema(&files, operator, store).await.unwrap().unwrap();
    schema.value = schema.key.clone();
    files.delete("state/0/0/_metadata/schema").await.unwrap();
    check_or_write_schema(&files, operator, store, &schema)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_column_that_is_named_twice_counts_once() {
    let fixture = StatefulFixture::new(OutputMode::Append, 2);
    let build = changed(|rows| rows.drop_duplicates(&["v", "v", "k"]));
    fixture
        .run(&build, &[Event::at(1, "a"), Event::at(2, "a")])
        .await
        .unwrap();
    let files = LocalFileManager::new(fixture.checkpoint(), Arc::new(InlineBlocking));
    let schema = read_schema(&files, OperatorId(0), StateStoreId::DEFAULT_STORE).await;
    let key = schema.unwrap().unwrap().key;
    let names: Vec<&str> = key.iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["v", "k"]);
    assert_eq!(fixture.batch(0).len(), 1);
}

#[tokio::test]
async fn key_columns_whose_order_only_spark_knows_are_refused() {
    let key = "spark.sql.dropDuplicates.deterministicKeyOrder.enabled";
    let fixture = StatefulFixture::new(OutputMode::Append, 2).conf(key, "false");
    let all = changed(|rows| rows.drop_duplicates(&[]));
    let error = fixture.run(&all, &[Event::at(1, "a")]).await.unwrap_err();
    assert_eq!(error.condition(), "UNSUPPORTED_FEATURE.DROP_DUPLICATES_KEY_ORDER");

    let fixture = StatefulFixture::new(OutputMode::Append, 2).conf(key, "false");
    let first = changed(|rows| rows.drop_duplicates(&["k", "v"]));
    let other_order = changed(|rows| rows.drop_duplicates(&["v", "k"]));
    let other_column = changed(|rows| rows.drop_duplicates(&["k", "g"]));
    fixture.run(&first, &[Event::at(1, "a")]).await.unwrap();
    fixture
        .run(&other_order, &[Event::at(2, "a"), Event::at(3, "b")])
        .await
        .unwrap();
    assert_eq!(column(&fixture.batches(), "k"), [vec!["a"], vec!["b"]]);
    let error = fixture
        .run(&other_column, &[Event::at(4, "c")])
        .await
        .unwrap_err();
    assert_eq!(error.condition(), "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE");
    assert!(
        error.message().contains("[k, v]") && error.message().contains("[k, g]"),
        "{error}"
    );
}
