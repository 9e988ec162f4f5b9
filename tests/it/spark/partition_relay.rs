//! A partitioned Parquet folder that Spark begins, Tidemill goes on with and Spark ends, on one checkpoint: Spark, Tidemill
//! and DuckDB read the same rows and columns out of it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tidemill::prelude::*;

use super::records::rows_as_json;
use crate::harness::spark::{Spark, spark};
use crate::harness::{sorted, types};

const SCHEMA: &str =
    "id BIGINT, ts TIMESTAMP, k STRING, day DATE, n INT, v DOUBLE, d DECIMAL(10, 2), tags ARRAY<STRING>";
const QUERY: &str = "SELECT id, ts, v, d, tags, k, day, n FROM STREAM(e)";
const PARTITION_BY: [&str; 3] = ["k", "day", "n"];
const ROWS: u64 = 40;

/// Keys that need escapes in a folder's name, an empty one and none at all.
fn record(id: u64) -> Value {
    let keys = [
        json!("plain"),
        json!("a b"),
        json!("x=y/z"),
        json!("na\u{ef}ve %"),
        json!(""),
        Value::Null,
    ];
    let mut record = json!({
        "id": id, "k": keys[(id % 6) as usize], "day": format!("2026-01-0{}", 1 + id % 3),
        "ts": format!("2026-01-01T10:00:{:02}.123456Z", id % 60), "n": id % 2,
        "v": id as f64 / 8.0, "d": format!("{}.25", id), "tags": ["t", id.to_string()],
    });
    if id.is_multiple_of(7) {
        record["n"] = Value::Null;
        record["v"] = Value::Null;
    }
    record
}

fn write_file(folder: &Path, file: u64) {
    fs::create_dir_all(folder.join("in")).unwrap();
    let lines: String = (file * ROWS..(file + 1) * ROWS)
        .map(|id| record(id).to_string() + "\n")
        .collect();
    fs::write(folder.join(format!("in/{file}.json")), lines).unwrap();
}

fn run_spark(spark: &mut Spark, folder: &Path, name: &str) {
    let path = |what: &str| folder.join(what).to_str().unwrap().to_owned();
    spark.ask(&json!({
        "op": "run", "checkpoint": path(&format!("{name}-checkpoint")), "sql": QUERY.replace("STREAM(e)", "e"),
        "sources": [{"view": "e", "format": "json", "schema": SCHEMA, "path": path("in")}],
        "sink": {"format": "parquet", "path": path(name), "partitionBy": PARTITION_BY},
    }));
}

async fn run_here(folder: &Path, name: &str) -> Result<()> {
    let session = StreamingSession::new()?;
    let input = folder.join("in");
    session
        .sql(&format!(
            "CREATE TABLE e ({SCHEMA}) USING json OPTIONS (path '{}')",
            input.display()
        ))
        .await?;
    let query = session
        .sql(QUERY)
        .await?
        .write_stream()
        .format("parquet")
        .option(
            "checkpointLocation",
            folder.join(format!("{name}-checkpoint")).display(),
        )
        .partition_by(PARTITION_BY)
        .trigger(Trigger::AvailableNow)
        .start_path(folder.join(name).to_str().unwrap())
        .await?;
    query.await_termination(None).await?;
    session.stop().await
}

fn parsed(rows: &[String]) -> Vec<Value> {
    sorted(
        rows.iter()
            .map(|row| serde_json::from_str(row).unwrap())
            .collect(),
    )
}

async fn read_here(folder: &Path) -> Result<(String, Vec<Value>)> {
    let session = StreamingSession::new()?;
    session
        .sql(&format!(
            "CREATE TABLE o USING parquet OPTIONS (path '{}')",
            folder.display()
        ))
        .await?;
    let (schema, rows) = rows_as_json(session.sql("SELECT * FROM o").await?).await?;
    Ok((schema, parsed(&rows)))
}

fn read_spark(spark: &mut Spark, folder: &Path) -> (String, Vec<Value>) {
    let read = spark.ask(&json!({"op": "read", "format": "parquet", "path": folder.to_str().unwrap()}));
    let texts = read["rows"].as_array().unwrap().iter();
    let rows: Vec<String> = texts.map(|row| row.as_str().unwrap().to_owned()).collect();
    (types::of_spark(&read["schema"]), parsed(&rows))
}

/// The rows as DuckDB reads the files by the names of their folders.
fn read_duckdb(spark: &mut Spark, folder: &Path) -> Vec<Value> {
    let sql = format!(
        "SELECT id, strftime(ts, '%Y-%m-%dT%H:%M:%S.%fZ'), v, d, array_to_string(tags, '|'), k, day, n \
         FROM read_parquet('{}/**/*.parquet', hive_partitioning = true)",
        folder.display()
    );
    let rows = spark.ask(&json!({"op": "duckdb", "sql": sql}));
    sorted(rows.as_array().unwrap().clone())
}

/// A row in the form of DuckDB's.
fn as_texts(row: &Value) -> Value {
    let text = |value: &Value| match value {
        Value::Null => Value::Null,
        Value::String(text) => json!(text),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().map(|item| item.as_str().unwrap()).collect();
            json!(items.join("|"))
        }
        other => json!(other.to_string()),
    };
    let names = ["id", "ts", "v", "d", "tags", "k", "day", "n"];
    Value::Array(names.iter().map(|name| text(&row[*name])).collect())
}

#[test]
fn a_partitioned_folder_passed_between_the_engines_is_one_table_to_every_reader() {
    let Some(mut spark) = spark() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (file, here) in [(0, false), (1, true), (2, false)] {
        write_file(folder, file);
        match here {
            true => runtime.block_on(run_here(folder, "relay")).unwrap(),
            false => run_spark(&mut spark, folder, "relay"),
        }
    }
    run_spark(&mut spark, folder, "alone");
    let relay = folder.join("relay");
    let expected = read_spark(&mut spark, &folder.join("alone"));
    assert_eq!(expected.1.len() as u64, 3 * ROWS);
    assert_eq!(read_spark(&mut spark, &relay), expected, "read by Spark");
    assert_eq!(
        runtime.block_on(read_here(&relay)).unwrap(),
        expected,
        "read here"
    );
    let texts = sorted(expected.1.iter().map(as_texts).collect());
    assert_eq!(read_duckdb(&mut spark, &relay), texts, "read by DuckDB");
}
