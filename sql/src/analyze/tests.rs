//! The refusals, by query and mode, against what Spark 4.3.0 answers; the sources of a plan.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::JoinType;
use datafusion::logical_expr::{
    ColumnarValue, LogicalPlan, LogicalPlanBuilder, Partitioning, Volatility, create_udf, lit,
};
use datafusion::prelude::SessionContext;

use crate::test_streams::{TestStream, stream_scan};
use crate::{OutputMode, SourceId, SqlError, StreamingPlan, mark_statement_repeats};

const OK: &str = "OK";
/// Spark starts it; Tidemill lacks it.
const YET: &str = "YET";
const NO_WATERMARK: &str = "[STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION] Invalid streaming output mode: append. This output mode is not supported for streaming aggregations without watermark on streaming";
const NO_AGGREGATION: &str = "[STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION] Invalid streaming output mode: complete. This output mode is not supported for no streaming aggregations on stream";
const DISTINCT: &str = "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using approx_count_distinct() instead.";
const SORT: &str = "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete output mode";
const LIMIT: &str = "Limits are not supported on streaming DataFrames/Datasets in Update output mode";
const OFFSET: &str = "Offset is not supported on streaming DataFrames/Datasets";
const CORRECTNESS: &str = "Detected pattern of possible 'correctness' issue due to global watermark. The query contains stateful operation which can emit rows older than the current water";
const UNION: &str = "Union between streaming and batch DataFrames/Datasets is not supported";
const INTERSECT: &str = "Intersect of streaming DataFrames/Datasets is not supported";
const EXCEPT: &str = "[UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK] ";
const EXCEPT_RIGHT: &str = "Except on a streaming DataFrame/Dataset on the right is not supported";
const ROW_NUMBER: &str = "[NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING] Window function is not supported in ROW_NUMBER() (as column `";
const LAG: &str = "[NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING] Window function is not supported in LAG(";
const MONOTONIC: &str =
    "Expression(s): monotonically_increasing_id() is not supported with streaming DataFrames/Datasets";
const SUBQUERY: &str = "[INVALID_SUBQUERY_EXPRESSION.STREAMING_QUERY] ";
const INNER_COMPLETE: &str = "Inner join between two streaming DataFrames/Datasets is not supported in Complete output mode, only in Append and Update output modes";
const LEFT_UPDATE: &str = "LeftOuter join between two streaming DataFrames/Datasets is not supported in Update output mode, only in Append output mode";
const LEFT_COMPLETE: &str = "LeftOuter join between two streaming DataFrames/Datasets is not supported in Complete output mode, only in Append output mode";
const RIGHT_UPDATE: &str = "RightOuter join between two streaming DataFrames/Datasets is not supported in Update output mode, only in Append output mode";
const FULL_UPDATE: &str = "FullOuter join between two streaming DataFrames/Datasets is not supported in Update output mode, only in Append output mode";
const LEFT_WATERMARK: &str = "Stream-stream LeftOuter join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a watermark on the nullable side";
const RIGHT_WATERMARK: &str = "Stream-stream RightOuter join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a watermark on the nullable sid";
const FULL_WATERMARK: &str = "Stream-stream FullOuter join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a watermark on the nullable side";
const SEMI_WATERMARK: &str = "Stream-stream LeftSemi join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a watermark on the nullable side ";
const ANTI: &str = "LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported";
const STATIC_LEFT: &str = "LeftOuter join with a streaming DataFrame/Dataset on the right and a static DataFrame/Dataset on the left is not supported";
const STATIC_SEMI: &str = "LeftSemi join with a streaming DataFrame/Dataset on the right and a static DataFrame/Dataset on the left is not supported";
const STATIC_RIGHT: &str = "RightOuter join with a streaming DataFrame/Dataset on the left and a static DataFrame/DataSet on the right not supported";
const STATIC_FULL: &str = "FullOuter joins with streaming DataFrames/Datasets on the left and a static DataFrame/Dataset on the right is not supported";
const FULL_STATIC: &str = "FullOuter joins with streaming DataFrames/Datasets on the right and a static DataFrame/Dataset on the left is not supported";

