//! Every statement of `statements.sql`, right or wrong, comes to the same in both engines.

use std::fs;
use std::path::Path;

use datafusion::prelude::DataFrame;
use serde_json::{Value, json};
use tidemill::{DataFrameStreamingExt, StatementResult, StreamingSession, TidemillError};

use crate::harness::spark::{parse_rows, spark};
use crate::harness::values::{comparable, rows_of};

/// A statement, and what it comes to here where that is another thing than in Spark.
struct Sample {
    text: String,
    here: Option<String>,
}

fn samples(folder: &Path) -> Vec<Sample> {
    let input = format!("'{}/", folder.display());
    include_str!("../../spark/statements.sql")
        .split("\n\n")
        .filter_map(|block| {
            let flag = block.lines().find_map(|line| line.strip_prefix("-- here: "));
            let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with("--")).collect();
            (!lines.is_empty()).then(|| Sample {
                text: lines.join("\n").replace("'IN/", &input),
                here: flag.map(|flag| flag.trim().to_owned()),
            })
        })
        .collect()
}

fn write_input(folder: &Path) {
    let files = [
        (
            "json/a.json",
            concat!(
                r#"{"ts":"2026-01-01T00:00:00Z","k":"a","v":1,"tags":["x","y"],"st":{"a":1,"b":"p"}}"#,
                "\n",
                r#"{"ts":"2026-01-01T00:01:00Z","k":"b","v":null,"tags":["z"],"st":null}"#,
            ),
        ),
        (
            "json/b.json",
            r#"{"ts":"2026-01-01T00:02:00Z","k":"a","v":3,"st":{"a":null,"b":"q"}}"#,
        ),
        ("csv/a.csv", "k,v\na,1\nb,2\n"),
        ("csv/b.csv", "k,v\nc,3\n"),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// What a statement comes to, in the words of `driver.py`.
async fn outcome(session: &StreamingSession, text: &str) -> Value {
    match run(session, text).await {
        Ok(value) => value,
        Err(error) => json!({"error": error.condition()}),
    }
}

async fn run(session: &StreamingSession, text: &str) -> Result<Value, TidemillError> {
    if !["SELECT", "WITH", "VALUES", "FROM"]
        .iter()
        .any(|w| text.starts_with(w))
    {
        return match session.run_script(text).await?.pop() {
            Some(StatementResult::Rows(frame)) => Ok(json!({"rows": comparable(rows(frame).await?)})),
            _ => Ok(json!({"rows": []})),
        };
    }
    let frame = session.sql(text).await?;
    let described = session.sql(&format!("DESCRIBE QUERY {text}")).await?;
    let columns: Vec<Value> = rows(described)
        .await?
        .iter()
        .map(|row| json!([row["col_name"], row["data_type"]]))
        .collect();
    if frame.is_streaming() {
        return Ok(json!({"columns": columns, "streaming": true}));
    }
    Ok(json!({"columns": columns, "rows": comparable(rows(frame).await?)}))
}

async fn rows(frame: DataFrame) -> Result<Vec<Value>, TidemillError> {
    Ok(rows_of(&frame.collect().await?))
}

/// Spark's answer, with what is to be compared.
fn of_spark(text: &str, answer: &Value) -> Value {
    if !answer["error"].is_null() {
        return json!({"error": answer["error"]});
    }
    if answer["streaming"] == json!(true) {
        return json!({"columns": answer["columns"], "streaming": true});
    }
    let rows = comparable(parse_rows(&answer["rows"]));
    if ["SELECT", "WITH", "VALUES", "FROM"]
        .iter()
        .any(|w| text.starts_with(w))
    {
        return json!({"columns": answer["columns"], "rows": rows});
    }
    json!({ "rows": rows })
}

#[test]
fn every_statement_comes_to_the_same_in_both_engines() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    write_input(&here);
    write_input(&there);
    let (ours, theirs) = (samples(&here), samples(&there));
    assert!(ours.len() >= 60);
    let texts: Vec<&str> = theirs.iter().map(|s| s.text.as_str()).collect();
    let answers = spark.ask(&json!({"op": "statements", "texts": texts}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let session = StreamingSession::new().unwrap();
    let mut wrong = Vec::new();
    for (sample, answer) in ours.iter().zip(answers.as_array().unwrap()) {
        let theirs = of_spark(&sample.text, answer);
        let ours = runtime.block_on(outcome(&session, &sample.text));
        let good = match sample.here.as_deref() {
            None => ours == theirs,
            Some("ok") => ours["error"].is_null() && ours != theirs,
            Some(condition) => ours["error"] == json!(condition) && ours != theirs,
        };
        if !good {
            wrong.push(format!("{}\n  here: {ours}\n  Spark: {theirs}", sample.text));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} statements differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
