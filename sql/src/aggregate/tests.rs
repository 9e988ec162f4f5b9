//! The layouts against those that Spark wrote, and results carried through buffers.

mod bytes;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
use arrow::json::ReaderBuilder;
use datafusion::catalog::MemTable;
use datafusion::execution::{SessionStateBuilder, TaskContext};
use datafusion::functions_aggregate::expr_fn;
use datafusion::logical_expr::{EmitTo, Expr};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{DataFrame, SessionContext, col};

use super::BufferLayout;
use crate::dialect::{SqlSettings, Statement, configure, parse_script, plan_query};

/// The columns of the golden case `agg_functions`.
fn schema() -> Arc<Schema> {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let columns = [
        ("k", DataType::Utf8),
        ("i", DataType::Int32),
        ("l", DataType::Int64),
        ("db", DataType::Float64),
        ("dec", DataType::Decimal128(10, 2)),
        ("big", DataType::Decimal128(30, 5)),
        ("s", DataType::Utf8),
        ("d", DataType::Date32),
        ("t", utc),
        ("small", DataType::Decimal128(5, 2)),
        ("mid", DataType::Decimal128(12, 2)),
        ("f", DataType::Float32),
    ];
    let fields: Vec<Field> = columns.into_iter().map(|(n, t)| Field::new(n, t, true)).collect();
    Arc::new(Schema::new(fields))
}

/// Rows of two keys, the second only null.
fn rows() -> RecordBatch {
    let mut text = String::new();
    for i in 0..5 {
        text.push_str(&format!(
            r#"{{"k":"a","i":{i},"l":{i}000000,"db":{i}.25,"dec":{i}.10,"big":9999999999999.{i},"s":"s{i}","d":"2024-03-0{day}",
               "t":"2024-03-01T00:00:0{i}Z","small":{i}.01,"mid":{i}.02,"f":{i}.5}}"#,
            day = i + 1
        ));
    }
    text.push_str(r#"{"k":"b"}"#);
    let mut reader = ReaderBuilder::new(schema()).build(text.as_bytes()).unwrap();
    reader.next().unwrap().unwrap()
}

fn session() -> SessionContext {
    let builder = SessionStateBuilder::new().with_default_features();
    let settings = SqlSettings::default();
    let context = SessionContext::new_with_state(configure(builder, &settings).build());
    let half = |at: usize| rows().slice(at * 3, 3);
    let table = MemTable::try_new(schema(), vec![vec![half(0)], vec![half(1)]]).unwrap();
    context.register_table("src", Arc::new(table)).unwrap();
    context
}

async fn sql(functions: &str) -> Arc<dyn ExecutionPlan> {
    let context = session();
    let settings = SqlSettings::default();
    let text = format!("SELECT k, {functions} FROM src GROUP BY k");
    let statement = parse_script(&text, settings.dialect)
        .unwrap()
        .pop()
        .unwrap()
        .statement;
    let Statement::Query(query) = statement else {
        panic!("no query");
    };
    let plan = plan_query(&context.state(), &query, &settings).await.unwrap();
    context.state().create_physical_plan(&plan).await.unwrap()
}

fn find(plan: &Arc<dyn ExecutionPlan>, partial: bool) -> Option<Arc<dyn ExecutionPlan>> {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>()
        && (*aggregate.mode() == AggregateMode::Partial) == partial
    {
        return Some(Arc::clone(plan));
    }
    plan.children().into_iter().find_map(|child| find(child, partial))
}

fn functions(partial: &Arc<dyn ExecutionPlan>) -> Vec<Arc<AggregateFunctionExpr>> {
    partial
        .downcast_ref::<AggregateExec>()
        .unwrap()
        .aggr_expr()
        .to_vec()
}

fn spark_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Int64 => "long".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Float64 => "double".to_owned(),
        other => crate::dialect::type_name(other).to_lowercase(),
    }
}