/// A query over `stream(name)` and the static table `t`, and what it gives in append, update and complete mode.
type Row = (&'static str, [&'static str; 3]);

/// The rows of Spark 4.3.0's answers that need no watermark. EXCEPT starts in Spark and fails in its first batch.
const NODES: &[Row] = &[
    ("SELECT k FROM stream('a')", [OK, OK, NO_AGGREGATION]),
    (
        "SELECT k, v + 1 AS w FROM stream('a') AS x WHERE v > 1 OR k LIKE 'a%'",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT unnest(make_array(1, 2)) FROM stream('a')",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT current_timestamp(), k FROM stream('a')",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "WITH c AS (SELECT k FROM stream('a')) SELECT CASE WHEN k = '1' THEN 2 END FROM c",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k, count(*) FROM stream('a') GROUP BY k",
        [NO_WATERMARK, OK, OK],
    ),
    ("SELECT count(*) FROM stream('a')", [NO_WATERMARK, OK, OK]),
    (
        "SELECT k, array_agg(v) FROM stream('a') GROUP BY k",
        [NO_WATERMARK, OK, OK],
    ),
    (
        "SELECT k, v, count(*) FROM stream('a') GROUP BY CUBE (k, v)",
        [NO_WATERMARK, OK, OK],
    ),
    (
        "SELECT k, count(DISTINCT v) FROM stream('a') GROUP BY k",
        [NO_WATERMARK, DISTINCT, DISTINCT],
    ),
    ("SELECT DISTINCT k FROM stream('a')", [OK, OK, NO_AGGREGATION]),
    (
        "SELECT DISTINCT ON (k) k, v FROM stream('a')",
        [YET, YET, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') ORDER BY k",
        [SORT, SORT, NO_AGGREGATION],
    ),
    (
        "SELECT k, count(*) AS n FROM stream('a') GROUP BY k ORDER BY k",
        [NO_WATERMARK, SORT, OK],
    ),
    ("SELECT k FROM stream('a') LIMIT 5", [OK, LIMIT, NO_AGGREGATION]),
    (
        "SELECT k, count(*) FROM stream('a') GROUP BY k LIMIT 2",
        [NO_WATERMARK, LIMIT, OK],
    ),
    (
        "SELECT k FROM stream('a') OFFSET 2",
        [OFFSET, OFFSET, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') LIMIT 3 OFFSET 2",
        [OFFSET, OFFSET, NO_AGGREGATION],
    ),
    (
        "SELECT row_number() OVER (PARTITION BY k ORDER BY v) AS rn FROM stream('a')",
        [ROW_NUMBER, ROW_NUMBER, NO_AGGREGATION],
    ),
    (
        "SELECT lag(v) OVER (PARTITION BY k ORDER BY v) AS rn FROM stream('a')",
        [LAG, LAG, NO_AGGREGATION],
    ),
    (
        "SELECT n, count(*) FROM (SELECT k, count(*) AS n FROM stream('a') GROUP BY k) GROUP BY n",
        [NO_WATERMARK, CORRECTNESS, CORRECTNESS],
    ),
    (
        "SELECT k, v FROM stream('a') UNION ALL SELECT k, v FROM stream('b')",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') UNION ALL SELECT tk FROM t",
        [UNION, UNION, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') UNION ALL SELECT '1'",
        [UNION, UNION, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') EXCEPT ALL SELECT tk FROM t",
        [EXCEPT, EXCEPT, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') EXCEPT SELECT tk FROM t",
        [EXCEPT, EXCEPT, NO_AGGREGATION],
    ),
    (
        "SELECT tk FROM t EXCEPT SELECT k FROM stream('a')",
        [EXCEPT_RIGHT, EXCEPT_RIGHT, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') INTERSECT SELECT tk FROM t",
        [INTERSECT, INTERSECT, NO_AGGREGATION],
    ),
    (
        "SELECT tk FROM t INTERSECT ALL SELECT k FROM stream('a')",
        [INTERSECT, INTERSECT, NO_AGGREGATION],
    ),
    (
        "SELECT monotonically_increasing_id() FROM stream('a')",
        [MONOTONIC, MONOTONIC, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') WHERE v + monotonically_increasing_id() > 3",
        [MONOTONIC, MONOTONIC, NO_AGGREGATION],
    ),
];

/// Subqueries in expressions: static ones anywhere, streaming ones nowhere.
const SUBQUERIES: &[Row] = &[
    (
        "SELECT k FROM stream('a') WHERE k IN (SELECT tk FROM t)",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') WHERE k NOT IN (SELECT tk FROM t) OR v > 5",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') AS x WHERE NOT EXISTS (SELECT 1 FROM t WHERE tk = x.k)",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k, (SELECT max(tv) FROM t WHERE tk = x.k) FROM stream('a') AS x",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k, w FROM stream('a') AS x, LATERAL (SELECT tv + x.v AS w FROM t WHERE tk = x.k)",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') WHERE k IN (SELECT k FROM stream('b'))",
        [SUBQUERY, SUBQUERY, SUBQUERY],
    ),
    (
        "SELECT tk FROM t WHERE tk IN (SELECT k FROM stream('b'))",
        [SUBQUERY, SUBQUERY, SUBQUERY],
    ),
    (
        "SELECT k, (SELECT max(v) FROM stream('b')) FROM stream('a')",
        [SUBQUERY, SUBQUERY, SUBQUERY],
    ),
    (
        "SELECT tk FROM t WHERE EXISTS (SELECT 1 FROM t AS u WHERE u.tk IN (SELECT k FROM stream('b')))",
        [SUBQUERY, SUBQUERY, SUBQUERY],
    ),
    (
        "SELECT tk, w FROM t, LATERAL (SELECT v + t.tv AS w FROM stream('a') WHERE k = t.tk)",
        [SUBQUERY, SUBQUERY, SUBQUERY],
    ),
];

const JOINS: &[Row] = &[
    (
        "SELECT k FROM stream('a') JOIN t ON k = tk",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') LEFT JOIN t ON k = tk",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') RIGHT JOIN t ON k = tk",
        [STATIC_RIGHT, STATIC_RIGHT, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') FULL JOIN t ON k = tk",
        [STATIC_FULL, STATIC_FULL, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') LEFT SEMI JOIN t ON k = tk",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM stream('a') LEFT ANTI JOIN t ON k = tk",
        [OK, OK, NO_AGGREGATION],
    ),
    ("SELECT k FROM stream('a') CROSS JOIN t", [OK, OK, NO_AGGREGATION]),
    (
        "SELECT k FROM stream('a') CROSS JOIN (VALUES (1), (2)) AS x(n)",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM t JOIN stream('a') ON k = tk",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM t LEFT JOIN stream('a') ON k = tk",
        [STATIC_LEFT, STATIC_LEFT, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM t RIGHT JOIN stream('a') ON k = tk",
        [OK, OK, NO_AGGREGATION],
    ),
    (
        "SELECT k FROM t FULL JOIN stream('a') ON k = tk",
        [FULL_STATIC, FULL_STATIC, NO_AGGREGATION],
    ),
    (
        "SELECT tk FROM t LEFT SEMI JOIN stream('a') ON k = tk",
        [STATIC_SEMI, STATIC_SEMI, NO_AGGREGATION],
    ),
    (
        "SELECT tk FROM t LEFT ANTI JOIN stream('a') ON k = tk",
        [ANTI, ANTI, NO_AGGREGATION],
    ),
    ("SELECT k FROM t CROSS JOIN stream('a')", [OK, OK, NO_AGGREGATION]),
    (
        "SELECT x.k FROM stream('a') AS x JOIN stream('b') AS y ON x.k = y.k",
        [YET, YET, NO_AGGREGATION],
    ),
    (
        "SELECT x.k FROM stream('a') AS x CROSS JOIN stream('b') AS y",
        [YET, YET, NO_AGGREGATION],
    ),
    (
        "SELECT x.k FROM stream('a') AS x LEFT JOIN stream('b') AS y ON x.k = y.k",
        [LEFT_WATERMARK, LEFT_UPDATE, NO_AGGREGATION],
    ),
    (
        "SELECT x.k FROM stream('a') AS x RIGHT JOIN stream('b') AS y ON x.k = y.k",
        [RIGHT_WATERMARK, RIGHT_UPDATE, NO_AGGREGATION],
    ),
    (
        "SELECT x.k FROM stream('a') AS x FULL JOIN stream('b') AS y ON x.k = y.k",
        [FULL_WATERMARK, FULL_UPDATE, NO_AGGREGATION],
    ),
    (
        "SELECT x.k FROM stream('a') AS x LEFT SEMI JOIN stream('b') AS y ON x.k = y.k",
        [SEMI_WATERMARK, SEMI_WATERMARK, NO_AGGREGATION],
    ),
    (
        "SELECT x.k FROM stream('a') AS x LEFT ANTI JOIN stream('b') AS y ON x.k = y.k",
        [ANTI, ANTI, NO_AGGREGATION],
    ),
    (
        "SELECT count(*) FROM stream('a') AS x JOIN stream('b') AS y ON x.k = y.k",
        [NO_WATERMARK, YET, INNER_COMPLETE],
    ),
    (
        "SELECT count(*) FROM stream('a') AS x LEFT JOIN stream('b') AS y ON x.k = y.k",
        [NO_WATERMARK, LEFT_UPDATE, LEFT_COMPLETE],
    ),
    (
        "SELECT x.k FROM (SELECT k, count(*) AS n FROM stream('a') GROUP BY k) AS x JOIN (SELECT k, count(*) AS n FROM stream('b') GROUP BY k) AS y ON x.k = y.k",
        [NO_WATERMARK, CORRECTNESS, INNER_COMPLETE],
    ),
    (
        "SELECT k FROM stream('a') AS x JOIN (SELECT tk, row_number() OVER (ORDER BY tv) AS n FROM t GROUP BY tk, tv ORDER BY n LIMIT 1) AS y ON x.k = y.tk",
        [OK, OK, NO_AGGREGATION],
    ),
];

fn context() -> SessionContext {
    let context = TestStream::context();
    context.register_udf(create_udf(
        "monotonically_increasing_id",
        vec![],
        DataType::Int64,
        Volatility::Volatile,
        Arc::new(|_| {
            Ok(ColumnarValue::from(datafusion::common::ScalarValue::Int64(Some(
                0,
            ))))
        }),
    ));
    context
}

async fn planned(text: &str) -> LogicalPlan {
    let since = SourceId::next();
    let plan = context().state().create_logical_plan(text).await.unwrap();
    mark_statement_repeats(plan, since).unwrap()
}

fn assert_answer(query: &str, mode: OutputMode, answer: Result<StreamingPlan, SqlError>, expected: &str) {
    let found = match answer {
        Ok(_) => OK.into(),
        Err(error) if error.condition.starts_with("NOT_SUPPORTED_YET.") => YET.into(),
        Err(error) if error.condition.starts_with("UNSUPPORTED_STREAMING_OPERATION.") => error.message,
        Err(error) => error.to_string(),
    };
    assert!(
        found.starts_with(expected),
        "{query} in {mode} mode: {found}, not {expected}"
    );
}

async fn assert_answers(rows: &[Row]) {
    for (query, answers) in rows {
        let plan = planned(query).await;
        let modes = [OutputMode::Append, OutputMode::Update, OutputMode::Complete];
        for (mode, expected) in modes.into_iter().zip(answers) {
            assert_answer(query, mode, StreamingPlan::analyze(plan.clone(), mode), expected);
        }
    }
}

#[tokio::test]
async fn each_node_over_a_stream_gets_the_answer_of_spark() {
    assert_answers(NODES).await;
}

#[tokio::test]
async fn a_subquery_may_read_a_table_and_no_stream() {
    assert_answers(SUBQUERIES).await;
}

#[tokio::test]
async fn each_kind_of_join_gets_the_answer_of_spark() {
    assert_answers(JOINS).await;
}

#[tokio::test]
async fn a_query_without_a_stream_cannot_be_written_as_one() {
    let plan = planned("SELECT tk FROM t").await;
    assert!(!StreamingPlan::is_streaming(&plan));
    let error = StreamingPlan::analyze(plan, OutputMode::Append).unwrap_err();
    assert_eq!(error.condition, "WRITE_STREAM_NOT_ALLOWED");
}

#[tokio::test]
async fn a_stream_is_seen_in_a_subquery_and_behind_a_view() {
    let in_subquery = planned("SELECT tk FROM t WHERE tk IN (SELECT k FROM stream('a'))").await;
    assert!(StreamingPlan::is_streaming(&in_subquery));
    let context = context();
    let view = context
        .sql("SELECT * FROM stream('a')")
        .await
        .unwrap()
        .into_view();
    context.register_table("v", view).unwrap();
    let plan = context
        .sql("SELECT k FROM v")
        .await
        .unwrap()
        .into_unoptimized_plan();
    assert!(StreamingPlan::is_streaming(&plan));
}

#[tokio::test]
async fn statements_over_a_stream_are_refused() {
    for text in [
        "EXPLAIN SELECT k FROM stream('a')",
        "EXPLAIN ANALYZE SELECT k FROM stream('a')",
        "INSERT INTO t SELECT k, v FROM stream('a')",
        "CREATE TABLE u AS SELECT k FROM stream('a')",
        "COPY (SELECT k FROM stream('a')) TO 'out.parquet'",
    ] {
        let plan = planned(text).await;
        let error = StreamingPlan::analyze(plan, OutputMode::Append).unwrap_err();
        assert_eq!(error.condition, "STREAMING_SOURCE_IN_BATCH_QUERY", "{text}");
    }
    let recursive = "WITH RECURSIVE r AS (SELECT v FROM stream('a') UNION ALL SELECT v + 1 FROM r WHERE v < 3) SELECT v FROM r";
    let error = StreamingPlan::analyze(planned(recursive).await, OutputMode::Append).unwrap_err();
    assert_eq!(error.condition, "UNSUPPORTED_STREAMING_OPERATION.RECURSIVE_CTE");
}

#[test]
fn repartitioning_passes() {
    let plan = LogicalPlanBuilder::from(stream_scan("a"))
        .repartition(Partitioning::RoundRobinBatch(2))
        .and_then(LogicalPlanBuilder::build)
        .unwrap();
    assert!(StreamingPlan::analyze(plan, OutputMode::Append).is_ok());
}

#[test]
fn mirrored_joins_follow_the_side_they_preserve() {
    let table = LogicalPlanBuilder::values(vec![vec![lit("1")]])
        .unwrap()
        .build()
        .unwrap();
    for (kind, stream_left, stream_right) in [
        (JoinType::RightSemi, false, true),
        (JoinType::RightAnti, false, true),
        (JoinType::LeftMark, true, false),
        (JoinType::RightMark, false, true),
    ] {
        let join = |left: LogicalPlan, right: LogicalPlan, keys: (&str, &str)| {
            LogicalPlanBuilder::from(left)
                .join(right, kind, (vec![keys.0], vec![keys.1]), None)
                .and_then(LogicalPlanBuilder::build)
                .unwrap()
        };
        let left = join(stream_scan("a"), table.clone(), ("k", "column1"));
        let right = join(table.clone(), stream_scan("a"), ("column1", "k"));
        assert_eq!(
            StreamingPlan::analyze(left, OutputMode::Append).is_ok(),
            stream_left,
            "{kind}"
        );
        assert_eq!(
            StreamingPlan::analyze(right, OutputMode::Append).is_ok(),
            stream_right,
            "{kind}"
        );
    }
}
