//! Batches of a stateless query give, together, what the query gives over the whole input; clocks are pinned.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::pretty::pretty_format_batches;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, TableProviderFilterPushDown, TableType, Volatility, create_udf,
};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{DataFrame, SessionContext};
use proptest::prelude::*;

use super::{BatchContext, BatchInputs, IncrementalExecution, MicroBatchPlan, StateLayout};
use crate::test_streams::{TestStream, rows, stream_schema, table_of};
use crate::{OutputMode, SourceId, StreamingPlan, mark_statement_repeats};

const HOUR_MS: i64 = 3_600_000;

fn layout() -> StateLayout {
    StateLayout::new(NonZeroU32::MIN, 2)
}

async fn execution(context: &SessionContext, text: &str) -> IncrementalExecution {
    let since = SourceId::next();
    let plan = context.state().create_logical_plan(text).await.unwrap();
    let plan = mark_statement_repeats(plan, since).unwrap();
    let plan = StreamingPlan::analyze(plan, OutputMode::Append).unwrap();
    IncrementalExecution::try_new(plan, &context.state(), layout()).unwrap()
}

/// What each stream brings to a batch, by its name.
fn inputs(execution: &IncrementalExecution, batches: &BTreeMap<&str, RecordBatch>) -> BatchInputs {
    let sources = execution.streaming_plan().sources();
    sources
        .iter()
        .filter_map(|source| {
            let batch = batches.get(TestStream::name_of(source).as_str())?;
            Some((source.id(), table_of(vec![batch.clone()])))
        })
        .collect()
}

async fn planned(
    execution: &IncrementalExecution,
    inputs: &BatchInputs,
    timestamp_ms: i64,
) -> MicroBatchPlan {
    let batch = BatchContext::new(0, timestamp_ms, 0, 0);
    execution.plan(inputs, &batch).await.unwrap()
}

async fn run(context: &SessionContext, plan: &MicroBatchPlan) -> Vec<RecordBatch> {
    collect(Arc::clone(&plan.physical), context.task_ctx())
        .await
        .unwrap()
}

/// The rows as text, cells separated by commas, in an order of their own.
fn sorted(batches: &[RecordBatch]) -> Vec<String> {
    let text = pretty_format_batches(batches).unwrap().to_string();
    let table = text.lines().filter(|line| line.starts_with('|')).skip(1);
    let mut rows: Vec<_> = table
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            cells.join(",")
        })
        .collect();
    rows.sort();
    rows
}

/// The rows of the query run batch by batch.
async fn streamed(context: &SessionContext, text: &str, batches: &[RecordBatch]) -> Vec<String> {
    let execution = execution(context, text).await;
    let mut out = Vec::new();
    for batch in batches {
        let inputs = inputs(
            &execution,
            &BTreeMap::from([("a", batch.clone()), ("b", batch.clone())]),
        );
        let plan = planned(&execution, &inputs, HOUR_MS).await;
        out.extend(run(context, &plan).await);
    }
    sorted(&out)
}

/// The rows of the query over the whole input.
async fn batched(context: &SessionContext, text: &str, batches: &[RecordBatch]) -> Vec<String> {
    let whole = concat_batches(&stream_schema(), batches).unwrap();
    context.deregister_table("whole").unwrap();
    context.register_table("whole", table_of(vec![whole])).unwrap();
    let text = text
        .replace("stream('a')", "whole")
        .replace("stream('b')", "whole");
    sorted(&context.sql(&text).await.unwrap().collect().await.unwrap())
}

fn three_batches() -> Vec<RecordBatch> {
    vec![
        rows(&[(Some("1"), Some(1)), (Some("2"), Some(2)), (None, Some(3))]),
        rows(&[]),
        rows(&[(Some("1"), None), (Some("3"), Some(-4)), (Some("2"), Some(1))]),
    ]
}

