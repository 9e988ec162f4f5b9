//! Windows over rows: the expected ones are what PySpark 4.3.0 gave.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::{DataFrame, SessionContext};

use super::{resolve_time_windows, window, window_time, window_udf, window_with};
use crate::SqlError;
use crate::dialect::{SqlSettings, configure};
use crate::event_time::{WATERMARK_DELAY_KEY, is_time_window};

const SECOND: i64 = 1_000_000;

/// `i INT, ts TIMESTAMP, tn TIMESTAMP_NTZ`, with times around the epoch and none.
fn table() -> DataFrame {
    let state = configure(
        datafusion::execution::SessionStateBuilder::new(),
        &SqlSettings::default(),
    )
    .build();
    let times = || {
        TimestampMicrosecondArray::from(vec![
            Some(-1),
            Some(0),
            Some(1_704_067_205 * SECOND),
            None,
            Some(-310_474_379_500_000),
        ])
    };
    let rows = RecordBatch::try_from_iter([
        ("i", Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5])) as ArrayRef),
        ("ts", Arc::new(times().with_timezone("UTC")) as ArrayRef),
        ("tn", Arc::new(times()) as ArrayRef),
    ])
    .unwrap();
    SessionContext::new_with_state(state).read_batch(rows).unwrap()
}

async fn collect(frame: DataFrame) -> RecordBatch {
    let schema = Arc::clone(frame.schema().inner());
    concat_batches(&schema, &frame.collect().await.unwrap()).unwrap()
}

/// Number, start and end of each row's windows.
async fn bounds(window: Expr) -> Vec<String> {
    let frame = table().select(vec![col("i"), window.alias("w")]).unwrap();
    let frame = frame
        .select(vec![
            col("i"),
            get_field(col("w"), "start").alias("s"),
            get_field(col("w"), "end").alias("e"),
        ])
        .unwrap()
        .sort(vec![col("i").sort(true, true), col("s").sort(true, true)])
        .unwrap();
    lines(&collect(frame).await)
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    crate::dialect::tests::lines(batch)
}

#[tokio::test]
async fn tumbling_windows_are_aligned_to_the_epoch_before_it_too_and_rows_without_a_time_are_dropped() {
    assert_eq!(
        bounds(window(col("ts"), "10 minutes")).await,
        [
            "1|1969-12-31T23:50:00Z|1970-01-01T00:00:00Z",
            "2|1970-01-01T00:00:00Z|1970-01-01T00:10:00Z",
            "3|2024-01-01T00:00:00Z|2024-01-01T00:10:00Z",
            "5|1960-02-29T13:00:00Z|1960-02-29T13:10:00Z",
        ]
    );
    assert_eq!(
        bounds(window(col("ts"), "1 week")).await,
        [
            "1|1969-12-25T00:00:00Z|1970-01-01T00:00:00Z",
            "2|1970-01-01T00:00:00Z|1970-01-08T00:00:00Z",
            "3|2023-12-28T00:00:00Z|2024-01-04T00:00:00Z",
            "5|1960-02-25T00:00:00Z|1960-03-03T00:00:00Z",
        ]
    );
}

