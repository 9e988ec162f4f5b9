//! Tables against strings that PySpark printed.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, ListArray, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;

use super::{ShowOptions, show_string};

fn show(columns: Vec<(&str, ArrayRef)>, options: &ShowOptions) -> String {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    show_string(&batch.schema(), &[batch], options).unwrap()
}

fn options(num_rows: usize, truncate: usize) -> ShowOptions {
    ShowOptions {
        num_rows,
        truncate,
        ..ShowOptions::default()
    }
}

fn ints_and_strings() -> Vec<(&'static str, ArrayRef)> {
    vec![
        (
            "i",
            Arc::new(Int32Array::from(vec![Some(1), None, Some(-100_000), Some(3)])),
        ),
        (
            "s",
            Arc::new(StringArray::from(vec![
                Some("a"),
                None,
                Some("this is a very long string longer than twenty"),
                Some("tab\there nl\nü漢字 \\ \r"),
            ])),
        ),
    ]
}

#[test]
fn long_cells_are_cut_and_right_aligned() {
    let text = show(ints_and_strings(), &ShowOptions::default());
    let expected = r"
+-------+----------------------+
|      i|                     s|
+-------+----------------------+
|      1|                     a|
|   NULL|                  NULL|
|-100000|  this is a very lo...|
|      3|tab\there nl\nü漢字...|
+-------+----------------------+

";
    assert_eq!(text, expected.trim_start_matches('\n'));
}

#[test]
fn whole_cells_are_left_aligned() {
    let text = show(ints_and_strings(), &options(20, 0));
    let expected = r"
+-------+---------------------------------------------+
|i      |s                                            |
+-------+---------------------------------------------+
|1      |a                                            |
|NULL   |NULL                                         |
|-100000|this is a very long string longer than twenty|
|3      |tab\there nl\nü漢字 \ \r                     |
+-------+---------------------------------------------+

";
    assert_eq!(text, expected.trim_start_matches('\n'));
}

#[test]
fn more_rows_than_asked_for_are_announced() {
    let text = show(ints_and_strings(), &options(2, 3));
    let expected =
        "+---+---+\n|  i|  s|\n+---+---+\n|  1|  a|\n|NUL|NUL|\n+---+---+\nonly showing top 2 rows\n";
    assert_eq!(text, expected);
    let text = show(ints_and_strings(), &options(1, 20));
    assert!(text.ends_with("+---+---+\nonly showing top 1 row\n"), "{text}");
    let text = show(ints_and_strings(), &options(0, 20));
    assert_eq!(
        text,
        "+---+---+\n|  i|  s|\n+---+---+\n+---+---+\nonly showing top 0 rows\n"
    );
}

#[test]
fn an_empty_table_is_a_header_between_rules() {
    let columns: Vec<_> = ints_and_strings()
        .into_iter()
        .map(|(n, a)| (n, a.slice(0, 0)))
        .collect();
    let text = show(columns, &ShowOptions::default());
    assert_eq!(text, "+---+---+\n|  i|  s|\n+---+---+\n+---+---+\n\n");
}

#[test]
fn values_read_as_spark_prints_them() {
    let doubles = vec![
        1.5,
        1e-7,
        12_345_678.9,
        -0.0,
        1e7,
        0.001,
        123.0,
        f64::NAN,
        f64::NEG_INFINITY,
    ];
    let text = show(
        vec![("d", Arc::new(Float64Array::from(doubles)))],
        &options(20, 0),
    );
    let cells: Vec<&str> = text
        .lines()
        .filter(|l| l.starts_with('|'))
        .skip(1)
        .map(|l| l.trim_matches('|').trim())
        .collect();
    let expected = [
        "1.5",
        "1.0E-7",
        "1.23456789E7",
        "-0.0",
        "1.0E7",
        "0.001",
        "123.0",
        "NaN",
        "-Infinity",
    ];
    assert_eq!(cells, expected);

    let micros = vec![1_704_067_200_123_456, -500_000, 1_719_748_800_000_000];
    let stamps: ArrayRef = Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"));
    let text = show(vec![("ts", stamps)], &options(20, 0));
    assert!(text.contains(
        "|2024-01-01 00:00:00.123456|\n|1969-12-31 23:59:59.5     |\n|2024-06-30 12:00:00       |"
    ));

    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), Some(vec![]), None]);
    let text = show(vec![("arr", Arc::new(lists))], &options(20, 20));
    assert_eq!(
        text,
        "+---------+\n|      arr|\n+---------+\n|[1, NULL]|\n|       []|\n|     NULL|\n+---------+\n\n"
    );
}
