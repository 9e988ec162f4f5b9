//! Which rows a watermark counts: one test for each line of what PySpark 4.3.0 showed, by the greatest event time per batch.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::TreeNode;
use datafusion::config::ConfigOptions;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};

use super::resolve_watermarks;
use crate::dialect::{SqlSettings, configure, plan_query};
use crate::{
    EventTimeCollector, EventTimeStats, SqlError, StreamDefinition, StreamableTable, StreamingQueryPlanner,
    StreamingRelation, with_watermark,
};

const SECOND: i64 = 1_000_000;

/// `k STRING, x BIGINT, ts TIMESTAMP`.
fn rows(rows: &[(Option<&str>, i64, Option<i64>)]) -> RecordBatch {
    let times: TimestampMicrosecondArray = rows.iter().map(|(.., ts)| ts.map(|ts| ts * SECOND)).collect();
    RecordBatch::try_from_iter_with_nullable([
        (
            "k",
            Arc::new(rows.iter().map(|(k, ..)| *k).collect::<StringArray>()) as ArrayRef,
            true,
        ),
        (
            "x",
            Arc::new(rows.iter().map(|(_, x, _)| Some(*x)).collect::<Int64Array>()) as ArrayRef,
            true,
        ),
        ("ts", Arc::new(times.with_timezone("UTC")) as ArrayRef, true),
    ])
    .unwrap()
}

/// The files of the runs in Spark: a at 1 s, b at 31 s, then c without a time and a row without a key at 50 s.
fn files() -> [RecordBatch; 3] {
    [
        rows(&[(Some("a"), 1, Some(1))]),
        rows(&[(Some("b"), 2, Some(31))]),
        rows(&[(Some("c"), 3, None), (None, 9, Some(50))]),
    ]
}

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

/// A session with the stream `e` and the static table `st (k, v)` of a and z.
fn session() -> SessionContext {
    let builder = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(2))
        .with_query_planner(Arc::new(StreamingQueryPlanner));
    let context = SessionContext::new_with_state(configure(builder, &SqlSettings::default()).build());
    let schema = rows(&[]).schema();
    let batch = Arc::new(MemTable::try_new(Arc::clone(&schema), vec![vec![]]).unwrap());
    let table = StreamableTable::new(batch, Arc::new(Definition(schema)));
    context.register_table("e", Arc::new(table)).unwrap();
    let known = RecordBatch::try_from_iter_with_nullable([
        ("k", Arc::new(StringArray::from(vec!["a", "z"])) as ArrayRef, true),
        (
            "v",
            Arc::new(StringArray::from(vec!["sa", "sz"])) as ArrayRef,
            true,
        ),
    ])
    .unwrap();
    let known = MemTable::try_new(known.schema(), vec![vec![known]]).unwrap();
    context.register_table("st", Arc::new(known)).unwrap();
    context
}