async fn buffers(text: &str) -> Vec<String> {
    let partial = find(&sql(text).await, true).unwrap();
    let layouts = functions(&partial)
        .into_iter()
        .map(|f| BufferLayout::of(&f).unwrap());
    layouts
        .flat_map(|layout| {
            assert!(layout.is_portable());
            layout.fields().to_vec()
        })
        .map(|field| {
            assert!(field.is_nullable());
            format!("{} {}", field.name(), spark_type(field.data_type()))
        })
        .collect()
}

#[tokio::test]
async fn the_buffers_of_the_golden_case_agg_functions_have_its_names_order_and_types() {
    let found = buffers(
        "count(*), count(i), sum(i), sum(l), sum(db), sum(dec), sum(big), avg(i), avg(db), avg(dec), min(s), max(s), \
         min(i), max(t), min(d), max(big), first(s), last(s), first(s, true) AS nn, stddev(db), var_pop(db), max_by(s, i), \
         bool_and(i > 0), sum(small), avg(small), sum(mid), avg(mid), avg(big), sum(f), avg(l), covar_samp(db, i), \
         corr(db, i), skewness(db), kurtosis(db), bit_or(i), count_if(i > 1), any_value(s), try_sum(i)",
    )
    .await;
    let spark = "count long, count long, sum long, sum long, sum double, sum decimal(20,2), isEmpty boolean, \
         sum decimal(38,5), isEmpty boolean, sum double, count long, sum double, count long, sum double, count long, \
         min string, max string, min integer, max timestamp, min date, max decimal(30,5), first string, valueSet boolean, \
         last string, valueSet boolean, first string, valueSet boolean, n double, avg double, m2 double, n double, \
         avg double, m2 double, valueWithExtremumOrdering string, extremumOrdering integer, min boolean, sum long, \
         sum double, count long, sum decimal(22,2), isEmpty boolean, sum decimal(22,2), count long, sum decimal(38,5), \
         count long, sum double, sum double, count long, n double, xAvg double, yAvg double, ck double, n double, \
         xAvg double, yAvg double, ck double, xMk double, yMk double, n double, avg double, m2 double, m3 double, n double, \
         avg double, m2 double, m3 double, m4 double, bit_or integer, count long, sum long, isEmpty boolean";
    assert_eq!(found.join(", "), spark);
}

#[tokio::test]
async fn lists_and_distinct_counts_have_the_buffers_of_the_golden_case_agg_collect_hll() {
    let found = buffers("collect_list(i), collect_set(s), approx_count_distinct(i)").await;
    assert_eq!(
        found[..4],
        ["buf binary", "buf binary", "MS[0] long", "MS[1] long"]
    );
    assert_eq!(found.len(), 54);
    assert_eq!(buffers("approx_count_distinct(i, 0.01)").await.len(), 1639);
}