#[tokio::test]
async fn stateless_queries_give_the_rows_of_the_whole_input() {
    let context = TestStream::context();
    context.register_udf(create_udf(
        "same",
        vec![DataType::Utf8],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| Ok(args[0].clone())),
    ));
    for text in [
        "SELECT k, v * 2 AS w FROM stream('a') WHERE v > 0",
        "SELECT same(k) AS k, CASE WHEN v > 1 THEN 'many' WHEN v IS NULL THEN 'none' ELSE 'one' END AS n FROM stream('a')",
        "SELECT k, unnest(make_array(v, v + 1)) AS w FROM stream('a')",
        "WITH c AS (SELECT k, v FROM stream('a') WHERE v > 0) SELECT k FROM c UNION ALL SELECT CAST(v AS STRING) FROM c",
        "SELECT k FROM stream('a') UNION ALL SELECT k FROM stream('b') WHERE v > 1",
        "SELECT k, tv FROM stream('a') JOIN t ON k = tk",
        "SELECT k, tv FROM stream('a') LEFT JOIN t ON k = tk AND tv > 10",
        "SELECT k, tv FROM t RIGHT JOIN stream('a') ON k = tk",
        "SELECT k FROM stream('a') LEFT SEMI JOIN t ON k = tk",
        "SELECT k FROM stream('a') LEFT ANTI JOIN t ON k = tk",
        "SELECT k, tk FROM stream('a') CROSS JOIN t",
        "SELECT k FROM stream('a') WHERE k IN (SELECT tk FROM t)",
        "SELECT k FROM stream('a') WHERE k NOT IN (SELECT tk FROM t) OR v > 5",
        "SELECT k FROM stream('a') AS x WHERE NOT EXISTS (SELECT 1 FROM t WHERE tk = x.k)",
        "SELECT k, (SELECT max(tv) FROM t WHERE tk = x.k) AS m FROM stream('a') AS x",
        "SELECT k, m FROM stream('a') JOIN (SELECT tk, count(*) AS m FROM t GROUP BY tk ORDER BY tk LIMIT 1) ON k = tk",
        "SELECT x.k, y.tv FROM (SELECT k FROM stream('a') WHERE v > 0) AS x JOIN t AS y ON x.k = y.tk WHERE y.tv > 10",
    ] {
        let batches = three_batches();
        let expected = batched(&context, text, &batches).await;
        assert_eq!(streamed(&context, text, &batches).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_source_without_input_reads_as_empty() {
    let context = TestStream::context();
    let execution = execution(
        &context,
        "SELECT k FROM stream('a') UNION ALL SELECT k FROM stream('b')",
    )
    .await;
    let inputs = inputs(&execution, &BTreeMap::from([("b", rows(&[(Some("x"), None)]))]));
    let plan = planned(&execution, &inputs, 0).await;
    assert_eq!(sorted(&run(&context, &plan).await), ["x"]);
}

#[tokio::test]
async fn an_input_of_another_schema_is_refused() {
    let context = TestStream::context();
    let execution = execution(&context, "SELECT k FROM stream('a')").await;
    let table = context.table_provider("t").await.unwrap();
    let inputs = BatchInputs::from([(execution.streaming_plan().sources()[0].id(), table)]);
    let batch = BatchContext::new(0, 0, 0, 0);
    let error = execution.plan(&inputs, &batch).await.unwrap_err();
    assert_eq!(error.condition, "STREAMING_SOURCE_SCHEMA_MISMATCH");
}

#[tokio::test]
async fn clocks_tell_the_time_of_the_batch_also_on_replay() {
    let context = TestStream::context();
    let text = "SELECT k, now(), current_timestamp() AS c, current_date() AS d, current_time() AS e FROM stream('a')";
    let execution = execution(&context, text).await;
    let inputs = inputs(&execution, &BTreeMap::from([("a", rows(&[(Some("x"), None)]))]));
    let first = run(&context, &planned(&execution, &inputs, HOUR_MS).await).await;
    assert_eq!(
        sorted(&first),
        ["x,1970-01-01T01:00:00,1970-01-01T01:00:00,1970-01-01,01:00:00"]
    );
    assert_eq!(first[0].schema().field(1).name(), "now()");
    let replayed = run(&context, &planned(&execution, &inputs, HOUR_MS).await).await;
    assert_eq!(replayed, first);
    let later = run(&context, &planned(&execution, &inputs, 25 * HOUR_MS).await).await;
    assert_eq!(
        sorted(&later),
        ["x,1970-01-02T01:00:00,1970-01-02T01:00:00,1970-01-02,01:00:00"]
    );
}

#[tokio::test]
async fn clocks_in_filters_subqueries_and_nested_calls_are_pinned() {
    let context = TestStream::context();
    for text in [
        "SELECT k FROM stream('a') WHERE now() < TIMESTAMP '1970-01-01T02:00:00'",
        "SELECT k FROM stream('a') WHERE date_part('hour', now() + INTERVAL '1 hour') = 2",
        "SELECT k FROM stream('a') WHERE k IN (SELECT tk FROM t WHERE current_date() = DATE '1970-01-01')",
        "SELECT k FROM stream('a') JOIN t ON k = tk AND CASE WHEN tv > 0 THEN now() END < TIMESTAMP '1970-01-01T02:00:00'",
    ] {
        let execution = execution(&context, text).await;
        let inputs = inputs(&execution, &BTreeMap::from([("a", rows(&[(Some("1"), None)]))]));
        let early = planned(&execution, &inputs, HOUR_MS).await;
        assert_eq!(sorted(&run(&context, &early).await), ["1"], "{text}");
        let late = planned(&execution, &inputs, 30 * HOUR_MS).await;
        assert!(sorted(&run(&context, &late).await).is_empty(), "{text}");
        // The DataFrame that foreach_batch gets runs whenever the user runs it.
        let frame = DataFrame::new(context.state(), early.logical);
        assert_eq!(sorted(&frame.collect().await.unwrap()), ["1"], "{text}");
    }
}

#[tokio::test]
async fn a_clock_of_another_type_gets_a_value_of_that_type() {
    let context = TestStream::context();
    context
        .sql("SET datafusion.execution.time_zone = '+02:00'")
        .await
        .unwrap();
    let micros = |zone: Option<&str>| {
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, zone.map(Into::into))
    };
    for (name, data_type) in [
        ("current_timestamp", micros(Some("UTC"))),
        ("localtimestamp", micros(None)),
        ("curdate", DataType::Date32),
        ("unix_timestamp", DataType::Int64),
    ] {
        let unpinned = Arc::new(|_: &[ColumnarValue]| datafusion::common::exec_err!("the clock was read"));
        context.register_udf(create_udf(name, vec![], data_type, Volatility::Stable, unpinned));
    }
    let text = "SELECT current_timestamp(), localtimestamp(), curdate(), unix_timestamp() FROM stream('a')";
    let execution = execution(&context, text).await;
    let inputs = inputs(&execution, &BTreeMap::from([("a", rows(&[(None, None)]))]));
    let plan = planned(&execution, &inputs, 23 * HOUR_MS).await;
    assert_eq!(
        sorted(&run(&context, &plan).await),
        ["1970-01-01T23:00:00Z,1970-01-02T01:00:00,1970-01-02,82800"]
    );
}

#[tokio::test]
async fn volatile_functions_are_left_alone() {
    let context = TestStream::context();
    let execution = execution(&context, "SELECT random() AS r FROM stream('a')").await;
    let inputs = inputs(
        &execution,
        &BTreeMap::from([("a", rows(&[(None, None), (None, None)]))]),
    );
    let plan = planned(&execution, &inputs, 0).await;
    let (first, second) = (run(&context, &plan).await, run(&context, &plan).await);
    assert_ne!(first, second);
}

/// The columns and filters of a scan.
type Asked = (Option<Vec<usize>>, Vec<String>);

/// A table that notes what it was asked for.
#[derive(Debug)]
struct AskedTable {
    inner: Arc<dyn TableProvider>,
    asked: Mutex<Vec<Asked>>,
}

#[async_trait]
impl TableProvider for AskedTable {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let filters: Vec<_> = filters.iter().map(ToString::to_string).collect();
        self.asked.lock().unwrap().push((projection.cloned(), filters));
        self.inner.scan(state, projection, &[], limit).await
    }
}