#[tokio::test]
async fn a_start_moves_the_windows_by_less_than_a_slide() {
    assert_eq!(
        bounds(window_with(col("ts"), "10 seconds", "10 seconds", "3 seconds")).await,
        [
            "1|1969-12-31T23:59:53Z|1970-01-01T00:00:03Z",
            "2|1969-12-31T23:59:53Z|1970-01-01T00:00:03Z",
            "3|2024-01-01T00:00:03Z|2024-01-01T00:00:13Z",
            "5|1960-02-29T13:06:53Z|1960-02-29T13:07:03Z",
        ]
    );
    let expected = [
        "1|1969-12-31T23:59:52Z|1970-01-01T00:00:02Z",
        "1|1969-12-31T23:59:57Z|1970-01-01T00:00:07Z",
        "2|1969-12-31T23:59:52Z|1970-01-01T00:00:02Z",
        "2|1969-12-31T23:59:57Z|1970-01-01T00:00:07Z",
        "3|2023-12-31T23:59:57Z|2024-01-01T00:00:07Z",
        "3|2024-01-01T00:00:02Z|2024-01-01T00:00:12Z",
        "5|1960-02-29T13:06:52Z|1960-02-29T13:07:02Z",
        "5|1960-02-29T13:06:57Z|1960-02-29T13:07:07Z",
    ];
    for start in ["-3 seconds", "2 seconds"] {
        assert_eq!(
            bounds(window_with(col("ts"), "10 seconds", "5 seconds", start)).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_slide_that_does_not_divide_gives_each_row_the_windows_that_hold_its_time() {
    let expected = [
        "1|1969-12-31T23:59:52|1970-01-01T00:00:02",
        "1|1969-12-31T23:59:56|1970-01-01T00:00:06",
        "2|1969-12-31T23:59:52|1970-01-01T00:00:02",
        "2|1969-12-31T23:59:56|1970-01-01T00:00:06",
        "2|1970-01-01T00:00:00|1970-01-01T00:00:10",
        "3|2023-12-31T23:59:56|2024-01-01T00:00:06",
        "3|2024-01-01T00:00:00|2024-01-01T00:00:10",
        "3|2024-01-01T00:00:04|2024-01-01T00:00:14",
        "5|1960-02-29T13:06:52|1960-02-29T13:07:02",
        "5|1960-02-29T13:06:56|1960-02-29T13:07:06",
        "5|1960-02-29T13:07:00|1960-02-29T13:07:10",
    ];
    let of = |time: &str| bounds(window_with(col(time), "10 seconds", "4 seconds", "0 seconds"));
    assert_eq!(of("tn").await, expected);
    let zoned: Vec<String> = expected
        .iter()
        .map(|line| line.replace('|', "Z|").replacen("Z|", "|", 1) + "Z")
        .collect();
    assert_eq!(of("ts").await, zoned);
}

#[tokio::test]
async fn a_window_is_a_struct_of_nullable_bounds_with_the_marks_of_its_time() {
    for (time, zone) in [("ts", Some("UTC".into())), ("tn", None)] {
        for (window, nullable) in [
            (window(col(time), "10 seconds"), false),
            (
                window_with(col(time), "10 seconds", "5 seconds", "0 seconds"),
                true,
            ),
        ] {
            let frame = table().select(vec![window]).unwrap();
            let declared = frame.schema().field(0).clone();
            let resolved = resolve_time_windows(frame.logical_plan().clone()).unwrap();
            assert_eq!(&declared, resolved.schema().field(0));
            let batch = collect(frame).await;
            let field = batch.schema().field(0).clone();
            assert_eq!((field.name().as_str(), field.is_nullable()), ("window", nullable));
            assert!(is_time_window(&field) && !field.metadata().contains_key(WATERMARK_DELAY_KEY));
            let bound = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            let DataType::Struct(fields) = field.data_type() else {
                panic!("{field}")
            };
            let found: Vec<_> = fields
                .iter()
                .map(|f| (f.name().as_str(), f.data_type(), f.is_nullable()))
                .collect();
            assert_eq!(found, [("start", &bound, true), ("end", &bound, true)]);
        }
    }
}

#[tokio::test]
async fn windows_group_and_can_be_windowed_again() {
    let frame = table()
        .aggregate(
            vec![window_with(col("ts"), "10 seconds", "5 seconds", "0 seconds")],
            vec![count(lit(1)).alias("n")],
        )
        .unwrap();
    let twice = frame
        .clone()
        .aggregate(
            vec![window(col("window"), "1 minute").alias("w")],
            vec![count(lit(1)).alias("n")],
        )
        .unwrap()
        .select(vec![get_field(col("w"), "start").alias("s"), col("n")])
        .unwrap()
        .sort(vec![col("s").sort(true, true)])
        .unwrap();
    let expected = [
        "1960-02-29T13:07:00Z|2",
        "1969-12-31T23:59:00Z|1",
        "1970-01-01T00:00:00Z|2",
        "2024-01-01T00:00:00Z|2",
    ];
    assert_eq!(lines(&collect(twice).await), expected);
    let times = frame
        .select(vec![window_time(col("window")).alias("t")])
        .unwrap()
        .sort(vec![col("t").sort(true, true)])
        .unwrap();
    let times = lines(&collect(times).await);
    assert_eq!(
        times.first().map(String::as_str),
        Some("1960-02-29T13:07:04.999999Z")
    );
}

fn refusal(exprs: Vec<Expr>) -> SqlError {
    let plan = match table().select(exprs) {
        Ok(frame) => frame.logical_plan().clone(),
        Err(error) => return SqlError::from(error),
    };
    resolve_time_windows(plan).unwrap_err()
}

#[test]
fn lengths_that_make_no_windows_are_refused_as_by_spark() {
    let with = |duration: &str, slide: &str, start: &str| {
        refusal(vec![window_with(col("ts"), duration, slide, start)])
    };
    let constraint = "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION";
    let range = "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE";
    for (error, condition) in [
        (with("10 seconds", "20 seconds", "0 seconds"), constraint),
        (with("10 seconds", "5 seconds", "5 seconds"), constraint),
        (with("10 seconds", "5 seconds", "-5 seconds"), constraint),
        (with("0 seconds", "0 seconds", "0 seconds"), range),
        (with("10 seconds", "0 seconds", "0 seconds"), range),
        (with("10 seconds", "-1 seconds", "0 seconds"), range),
        (refusal(vec![window(col("ts"), "-1 seconds")]), range),
        (
            refusal(vec![window(col("ts"), "1 month")]),
            "WINDOW_DURATION_OF_MONTHS",
        ),
        (refusal(vec![window(col("ts"), "abc")]), "CANNOT_PARSE_INTERVAL"),
        (
            refusal(vec![window(col("i"), "1 second")]),
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        (
            refusal(vec![window_time(col("ts"))]),
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        (
            refusal(vec![window_udf().call(vec![col("ts")])]),
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        ),
        (
            refusal(vec![window_udf().call(vec![col("ts"), col("i")])]),
            "WINDOW_DURATION_IS_NOT_LITERAL",
        ),
        (
            refusal(vec![
                window(col("ts"), "1 second").alias("a"),
                window(col("ts"), "2 seconds").alias("b"),
            ]),
            "MULTIPLE_TIME_WINDOWS",
        ),
    ] {
        assert_eq!(error.condition, condition, "{error}");
    }
    let error = with("10 seconds", "20 seconds", "0 seconds");
    assert!(
        error
            .message
            .contains("The `slide_duration`(20000000L) must be <= the `window_duration`(10000000L)")
    );
}

#[test]
fn the_pass_leaves_a_resolved_plan_as_it_is() {
    let frame = table().select(vec![
        window(col("ts"), "10 seconds"),
        window(col("ts"), "10 seconds").alias("again"),
    ]);
    let once = resolve_time_windows(frame.unwrap().logical_plan().clone()).unwrap();
    assert_eq!(resolve_time_windows(once.clone()).unwrap(), once);
}

#[tokio::test]
async fn a_number_is_a_length_in_microseconds() {
    let whole = window_udf().call(vec![col("ts"), lit(10_000_000)]);
    assert_eq!(bounds(whole).await, bounds(window(col("ts"), "10 seconds")).await);
}

#[tokio::test]
async fn very_many_windows_are_built_of_some_rows_at_a_time() {
    let builder = datafusion::execution::SessionStateBuilder::new()
        .with_query_planner(Arc::new(crate::StreamingQueryPlanner));
    let state = configure(builder, &SqlSettings::default()).build();
    let context = SessionContext::new_with_state(state);
    let times: TimestampMicrosecondArray = (0..20).map(|i| Some(i * SECOND)).collect();
    let rows = RecordBatch::try_from_iter([("ts", Arc::new(times) as ArrayRef)]).unwrap();
    let frame = context.read_batch(rows).unwrap();
    let windows = |slide| {
        let window = window_with(col("ts"), "1 day", slide, "0 seconds").alias("w");
        frame.clone().select(vec![window]).unwrap()
    };
    for (slide, each, most) in [
        ("1 second", 86_400, 86_400),
        ("1 minute", 1_440, 8_192),
        ("6 hours", 4, 80),
    ] {
        let batches = windows(slide).collect().await.unwrap();
        let sizes: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 20 * each, "{slide}");
        assert!(sizes.iter().all(|size| *size <= most), "{slide}: {sizes:?}");
    }
    let error = windows("1 microsecond").collect().await.unwrap_err();
    assert!(error.to_string().contains("more than a batch holds"), "{error}");
}
