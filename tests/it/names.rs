//! Names of columns that reach a table another engine goes on with.

use tidemill::prelude::*;

/// Runs a query over a stream into a folder of JSON files.
async fn run(text: &str) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let session = StreamingSession::new()?;
    let table = format!(
        "CREATE TABLE e (v INT) USING json OPTIONS (path '{}')",
        path("in")
    );
    session.sql(&table).await?;
    let frame = session.sql(text).await?;
    let writer = frame.write_stream().format("json").option("path", path("out"));
    let writer = writer.option("checkpointLocation", path("checkpoint"));
    let query = writer.trigger(Trigger::AvailableNow).start().await?;
    query.await_termination(None).await?;
    session.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_whose_name_in_spark_is_not_known_needs_an_alias_in_a_table_of_files() {
    let text = "SELECT v, x > 0.5 FROM (SELECT v, v AS x FROM STREAM(e)) q";
    let error = run(text).await.err().unwrap();
    assert_eq!(error.condition(), "COLUMN_ALIAS_REQUIRED");
    assert!(error.to_string().contains("Column 2"), "{error}");
    for text in [
        "SELECT v, x > 0.5 AS half FROM (SELECT v, v AS x FROM STREAM(e)) q",
        "SELECT v, v > 0.5, v + 1 FROM STREAM(e)",
    ] {
        assert!(run(text).await.is_ok(), "{text}");
    }
}