#[tokio::test]
async fn filters_and_projections_reach_the_input_of_every_batch() {
    let context = TestStream::context();
    let execution = execution(
        &context,
        "SELECT x.v + 1 AS w FROM stream('a') AS x WHERE x.v > 1",
    )
    .await;
    let id = execution.streaming_plan().sources()[0].id();
    for batch in three_batches() {
        let asked = Arc::new(AskedTable {
            inner: table_of(vec![batch]),
            asked: Mutex::default(),
        });
        let table: Arc<dyn TableProvider> = Arc::clone(&asked) as _;
        let _ = planned(&execution, &BatchInputs::from([(id, table)]), 0).await;
        let asked = asked.asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].0, Some(vec![1]));
        assert!(asked[0].1[0].contains("v > Int64(1)"), "{asked:?}");
    }
}

#[tokio::test]
async fn the_same_inputs_give_the_same_plan() {
    let context = TestStream::context();
    let text = "SELECT k, (SELECT max(tv) FROM t WHERE tk = x.k) FROM stream('a') AS x WHERE k IN (SELECT tk FROM t)";
    let execution = execution(&context, text).await;
    let inputs = inputs(&execution, &BTreeMap::from([("a", three_batches().remove(0))]));
    let show = |plan: &MicroBatchPlan| {
        datafusion::physical_plan::displayable(plan.physical.as_ref())
            .indent(true)
            .to_string()
    };
    let first = planned(&execution, &inputs, HOUR_MS).await;
    let again = planned(&execution, &inputs, HOUR_MS).await;
    assert_eq!(show(&first), show(&again));
    let logical: &LogicalPlan = &again.logical;
    assert!(!StreamingPlan::is_streaming(logical));
}

