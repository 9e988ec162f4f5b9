//! `WATERMARK … DELAY OF` and `window(…)` in queries: names, marks and refusals are what PySpark 4.3.0 gave.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use super::super::{SqlSettings, plan_query};
use super::{columns, context, create_table, lines, query, run};
use crate::logical::EventTimeWatermark;
use crate::{SqlError, StreamDefinition, StreamableTable, delay_ms_of};

#[derive(Debug)]
struct Definition(SchemaRef);

impl StreamDefinition for Definition {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0)
    }

    fn with_options(
        &self,
        _options: &HashMap<String, String>,
    ) -> Result<Arc<dyn StreamDefinition>, SqlError> {
        Ok(Arc::new(Self(Arc::clone(&self.0))))
    }
}

/// A table `e1 (k STRING, s STRUCT<ts: TIMESTAMP>, ts TIMESTAMP)`, to be read both ways.
fn session() -> SessionContext {
    let context = context(&SqlSettings::default());
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let inner = Fields::from(vec![Field::new("ts", time.clone(), true)]);
    let schema = Arc::new(Schema::new(vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("s", DataType::Struct(inner), true),
        Field::new("ts", time, true),
    ]));
    let batch = Arc::new(MemTable::try_new(Arc::clone(&schema), vec![vec![]]).unwrap());
    let table = StreamableTable::new(batch, Arc::new(Definition(schema)));
    context.register_table("e1", Arc::new(table)).unwrap();
    context
}

async fn plan(context: &SessionContext, text: &str) -> Result<LogicalPlan, SqlError> {
    let settings = SqlSettings::default();
    plan_query(&context.state(), &query(text, &settings)?, &settings).await
}

/// The columns of a query: the name, with the delay in ms where it is event time.
async fn marked(context: &SessionContext, text: &str) -> String {
    let plan = plan(context, text)
        .await
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    let fields = plan
        .schema()
        .fields()
        .iter()
        .map(|field| match delay_ms_of(field) {
            Some(delay) => format!("{}@{delay}", field.name()),
            None => field.name().clone(),
        });
    fields.collect::<Vec<_>>().join(" ")
}

