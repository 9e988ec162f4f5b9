//! Spark reads what Tidemill wrote: the same values, and the types that Spark itself would have written.

use std::fs;

use serde_json::{Value, json};

use crate::harness::command;
use crate::harness::sorted;
use crate::harness::spark::spark;

const SELECT: &str = "SELECT id, CAST(id AS INT) AS i, CAST(id AS SMALLINT) AS s, CAST(id AS TINYINT) AS b,
    CAST(v AS FLOAT) AS f, v, k, ts, CAST(ts AS DATE) AS d, id > 1 AS flag, CAST(v AS DECIMAL(20, 3)) AS dec,
    tags, st FROM STREAM(src)";

const SCHEMA: &str =
    "id BIGINT, v DOUBLE, k STRING, ts TIMESTAMP, tags ARRAY<STRING>, st STRUCT<x: INT, y: STRING>";

const RECORDS: &str = r#"{"id":1,"v":0.5,"k":"plain","ts":"2026-01-01T10:00:00.123456Z","tags":["a",null],"st":{"x":1,"y":"q"}}
{"id":2,"v":-1.25e9,"k":"na\u00efve, \"quoted\"","ts":"1969-12-31T23:59:59.999Z","tags":[],"st":{"x":null,"y":""}}
{"id":3}
"#;

/// Runs the query in both engines; both outputs, read by Spark.
fn both_outputs(format: &str, select: &str, read_schema: Option<&str>) -> Option<(Value, Value)> {
    let mut spark = spark()?;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    fs::create_dir(folder.join("in")).unwrap();
    fs::write(folder.join("in/a.json"), RECORDS).unwrap();
    let script = format!(
        "CREATE TABLE src ({SCHEMA}) USING json OPTIONS (path 'in');
         CREATE STREAMING TABLE target USING {format} LOCATION 'ours'
         OPTIONS (checkpointLocation 'ck', trigger 'availableNow') AS {select};"
    );
    command::run(folder, &script).success();
    spark.ask(
        &json!({"op": "run", "checkpoint": path("ck-spark"), "sql": select.replace("STREAM(src)", "src"),
        "sources": [{"view": "src", "format": "json", "schema": SCHEMA, "path": path("in")}],
        "sink": {"format": format, "path": path("theirs")}}),
    );
    let mut read = |name: &str| {
        let mut command = json!({"op": "read", "format": format, "path": path(name)});
        if let Some(schema) = read_schema {
            command["schema"] = schema.into();
        }
        let mut table = spark.ask(&command);
        let rows = table["rows"].as_array().unwrap().clone();
        table["rows"] = sorted(rows).into();
        table
    };
    Some((read("ours"), read("theirs")))
}

#[test]
fn spark_reads_parquet_of_tidemills_with_the_types_and_rows_of_its_own() {
    let Some((ours, theirs)) = both_outputs("parquet", SELECT, None) else {
        return;
    };
    assert_eq!(ours["schema"], theirs["schema"]);
    assert_eq!(ours["rows"], theirs["rows"]);
}

#[test]
fn spark_reads_json_of_tidemills_as_its_own() {
    let Some((ours, theirs)) = both_outputs("json", SELECT, None) else {
        return;
    };
    assert_eq!(ours, theirs);
}

#[test]
fn spark_reads_csv_of_tidemills_as_its_own() {
    let select = "SELECT id, v, k, ts, CAST(ts AS DATE) AS d, id > 1 AS flag FROM STREAM(src)";
    let Some((ours, theirs)) = both_outputs(
        "csv",
        select,
        Some("a STRING, b STRING, c STRING, d STRING, e STRING, f STRING"),
    ) else {
        return;
    };
    assert_eq!(ours, theirs);
}
