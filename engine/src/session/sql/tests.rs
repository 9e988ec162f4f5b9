//! Statements through the session; the command's tests run whole scripts.

use super::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    #[allow(clippy::disallowed_methods)]
    std::fs::write(
        folder.path().join("a.json"),
        "{\"k\":\"a\",\"v\":1}\n{\"k\":\"b\",\"v\":2}\n",
    )
    .unwrap();
    folder
}

/// A session with the table `t` over two rows.
async fn session(folder: &tempfile::TempDir) -> StreamingSession {
    let session = StreamingSession::new().unwrap();
    let path = folder.path().display();
    let create = format!("CREATE TABLE t (k STRING, v INT) USING json OPTIONS (path '{path}')");
    session.sql(&create).await.unwrap();
    session
}

async fn condition(session: &StreamingSession, text: &str) -> String {
    let error = session.run_script(text).await.unwrap_err();
    assert!(error.position().is_some(), "{error}");
    error.condition().to_owned()
}

#[tokio::test]
async fn one_statement_gives_its_rows() {
    let folder = folder();
    let session = session(&folder).await;
    let rows = session.sql("SELECT k FROM t WHERE v = 2").await.unwrap();
    assert_eq!(rows.count().await.unwrap(), 1);
    assert!(session.sql("SELECT 1; SELECT 2").await.is_err());
    assert!(session.sql("").await.is_err());
}

#[tokio::test]
async fn a_select_over_a_stream_is_a_streaming_frame_in_code_and_refused_in_a_script() {
    use crate::DataFrameStreamingExt;
    let folder = folder();
    let session = session(&folder).await;
    assert!(
        session
            .sql("SELECT k FROM STREAM(t)")
            .await
            .unwrap()
            .is_streaming()
    );
    let name = condition(&session, "SELECT k FROM STREAM(t)").await;
    assert_eq!(name, "STREAMING_SOURCE_IN_BATCH_QUERY");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_streaming_table_is_finished_when_sql_returns() {
    let folder = folder();
    let session = session(&folder).await;
    session
        .sql("CREATE STREAMING TABLE kept USING memory OPTIONS (trigger 'availableNow') AS SELECT v FROM STREAM(t)")
        .await
        .unwrap();
    assert!(session.streams().active().is_empty());
    assert_eq!(
        session
            .sql("SELECT v FROM kept")
            .await
            .unwrap()
            .count()
            .await
            .unwrap(),
        2
    );
}

#[tokio::test]
async fn what_is_there_is_not_made_again() {
    let folder = folder();
    let session = session(&folder).await;
    let again = "CREATE VIEW t AS SELECT 1 AS one";
    assert_eq!(condition(&session, again).await, "TABLE_OR_VIEW_ALREADY_EXISTS");
    session
        .run_script("CREATE VIEW IF NOT EXISTS t AS SELECT 1 AS one")
        .await
        .unwrap();
    session
        .run_script("CREATE VIEW w AS SELECT 1 AS one; CREATE OR REPLACE VIEW w AS SELECT 2 AS one, 3 AS two")
        .await
        .unwrap();
    assert_eq!(
        session
            .sql("SELECT * FROM w")
            .await
            .unwrap()
            .schema()
            .fields()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_view_is_not_dropped_as_a_table() {
    let folder = folder();
    let session = session(&folder).await;
    assert_eq!(
        condition(&session, "DROP VIEW t").await,
        "WRONG_COMMAND_FOR_OBJECT_TYPE"
    );
    session
        .run_script("CREATE VIEW w AS SELECT 1 AS one")
        .await
        .unwrap();
    assert_eq!(condition(&session, "DROP TABLE w").await, "EXPECT_TABLE_NOT_VIEW");
    session
        .run_script("DROP VIEW w; DROP TABLE IF EXISTS w")
        .await
        .unwrap();
    assert_eq!(
        condition(&session, "DROP TABLE w").await,
        "TABLE_OR_VIEW_NOT_FOUND"
    );
}

#[tokio::test]
async fn a_streaming_table_needs_a_stream_and_names_for_its_columns() {
    let folder = folder();
    let session = session(&folder).await;
    let batch = "CREATE STREAMING TABLE s USING noop AS SELECT k FROM t";
    assert_eq!(
        condition(&session, batch).await,
        "INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE"
    );
    let other = "CREATE STREAMING TABLE s (k INT) USING noop AS SELECT k FROM STREAM(t)";
    assert_eq!(
        condition(&session, other).await,
        "USER_SPECIFIED_AND_INFERRED_SCHEMA_NOT_COMPATIBLE"
    );
}

#[tokio::test]
async fn one_option_has_one_value() {
    let folder = folder();
    let session = session(&folder).await;
    let text = "CREATE TABLE u (k STRING) USING json OPTIONS (path 'a') LOCATION 'b'";
    assert_eq!(condition(&session, text).await, "DUPLICATED_OPTION");
}

#[tokio::test]
async fn a_conf_that_sql_cannot_use_is_not_kept() {
    let session = StreamingSession::new().unwrap();
    assert!(session.run_script("SET TIME ZONE 'Nowhere/Land'").await.is_err());
    assert_eq!(session.conf().get("spark.sql.session.timeZone"), Some("UTC"));
}

#[tokio::test]
async fn a_script_follows_a_change_of_dialect() {
    let session = StreamingSession::new().unwrap();
    let script = "SET tidemill.sql.dialect = datafusion; SELECT 7 / 2 AS x; SET tidemill.sql.dialect = spark;
                  SELECT 7 / 2 AS x";
    let results = session.run_script(script).await.unwrap();
    let types: Vec<String> = results
        .iter()
        .filter_map(|r| match r {
            StatementResult::Rows(frame) => Some(frame.schema().field(0).data_type().to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(types, ["Int64", "Float64"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn generators_make_rows_of_a_stream() {
    let folder = folder();
    let session = session(&folder).await;
    session
        .run_script(
            "CREATE STREAMING TABLE kept USING memory OPTIONS (trigger 'availableNow') AS
               SELECT k, place, n, word FROM STREAM(t)
               LATERAL VIEW OUTER posexplode(IF(v = 1, array(10, 20), CAST(NULL AS ARRAY<INT>))) p AS place, n
               LATERAL VIEW explode(map('w', v)) m AS word, w;
             CREATE STREAMING TABLE listed USING memory OPTIONS (trigger 'availableNow') AS
               SELECT posexplode(array(v, v)) AS (place, n), k FROM STREAM(t) WHERE v = 2",
        )
        .await
        .unwrap();
    for (text, expected) in [
        (
            "SELECT k, place, n, word FROM kept ORDER BY k, place",
            "a 0 10 w,a 1 20 w,b null null w",
        ),
        ("SELECT place, n, k FROM listed ORDER BY place", "0 2 b,1 2 b"),
    ] {
        let batches = session.sql(text).await.unwrap().collect().await.unwrap();
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let values = batch.columns().iter();
                let values = values.map(|c| {
                    let text = arrow::util::display::array_value_to_string(c, row).unwrap();
                    if text.is_empty() { "null".to_owned() } else { text }
                });
                rows.push(values.collect::<Vec<_>>().join(" "));
            }
        }
        assert_eq!(rows.join(","), expected, "{text}");
    }
}