fn watermarks(plan: &LogicalPlan) -> usize {
    let mut count = 0;
    plan.apply_with_subqueries(|node| {
        count += usize::from(EventTimeWatermark::of(node).is_some());
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    count
}

#[tokio::test]
async fn a_watermark_marks_its_column_wherever_a_relation_can_stand() {
    let context = session();
    for (text, expected) in [
        (
            "SELECT * FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL 10 MINUTES",
            "k s ts@600000",
        ),
        (
            "SELECT * FROM STREAM(e1) WATERMARK e1.TS DELAY OF INTERVAL '10' MINUTE",
            "k s ts@600000",
        ),
        (
            "SELECT ts, K FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL 1 HOUR 30 MINUTES",
            "ts@5400000 K",
        ),
        (
            "SELECT ts AS t FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL '0:10' HOUR TO MINUTE",
            "t@600000",
        ),
        (
            "SELECT e1.k FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL 1.5 SECONDS",
            "k",
        ),
        (
            "SELECT q.* FROM STREAM e1 WATERMARK q.ts DELAY OF INTERVAL 1 MONTH AS q",
            "k s ts@2678400000",
        ),
        (
            "SELECT q.ts FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL 1 SECOND q WHERE q.k = 'a'",
            "ts@1000",
        ),
        (
            "SELECT a, c FROM STREAM e1 WATERMARK c DELAY OF INTERVAL 1 SECOND AS q(a, b, c)",
            "a c@1000",
        ),
        (
            "SELECT * FROM (SELECT * FROM STREAM e1) WATERMARK ts DELAY OF INTERVAL 1 SECOND",
            "k s ts@1000",
        ),
        (
            "SELECT * FROM (SELECT ts FROM STREAM e1) WATERMARK ts DELAY OF INTERVAL 1 SECOND AS q",
            "ts@1000",
        ),
        (
            "WITH c AS (SELECT * FROM STREAM e1) SELECT c.ts FROM c WATERMARK ts DELAY OF INTERVAL 1 SECOND",
            "ts@1000",
        ),
        (
            "WITH c AS (SELECT * FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL 1 SECOND) SELECT ts FROM c WHERE k = 'a'",
            "ts@1000",
        ),
        (
            "SELECT a.ts, b.k FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL 1 SECOND AS a JOIN e1 AS b ON a.k = b.k",
            "ts@1000 k",
        ),
    ] {
        assert_eq!(marked(&context, text).await, expected, "{text}");
        assert_eq!(watermarks(&plan(&context, text).await.unwrap()), 1, "{text}");
    }
}

#[tokio::test]
async fn a_union_carries_the_event_time_of_its_first_branch() {
    let context = session();
    let branch = |delay: &str| match delay {
        "" => "SELECT k, ts FROM STREAM e1".to_owned(),
        delay => format!("SELECT k, ts FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL {delay}"),
    };
    for (branches, expected) in [
        (["10 SECONDS", "10 SECONDS"], "k ts@10000"),
        (["10 SECONDS", "2 SECONDS"], "k ts@10000"),
        (["2 SECONDS", "10 SECONDS"], "k ts@2000"),
        (["2 SECONDS", ""], "k ts@2000"),
        (["", "2 SECONDS"], "k ts"),
    ] {
        let union = branches.map(branch).join(" UNION ALL ");
        assert_eq!(marked(&context, &union).await, expected, "{union}");
        let windows = format!("SELECT window(ts, '5 seconds') AS w, k FROM ({union}) q");
        let expected = expected.replace("k ts", "w") + " k";
        assert_eq!(marked(&context, &windows).await, expected, "{windows}");
    }
}

#[tokio::test]
async fn an_expression_of_a_watermark_becomes_the_first_column() {
    let context = session();
    for (text, expected) in [
        (
            "SELECT t2 FROM STREAM e1 WATERMARK ts + INTERVAL 1 SECOND AS t2 DELAY OF INTERVAL 1 SECOND",
            "t2@1000",
        ),
        (
            "SELECT * FROM STREAM e1 WATERMARK ts x DELAY OF INTERVAL 1 SECOND AS q",
            "x@1000 k s ts",
        ),
        (
            "SELECT * FROM STREAM e1 WATERMARK s.ts AS ts2 DELAY OF INTERVAL 1 SECOND",
            "ts2@1000 k s ts",
        ),
        (
            "SELECT t2, k FROM STREAM e1 WATERMARK to_timestamp(k) AS t2 DELAY OF INTERVAL 1 SECOND",
            "t2@1000 k",
        ),
    ] {
        assert_eq!(marked(&context, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_watermark_on_a_batch_is_read_and_ignored() {
    let context = session();
    for (text, expected) in [
        (
            "SELECT * FROM e1 WATERMARK ts DELAY OF INTERVAL 1 SECOND",
            "k s ts",
        ),
        (
            "SELECT * FROM e1 WATERMARK k DELAY OF INTERVAL 1 SECOND AS q",
            "k s ts",
        ),
        (
            "SELECT * FROM e1 WATERMARK ts AS t2 DELAY OF INTERVAL 1 SECOND",
            "t2 k s ts",
        ),
    ] {
        assert_eq!(marked(&context, text).await, expected, "{text}");
        assert_eq!(watermarks(&plan(&context, text).await.unwrap()), 0, "{text}");
    }
}

#[tokio::test]
async fn a_watermark_that_cannot_be_is_refused_with_its_place() {
    let context = session();
    for (clause, condition) in [
        (
            "WATERMARK k DELAY OF INTERVAL 1 SECOND",
            "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
        ),
        (
            "WATERMARK upper(k) AS u DELAY OF INTERVAL 1 SECOND",
            "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
        ),
        (
            "WATERMARK nothing DELAY OF INTERVAL 1 SECOND",
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        ),
        (
            "WATERMARK ts DELAY OF INTERVAL -1 SECOND",
            "NEGATIVE_WATERMARK_DELAY",
        ),
        (
            "WATERMARK ts + INTERVAL 1 SECOND DELAY OF INTERVAL 1 SECOND",
            "REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE",
        ),
    ] {
        let text = format!("SELECT * FROM STREAM e1 {clause}");
        let error = plan(&context, &text).await.unwrap_err();
        assert_eq!(error.condition, condition, "{text}: {error}");
        assert_eq!(error.position, Some((1, 25)), "{text}");
    }
    for text in [
        "SELECT * FROM STREAM e1 WATERMARK ts DELAY OF '10 minutes'",
        "SELECT * FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL '10 minutes'",
        "SELECT * FROM STREAM e1 WATERMARK ts DELAY OF 10 MINUTES",
        "SELECT * FROM STREAM e1 AS e WATERMARK ts DELAY OF INTERVAL 1 SECOND",
    ] {
        let error = plan(&context, text).await.unwrap_err();
        assert_eq!(error.condition, "PARSE_SYNTAX_ERROR", "{text}: {error}");
    }
}

async fn timed() -> SessionContext {
    let context = session();
    create_table(
        &context,
        "t",
        "SELECT * FROM VALUES (1, TIMESTAMP '1969-12-31 23:59:59.999999'), (2, TIMESTAMP '1970-01-01 00:00:00'), \
         (3, TIMESTAMP '2024-01-01 00:00:05'), (4, NULL), (5, TIMESTAMP '1960-02-29 13:07:00.5') AS v(i, ts)",
    )
    .await;
    context
}

#[tokio::test]
async fn a_window_can_be_named_and_taken_apart_where_it_groups() {
    let context = timed().await;
    let settings = SqlSettings::default();
    for (text, names, first) in [
        (
            "SELECT window.start, window.END, count(*) FROM t GROUP BY window(ts, '10 seconds') ORDER BY window.start",
            "start END count(1)",
            "1960-02-29T13:07:00Z|1960-02-29T13:07:10Z|1",
        ),
        (
            "SELECT window(ts, '1 day').start, count(*) AS n FROM t GROUP BY window(ts, '1 day') ORDER BY n, window.start",
            "window.start n",
            "1960-02-29T00:00:00Z|1",
        ),
        (
            "SELECT w.start AS s, n FROM (SELECT window(ts, '1 day') AS w, count(*) AS n FROM t GROUP BY w) ORDER BY s",
            "s n",
            "1960-02-29T00:00:00Z|1",
        ),
        (
            "SELECT count(*) AS n FROM t GROUP BY window(ts, '1 day') HAVING window.start > TIMESTAMP '2000-01-01'",
            "n",
            "1",
        ),
        (
            "SELECT i, window.start FROM t GROUP BY i, window(ts, 10000000, 4000000L) ORDER BY window.start DESC, i",
            "i start",
            "3|2024-01-01T00:00:04Z",
        ),
        (
            "SELECT window.start, i, count(*) AS n FROM t GROUP BY ROLLUP (i, window(ts, '1 day')) ORDER BY n DESC",
            "start i n",
            "NULL|NULL|4",
        ),
        (
            "SELECT window_time(window) AS t, window.start FROM (SELECT window(ts, '10 seconds') AS window FROM t) ORDER BY t",
            "t start",
            "1960-02-29T13:07:09.999999Z|1960-02-29T13:07:00Z",
        ),
        (
            "SELECT count(*) AS n, window(window, '1 minute').end FROM \
             (SELECT window, count(*) AS c FROM t GROUP BY window(ts, '10 seconds')) GROUP BY window(window, '1 minute') ORDER BY 2",
            "n window.end",
            "1|1960-02-29T13:08:00Z",
        ),
        (
            "SELECT count(window(ts, '10 seconds', '5 seconds')) FROM t",
            "count(window)",
            "8",
        ),
        (
            "SELECT window(DATE '2024-01-01', '1 week').start",
            "window.start",
            "2023-12-28T00:00:00Z",
        ),
        (
            "SELECT WINDOW(ts, '1 day').end AS e FROM t WHERE i = 3",
            "e",
            "2024-01-02T00:00:00Z",
        ),
    ] {
        let batch = run(&context, text, &settings)
            .await
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(columns(&batch).join(" "), names, "{text}");
        assert_eq!(lines(&batch).first().map(String::as_str), Some(first), "{text}");
    }
}

#[tokio::test]
async fn a_window_column_is_called_window_and_keeps_the_watermark() {
    let context = session();
    let from = "FROM STREAM e1 WATERMARK ts DELAY OF INTERVAL 10 SECONDS";
    for (select, expected) in [
        ("SELECT window(ts, '10 seconds')", "window@10000"),
        (
            "SELECT window(ts, '10 seconds', '5 seconds') AS w, k",
            "w@10000 k",
        ),
        ("SELECT window_time(window(ts, '10 seconds')) AS t", "t@10000"),
    ] {
        assert_eq!(
            marked(&context, &format!("{select} {from}")).await,
            expected,
            "{select}"
        );
    }
    let grouped = format!("SELECT window, k, count(*) AS n {from} GROUP BY k, window(ts, '10 seconds')");
    assert_eq!(marked(&context, &grouped).await, "window@10000 k n");
    let again = format!("SELECT window(window, '1 minute') AS w FROM ({grouped})");
    assert_eq!(marked(&context, &again).await, "w@10000");
}

#[tokio::test]
async fn windows_that_spark_refuses_are_refused() {
    let context = timed().await;
    let settings = SqlSettings::default();
    for (text, condition) in [
        (
            "SELECT window(ts, INTERVAL 5 MINUTES) FROM t",
            "WINDOW_DURATION_IS_NOT_LITERAL",
        ),
        (
            "SELECT window(ts, concat('10', ' seconds')) FROM t",
            "WINDOW_DURATION_IS_NOT_LITERAL",
        ),
        ("SELECT window(ts, 10.5) FROM t", "WINDOW_DURATION_IS_NOT_LITERAL"),
        ("SELECT window(ts, '1 month') FROM t", "WINDOW_DURATION_OF_MONTHS"),
        (
            "SELECT window(ts, '10 seconds', '20 seconds') FROM t",
            "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
        ),
        (
            "SELECT window(ts, '0 seconds') FROM t",
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        ),
        (
            "SELECT window(i, '1 second') FROM t",
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        (
            "SELECT window_time(ts) FROM t",
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        ("SELECT window(ts) FROM t", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        (
            "SELECT window(ts, '10 seconds'), window(ts, '20 seconds') AS b FROM t",
            "MULTIPLE_TIME_WINDOWS",
        ),
        ("SELECT window.start FROM t", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
    ] {
        let error = run(&context, text, &settings).await.unwrap_err();
        assert_eq!(error.condition, condition, "{text}: {error}");
    }
}
