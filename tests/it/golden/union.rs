//! Sources that SQL text alone does not show: one DataFrame used twice, and sources with names of their own.

use std::fs;
use std::sync::{Arc, Mutex};

use datafusion::arrow::array::AsArray;
use datafusion::prelude::col;
use serde_json::{Value, json};
use tidemill::prelude::*;

use super::resumes_with;
use crate::harness::command;
use crate::harness::golden::GoldenCase;

/// `df.union(df)` of the case's input, run to its end; the rows with their batch.
async fn union_with_itself(case: &GoldenCase) -> Result<Vec<Value>> {
    let session = StreamingSession::new()?;
    let input = session
        .read_stream()
        .schema(case.case["sourceSchema"].as_str().unwrap())
        .json(case.path("input"))
        .await?
        .select(vec![col("k")])?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let rows = Arc::clone(&seen);
    let query = input
        .clone()
        .union(input)?
        .write_stream()
        .option("checkpointLocation", case.path("checkpoint"))
        .trigger(Trigger::AvailableNow)
        .foreach_batch(move |batch, id| {
            let rows = Arc::clone(&rows);
            async move {
                for part in batch.collect().await? {
                    let keys = part.column(0).as_string::<i32>();
                    let keys = keys.iter().map(|k| json!({"_batch_id": id.get(), "k": k}));
                    rows.lock().unwrap().extend(keys);
                }
                Ok::<(), datafusion::error::DataFusionError>(())
            }
        })
        .start()
        .await?;
    query.await_termination(None).await?;
    session.stop().await?;
    let rows = seen.lock().unwrap().clone();
    Ok(rows)
}

#[test]
fn a_frame_united_with_itself_is_two_lines_and_one_folder_and_is_resumed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    resumes_with("sources_self_union_df", &|case| {
        let rows = runtime.block_on(union_with_itself(case)).unwrap();
        assert!(!case.root().join("checkpoint/sources/1").exists());
        rows
    });
}

#[test]
fn named_sources_go_on_under_their_names() {
    let case = GoldenCase::unpack("named_sources");
    case.cut_after(Some(0));
    let script = format!(
        "{}
         CREATE TABLE a (ts TIMESTAMP, k STRING, v INT) USING json OPTIONS (path 'input_a');
         CREATE TABLE b (ts TIMESTAMP, k STRING, v INT) USING json OPTIONS (path 'input_b');
         CREATE STREAMING TABLE shown USING console
            OPTIONS (format 'json', checkpointLocation 'checkpoint', trigger 'availableNow')
         AS SELECT k, v FROM STREAM(a) IDENTIFIED BY src_a
            UNION ALL SELECT k, v FROM STREAM(b) IDENTIFIED BY src_b;",
        super::settings(&case)
    );
    let rows = command::run(&case.root(), &script).success().rows();
    assert_eq!(rows, [serde_json::json!({"_batch_id": 1, "k": "b", "v": 2})]);
    let written = fs::read_to_string(case.root().join("checkpoint/offsets/1")).unwrap();
    assert!(written.starts_with("v2\n"));
    assert!(
        written.ends_with("src_a:{\"logOffset\":0}\nsrc_b:{\"logOffset\":0}"),
        "{written}"
    );
    assert!(case.root().join("checkpoint/sources/src_b/0").exists());
}