/// Rows `(x, i)`, where x is a number that floats order in their own way, in two batches of a table called `t`.
async fn over_numbers(query: &str, numbers: &[Option<f64>]) -> Vec<String> {
    let context = session();
    let fields = [("x", DataType::Float64), ("i", DataType::Int32)];
    let fields: Vec<Field> = fields.into_iter().map(|(n, t)| Field::new(n, t, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batches = numbers.chunks(2).enumerate().map(|(at, chunk)| {
        let first = i32::try_from(at * 2).unwrap();
        let places: Int32Array = (first..first + i32::try_from(chunk.len()).unwrap()).collect();
        let x = arrow::array::Float64Array::from(chunk.to_vec());
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(x), Arc::new(places)]).unwrap()
    });
    let table = MemTable::try_new(Arc::clone(&schema), vec![batches.collect()]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    let settings = SqlSettings::default();
    let statement = parse_script(query, settings.dialect).unwrap().pop().unwrap();
    let Statement::Query(query) = statement.statement else {
        panic!("no query");
    };
    let plan = plan_query(&context.state(), &query, &settings).await.unwrap();
    let plan = context.state().create_physical_plan(&plan).await.unwrap();
    let batches = collect(plan, context.task_ctx()).await.unwrap();
    let rows = batches
        .iter()
        .flat_map(|b| (0..b.num_rows()).map(move |row| (b, row)));
    rows.map(|(batch, row)| {
        let values: Vec<String> = batch.columns().iter().map(|column| text(column, row)).collect();
        values.join(" ")
    })
    .collect()
}

/// Numbers, and Spark's `min`, `max`, `min_by` and `max_by` of them, the latter two giving places from 0.
const ORDERED_NUMBERS: &[(&[Option<f64>], &str)] = &[
    (&[Some(1.0), Some(f64::NAN), Some(2.0)], "1.0 NaN 0 1"),
    (&[Some(f64::NAN)], "NaN NaN 0 0"),
    (&[Some(-f64::NAN), Some(f64::INFINITY), None], "inf NaN 1 0"),
    (&[Some(f64::NEG_INFINITY)], "-inf -inf 0 0"),
    (&[Some(f64::INFINITY), Some(f64::INFINITY)], "inf inf 1 1"),
    (&[Some(0.0), Some(-0.0)], "0.0 0.0 1 1"),
    (&[Some(-0.0), Some(5.0), Some(0.0)], "-0.0 5.0 2 1"),
    (&[Some(f64::NAN), Some(-f64::NAN)], "NaN NaN 1 1"),
    (&[None], "NULL NULL NULL NULL"),
];

#[tokio::test]
async fn floats_are_ordered_as_spark_orders_them() {
    for (numbers, spark) in ORDERED_NUMBERS {
        for of in ["x", "CAST(x AS FLOAT)"] {
            let functions = format!("min({of}), max({of}), min_by(i, {of}), max_by(i, {of})");
            for query in [
                format!("SELECT {functions} FROM t"),
                format!("SELECT {functions} FROM t GROUP BY i < 0"),
            ] {
                let found = over_numbers(&query, numbers).await;
                let found: Vec<String> = found.iter().map(|row| row.replace("  ", " NULL ")).collect();
                let spark = spark.replace("NULL", "");
                assert_eq!(
                    found.join("").replace("NULL", ""),
                    spark,
                    "{query} of {numbers:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn structs_and_arrays_with_floats_inside_are_ordered_as_spark_orders_them() {
    let nested = "min(named_struct('a', x, 'b', -i)), max(named_struct('a', x, 'b', -i)), min(array(x, 1D)), max(array(x, 1D))";
    for (numbers, spark) in [
        (
            [Some(1.0), Some(f64::NAN), Some(2.0)],
            "{a: 1.0, b: 0} {a: NaN, b: -1} [1.0, 1.0] [NaN, 1.0]",
        ),
        (
            [Some(0.0), Some(-0.0), Some(0.0)],
            "{a: 0.0, b: -2} {a: 0.0, b: 0} [0.0, 1.0] [0.0, 1.0]",
        ),
        (
            [Some(1.0), None, Some(f64::NEG_INFINITY)],
            "{a: , b: -1} {a: 1.0, b: 0} [, 1.0] [1.0, 1.0]",
        ),
    ] {
        for query in [
            format!("SELECT {nested} FROM t"),
            format!("SELECT {nested} FROM t GROUP BY i < 0"),
        ] {
            assert_eq!(
                over_numbers(&query, &numbers).await,
                [spark],
                "{query} of {numbers:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_least_and_a_greatest_float_are_carried_through_buffers() {
    assert_eq!(
        buffers("min(db), max(f), min(named_struct('x', db))").await.len(),
        3
    );
    assert_carried(sql("min(db), max(f), min(named_struct('x', db)), max(array(f)), max_by(i, db)").await)
        .await;
}

/// Runs the partial aggregation, carries its states through buffers, and merges them.
async fn through_buffers(plan: &Arc<dyn ExecutionPlan>) -> Vec<ArrayRef> {
    let partial = find(plan, true).unwrap();
    let aggregates = functions(&partial);
    let batches = collect(Arc::clone(&partial), Arc::new(TaskContext::default()))
        .await
        .unwrap();
    let mut results = Vec::new();
    let mut at = 1;
    let mut seen: Vec<String> = Vec::new();
    for aggregate in aggregates {
        let layout = BufferLayout::of(&aggregate).unwrap();
        let width = aggregate.state_fields().unwrap().len();
        let mut merged: Box<dyn datafusion::logical_expr::GroupsAccumulator> =
            if aggregate.groups_accumulator_supported() {
                aggregate.create_groups_accumulator().unwrap()
            } else {
                let aggregate = Arc::clone(&aggregate);
                Box::new(datafusion::physical_expr::GroupsAccumulatorAdapter::new(
                    move || aggregate.create_accumulator(),
                ))
            };
        for batch in &batches {
            let states: Vec<ArrayRef> = batch.columns()[at..at + width].to_vec();
            let buffers = layout.to_buffers(&states).unwrap();
            for (buffer, field) in buffers.iter().zip(layout.fields()) {
                assert_eq!(buffer.data_type(), field.data_type(), "{}", aggregate.name());
            }
            let states = layout.to_states(&buffers).unwrap();
            let keys = batch.column(0).as_string::<i32>();
            let mut group = |key: &str| {
                seen.iter().position(|k| k == key).unwrap_or_else(|| {
                    seen.push(key.to_owned());
                    seen.len() - 1
                })
            };
            let groups: Vec<usize> = keys.iter().flatten().map(&mut group).collect();
            merged.merge_batch(&states, &groups, seen.len()).unwrap();
        }
        let result = merged.evaluate(EmitTo::All).unwrap();
        let by_key = ["a", "b"].map(|key| seen.iter().position(|k| k == key).unwrap() as u32);
        let by_key = arrow::array::UInt32Array::from(by_key.to_vec());
        results.push(arrow::compute::take(&result, &by_key, None).unwrap());
        seen.clear();
        at += width;
    }
    results
}

async fn assert_carried(plan: Arc<dyn ExecutionPlan>) {
    let carried = through_buffers(&plan).await;
    let whole = find(&plan, false).unwrap();
    let batches =
        datafusion::physical_plan::execute_stream_partitioned(whole, Arc::new(TaskContext::default()))
            .unwrap();
    let mut direct: Vec<Option<Vec<String>>> = vec![None, None];
    for stream in batches {
        let batches = datafusion::physical_plan::common::collect(stream).await.unwrap();
        for batch in batches {
            for row in 0..batch.num_rows() {
                let key = batch.column(0).as_string::<i32>().value(row) == "b";
                let values = batch.columns()[1..].iter();
                direct[usize::from(key)] = Some(values.map(|c| text(c, row)).collect());
            }
        }
    }
    for (key, direct) in direct.into_iter().enumerate() {
        let carried: Vec<String> = carried.iter().map(|c| text(c, key)).collect();
        assert_eq!(carried, direct.unwrap(), "key {key}");
    }
}

fn text(column: &ArrayRef, row: usize) -> String {
    arrow::util::display::array_value_to_string(column, row).unwrap()
}

#[tokio::test]
async fn results_are_the_same_through_the_buffers_of_sparks_functions() {
    let functions = "count(*), count(i), sum(i), sum(db), sum(dec), sum(big), sum(small), avg(i), avg(dec), avg(small), \
        avg(big), min(s), max(t), min(d), first(s), last(s, true), max_by(s, i), min_by(i, s), bool_and(i > 0), \
        bool_or(i > 0), covar_samp(db, i), corr(db, i), skewness(db), kurtosis(db), stddev(db), bit_or(i), bit_xor(l), \
        bit_and(i), count_if(i > 1), try_sum(i), try_sum(dec), try_avg(big), regr_slope(db, i), regr_intercept(db, i), \
        regr_r2(db, i), regr_avgx(db, i), regr_sxx(db, i), approx_count_distinct(s), percentile(i, 0.3), median(dec), \
        mode(i > 9), percentile_approx(db, array(0.2, 0.8)), histogram_numeric(i, 3), size(collect_list(s)), \
        size(collect_set(i)), percentile_cont(0.2) WITHIN GROUP (ORDER BY db DESC), \
        listagg(s, ',') WITHIN GROUP (ORDER BY i DESC)";
    assert_carried(sql(functions).await).await;
}

#[tokio::test]
async fn results_are_the_same_through_the_buffers_of_datafusions_functions() {
    let context = session();
    let exprs: Vec<Expr> = vec![
        expr_fn::count(col("i")),
        expr_fn::sum(col("l")),
        expr_fn::sum(col("db")),
        expr_fn::sum(col("small")),
        expr_fn::sum(col("dec")),
        expr_fn::avg(col("db")),
        expr_fn::avg(col("small")),
        expr_fn::avg(col("mid")),
        expr_fn::min(col("s")),
        expr_fn::max(col("t")),
        expr_fn::stddev(col("db")),
        expr_fn::var_pop(col("db")),
        expr_fn::covar_samp(col("db"), col("i")),
        expr_fn::corr(col("db"), col("i")),
        expr_fn::bit_or(col("i")),
        expr_fn::bool_and(col("i").gt(datafusion::prelude::lit(0))),
        expr_fn::first_value(col("s"), vec![]),
        expr_fn::last_value(col("s"), vec![]),
        expr_fn::approx_distinct(col("s")),
        expr_fn::regr_slope(col("db"), col("i")),
    ];
    let frame: DataFrame = context.table("src").await.unwrap();
    let frame = frame.aggregate(vec![col("k")], exprs).unwrap();
    assert_carried(frame.create_physical_plan().await.unwrap()).await;
}

#[tokio::test]
async fn equal_functions_under_two_names_share_one_buffer() {
    assert_eq!(
        buffers("first(s), any_value(s), mean(i), avg(i), std(db), stddev(db)")
            .await
            .len(),
        7
    );
}

#[tokio::test]
async fn a_function_without_a_counterpart_is_kept_and_not_portable() {
    let context = session();
    let frame = context.table("src").await.unwrap();
    let frame = frame
        .aggregate(vec![col("k")], vec![expr_fn::regr_slope(col("db"), col("i"))])
        .unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let layout = BufferLayout::of(&functions(&find(&plan, true).unwrap())[0]).unwrap();
    assert!(!layout.is_portable());
    assert_eq!(*layout.fields()[0].data_type(), DataType::Int64);
}

#[tokio::test]
async fn words_of_a_distinct_count_are_those_of_the_golden_case() {
    use super::groups::Grouped;
    use super::hyperloglog::ApproxCountDistinct;
    use datafusion::logical_expr::GroupsAccumulator;

    let mut counted = Grouped(ApproxCountDistinct::new(9));
    let values: ArrayRef = Arc::new(Int32Array::from(vec![0, 1, 2, 3, 7]));
    counted.update_batch(&[values], &[0; 5], None, 1).unwrap();
    let words = counted.state(EmitTo::All).unwrap();
    let words = words[0].as_list::<i32>().value(0);
    let words: &Int64Array = words.as_primitive::<Int64Type>();
    let set: Vec<(usize, i64)> = words
        .values()
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, w)| *w != 0)
        .collect();
    assert_eq!(words.len(), 52);
    assert_eq!(set, GOLDEN_WORDS);
}

/// The words that are not zero in the last state of key `a` of the case `agg_collect_hll`.
const GOLDEN_WORDS: [(usize, i64); 5] = [
    (7, 8_796_093_022_208),
    (10, 2),
    (17, 262_144),
    (23, 262_144),
    (32, 274_877_906_944),
];