/// One step of a pipeline over `(k, v)`.
fn step() -> impl Strategy<Value = String> {
    prop_oneof![
        (-3..4_i64).prop_map(|n| format!("SELECT k, v FROM (@) AS s WHERE v > {n}")),
        (0..3_i64).prop_map(|n| format!("SELECT k, v FROM (@) AS s WHERE k IS NULL OR k <> '{n}'")),
        (-2..3_i64).prop_map(|n| format!("SELECT k, v * {n} AS v FROM (@) AS s")),
        Just("SELECT concat(k, 'x') AS k, v FROM (@) AS s".to_owned()),
        Just("SELECT CASE WHEN v > 0 THEN k END AS k, v FROM (@) AS s".to_owned()),
        Just("SELECT k, v FROM (@) AS s UNION ALL SELECT k, v + 1 FROM stream('b')".to_owned()),
        Just("SELECT k, coalesce(tv, v) AS v FROM (@) AS s LEFT JOIN t ON k = tk".to_owned()),
        Just("SELECT k, unnest(make_array(v, 0)) AS v FROM (@) AS s".to_owned()),
    ]
}

fn batch_of_rows() -> impl Strategy<Value = Vec<(Option<u8>, Option<i64>)>> {
    prop::collection::vec((prop::option::of(0..4_u8), prop::option::of(-5..5_i64)), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_pipeline_gives_the_rows_of_the_whole_input(
        steps in prop::collection::vec(step(), 0..5),
        batches in prop::collection::vec(batch_of_rows(), 1..4),
    ) {
        let text = steps
            .iter()
            .fold("SELECT k, v FROM stream('a')".to_owned(), |inner, step| step.replace('@', &inner));
        let batches: Vec<_> = batches
            .iter()
            .map(|batch| {
                let keys: Vec<_> = batch.iter().map(|(k, _)| k.map(|k| k.to_string())).collect();
                let pairs: Vec<_> = keys.iter().zip(batch).map(|(k, (_, v))| (k.as_deref(), *v)).collect();
                rows(&pairs)
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (found, expected) = runtime.block_on(async {
            let context = TestStream::context();
            (streamed(&context, &text, &batches).await, batched(&context, &text, &batches).await)
        });
        prop_assert_eq!(found, expected, "{}", text);
    }
}