/// The query with `{e}` standing for the stream with a watermark of 10 s.
async fn plan(context: &SessionContext, text: &str) -> LogicalPlan {
    let text = text.replace("{e}", "STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS");
    let settings = SqlSettings::default();
    let query = crate::dialect::tests::query(&text, &settings).unwrap();
    plan_query(&context.state(), &query, &settings)
        .await
        .unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn resolve(plan: LogicalPlan) -> Result<(LogicalPlan, Vec<i64>), SqlError> {
    resolve_watermarks(plan, &ConfigOptions::default())
}

/// Runs the plan over one batch of its stream; gives what each watermark saw.
async fn seen(
    context: &SessionContext,
    plan: &LogicalPlan,
    input: &RecordBatch,
) -> Vec<(usize, EventTimeStats)> {
    let bound = plan.clone().transform_up(|node| {
        let LogicalPlan::TableScan(mut scan) = node else {
            return Ok(datafusion::common::tree_node::Transformed::no(node));
        };
        if source_as_provider(&scan.source)?
            .downcast_ref::<StreamingRelation>()
            .is_some()
        {
            let table = MemTable::try_new(input.schema(), vec![vec![input.clone()]])?;
            scan.source = provider_as_source(Arc::new(table));
        }
        Ok(datafusion::common::tree_node::Transformed::yes(
            LogicalPlan::TableScan(scan),
        ))
    });
    let collector = Arc::new(EventTimeCollector::new());
    let mut state = context.state();
    state.config_mut().set_extension(Arc::clone(&collector));
    DataFrame::new(state, bound.unwrap().data)
        .collect()
        .await
        .unwrap();
    collector.take()
}

/// The greatest event time (s) that the one watermark saw in each file; `-` where it saw no row.
async fn greatest(context: &SessionContext, text: &str) -> String {
    let (plan, delays) = resolve(plan(context, text).await).unwrap();
    assert_eq!(delays, [10_000], "{text}");
    let mut out = Vec::new();
    for file in files() {
        let stats = seen(context, &plan, &file).await;
        let [(0, stats)] = stats.as_slice() else {
            panic!("{text}: {stats:?}")
        };
        out.push(if stats.count == 0 {
            "-".to_owned()
        } else {
            (stats.max_ms / 1000).to_string()
        });
    }
    out.join(" ")
}

const ALL: &str = "1 31 50";
const ONLY_A: &str = "1 - -";
const WITH_KEY: &str = "1 31 0";

#[tokio::test]
async fn a_filter_that_does_not_name_the_event_time_decides_which_rows_count() {
    let context = session();
    for text in [
        "SELECT k FROM {e} WHERE k = 'a'",
        "SELECT k FROM (SELECT * FROM {e}) WHERE k = 'a'",
        "SELECT k FROM {e} AS q WHERE q.k = 'a' AND q.ts IS NOT NULL",
        "WITH c AS (SELECT k AS kk, ts FROM {e}) SELECT * FROM c WHERE kk = 'a'",
        "SELECT * FROM (SELECT k, x + 1 AS y FROM {e}) WHERE y = 2",
        "SELECT * FROM (SELECT k, named_struct('a', x).a AS y FROM {e}) WHERE y = 1",
        "SELECT * FROM (SELECT k, named_struct('a', x) AS y FROM {e}) WHERE y.a = 1",
        "SELECT k, count(*) FROM {e} GROUP BY k HAVING k = 'a'",
        "SELECT k, count(*) FROM {e} GROUP BY k HAVING upper(k) = 'A'",
        "SELECT upper(k) AS u, count(*) FROM {e} GROUP BY upper(k) HAVING u = 'A'",
        "SELECT k, collect_list(x) FROM {e} GROUP BY k HAVING k = 'a'",
        "SELECT k, max(x) FROM {e} GROUP BY k HAVING max(x) > 5 AND k = 'a'",
        "SELECT * FROM (SELECT DISTINCT k FROM {e}) WHERE k = 'a'",
        "SELECT k, window, count(*) FROM {e} GROUP BY k, window(ts, '10 seconds') HAVING k = 'a'",
        "SELECT * FROM (SELECT k, window(ts, '10 seconds') AS w FROM {e}) WHERE k = 'a'",
        "SELECT * FROM (SELECT k, window(ts, '10 seconds', '5 seconds') AS w FROM {e}) WHERE k = 'a'",
        "SELECT * FROM (SELECT k, explode(array(1, x)) AS z FROM {e}) WHERE k = 'a' AND z > 100",
        "SELECT k FROM {e} WHERE k = (SELECT min(k) FROM st)",
        "SELECT k FROM {e} WHERE k IN (SELECT k FROM st)",
        "SELECT q.k FROM {e} AS q JOIN st ON q.k = st.k WHERE st.k = 'a'",
    ] {
        assert_eq!(greatest(&context, text).await, ONLY_A, "{text}");
    }
}

#[tokio::test]
async fn every_row_counts_below_what_names_the_event_time_or_is_no_filter_of_rows() {
    let context = session();
    for text in [
        "SELECT k FROM {e}",
        "SELECT k FROM {e} WHERE ts < TIMESTAMP '1970-01-01 00:00:10'",
        "SELECT k FROM {e} WHERE k = 'a' OR ts < TIMESTAMP '1970-01-01 00:00:10'",
        "SELECT * FROM (SELECT k, ts AS t2 FROM {e}) WHERE t2 > TIMESTAMP '2025-01-01'",
        "SELECT k, count(*) FROM {e} GROUP BY k HAVING count(*) > 5",
        "SELECT k, count(*) FROM {e} GROUP BY CUBE (k) HAVING k = 'a'",
        "SELECT count(*) FILTER (WHERE k = 'a') FROM {e}",
        "SELECT * FROM (SELECT * FROM {e} LIMIT 5) WHERE k = 'a'",
        "SELECT window.start, count(*) FROM {e} GROUP BY window(ts, '10 seconds') HAVING window.start > TIMESTAMP '2025-01-01'",
        "SELECT * FROM (SELECT k, current_timestamp() AS c FROM {e}) WHERE k = 'a'",
        "SELECT q.k FROM {e} AS q LEFT JOIN st ON q.k = st.k",
    ] {
        assert_eq!(greatest(&context, text).await, ALL, "{text}");
    }
}

#[tokio::test]
async fn a_constant_stays_above_the_aggregation_that_it_filters() {
    let context = session();
    for text in [
        "SELECT k, count(*) FROM {e} GROUP BY k HAVING 1 = 0",
        "SELECT count(*) FROM {e} HAVING 1 = 0",
    ] {
        let (plan, _) = resolve(plan(&context, text).await).unwrap();
        let text = plan.display_indent().to_string();
        let place = |name: &str| text.find(name).unwrap_or_else(|| panic!("{text}"));
        assert!(place("Filter:") < place("Aggregate:"), "{text}");
    }
}

#[tokio::test]
async fn a_join_with_a_static_table_takes_out_the_rows_without_a_key() {
    let context = session();
    for text in [
        "SELECT q.k FROM {e} AS q JOIN st ON q.k = st.k",
        "SELECT q.k FROM {e} AS q, st WHERE q.k = st.k",
        "SELECT q.k FROM {e} AS q LEFT JOIN st ON q.k = st.k WHERE st.v = 'sa'",
    ] {
        assert_eq!(greatest(&context, text).await, WITH_KEY, "{text}");
    }
}

#[tokio::test]
async fn a_clock_in_a_filter_is_a_constant_only_under_the_name_now() {
    let context = session();
    let filter = |clock: &str| format!("SELECT k FROM {{e}} WHERE k < CAST({clock}() AS STRING)");
    assert_eq!(greatest(&context, &filter("now")).await, "- - -");
    assert_eq!(greatest(&context, &filter("current_timestamp")).await, ALL);
}

#[tokio::test]
async fn watermarks_are_numbered_from_the_top_left_and_static_ones_go() {
    let context = session();
    let text = "SELECT k, ts FROM STREAM e WATERMARK ts DELAY OF INTERVAL 3 SECONDS \
                UNION ALL SELECT k, ts FROM STREAM e WATERMARK ts DELAY OF INTERVAL 5 SECONDS";
    let (plan, delays) = resolve(plan(&context, text).await).unwrap();
    assert_eq!(delays, [3_000, 5_000]);
    let stats = seen(&context, &plan, &files()[1]).await;
    assert_eq!(
        stats
            .iter()
            .map(|(n, s)| (*n, s.count, s.max_ms))
            .collect::<Vec<_>>(),
        [(0, 1, 31_000), (1, 1, 31_000)]
    );

    let table = context.table("st").await.unwrap().logical_plan().clone();
    let node = crate::logical::EventTimeWatermark::try_new(Arc::new(table.clone()), "k".into(), 1).unwrap();
    let (dropped, delays) = resolve(node.into_plan()).unwrap();
    assert_eq!((dropped, delays), (table, vec![]));
}

#[tokio::test]
async fn a_watermark_over_another_is_refused() {
    let context = session();
    let plan = plan(&context, "SELECT k, ts FROM {e}").await;
    let twice = with_watermark(plan, "TS", "5 seconds").unwrap();
    assert_eq!(resolve(twice).unwrap_err().condition, "WATERMARK_REDEFINED");
}

#[tokio::test]
async fn a_null_event_time_counts_as_zero_and_columns_that_nobody_reads_are_not_read() {
    let context = session();
    let (plan, _) = resolve(plan(&context, "SELECT k FROM {e}").await).unwrap();
    let stats = seen(&context, &plan, &files()[2]).await;
    let (_, stats) = stats[0];
    assert_eq!(
        (stats.count, stats.min_ms, stats.max_ms, stats.avg_ms()),
        (2, 0, 50_000, Some(25_000))
    );
    let optimised = context
        .state()
        .optimize(&plan)
        .unwrap()
        .display_indent()
        .to_string();
    assert!(optimised.contains("projection=[k, ts]"), "{optimised}");
}

#[tokio::test]
async fn planning_a_batch_moves_no_filter_below_a_settled_watermark() {
    let context = session();
    let (resolved, _) = resolve(plan(&context, "SELECT k FROM {e}").await).unwrap();
    let filtered = DataFrame::new(context.state(), resolved)
        .filter(datafusion::logical_expr::col("k").eq(datafusion::logical_expr::lit("a")))
        .unwrap();
    let stats = seen(&context, filtered.logical_plan(), &files()[1]).await;
    assert_eq!(stats[0].1.count, 1);
}
