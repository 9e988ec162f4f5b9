//! Every expression of `spark_expressions.tsv`, run here and compared with what PySpark 4.3.0 gave.
//!
//! A line is `agg`, a table and perhaps `plain` for no ANSI: an aggregate over the table; or `row`, the expression, the column's name, its type and its value for each of three rows; or `all`, an aggregate
//! over the three rows, with one value; or an expression and `ERROR` with its condition.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::prelude::SessionContext;

use super::super::tests::{context, run};
use super::super::{SqlSettings, simple_type_of, statements};
use crate::SqlError;
use crate::record::value::{IntervalFields, interval_at};

const EXPRESSIONS: &str = include_str!("spark_expressions.tsv");

fn valid() -> Option<NullBuffer> {
    Some(NullBuffer::from(vec![true, false, true]))
}

fn list() -> ArrayRef {
    Arc::new({
        let values = Arc::new(Int32Array::from(vec![Some(1), Some(2), Some(3), Some(2), None]));
        let field = Arc::new(Field::new("element", DataType::Int32, true));
        ListArray::try_new(field, OffsetBuffer::new(vec![0, 3, 3, 5].into()), values, valid()).unwrap()
    })
}

fn map() -> ArrayRef {
    let DataType::Map(entries, _) = statements::map(DataType::Utf8, DataType::Int32) else {
        unreachable!()
    };
    let DataType::Struct(fields) = entries.data_type().clone() else {
        unreachable!()
    };
    let keys = Arc::new(StringArray::from(vec!["a", "b", "b"]));
    let values = Arc::new(Int32Array::from(vec![Some(1), Some(2), None]));
    let pairs = StructArray::try_new(fields, vec![keys, values], None).unwrap();
    let offsets = OffsetBuffer::new(vec![0, 2, 2, 3].into());
    Arc::new(arrow::array::MapArray::try_new(entries, offsets, pairs, valid(), false).unwrap())
}

fn structure() -> ArrayRef {
    Arc::new(
        StructArray::try_new(
            Fields::from(vec![
                Field::new("a", DataType::Int32, true),
                Field::new("B", DataType::Utf8, true),
            ]),
            vec![
                Arc::new(Int32Array::from(vec![Some(1), None, None])),
                Arc::new(StringArray::from(vec![Some("x"), None, Some("y")])),
            ],
            valid(),
        )
        .unwrap(),
    )
}

/// The table of the expressions; row 1 is all null.
fn table(rows: std::ops::Range<usize>) -> RecordBatch {
    let utc = statements::timestamp();
    let ints = |field: &str, values: Vec<Option<i32>>| {
        (field.to_owned(), Arc::new(Int32Array::from(values)) as ArrayRef)
    };
    let columns: Vec<(String, ArrayRef)> = vec![
        ints("i", vec![Some(1), None, Some(-7)]),
        (
            "l".into(),
            Arc::new(Int64Array::from(vec![Some(10), None, Some(-20)])),
        ),
        (
            "d".into(),
            Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-2.5)])),
        ),
        (
            "dc".into(),
            Arc::new(
                Decimal128Array::from(vec![Some(1234), None, Some(-5)])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        (
            "s".into(),
            Arc::new(StringArray::from(vec![Some("Ab c"), None, Some("A_bc")])),
        ),
        (
            "ts".into(),
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_709_644_455_123_456), None, Some(-1_100_000)])
                    .with_data_type(utc),
            ),
        ),
        (
            "dt".into(),
            Arc::new(Date32Array::from(vec![Some(19787), None, Some(-1)])),
        ),
        (
            "b".into(),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        ),
        ("arr".into(), list()),
        ("m".into(), map()),
        ("st".into(), structure()),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
        .collect();
    let whole = RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, array)| array).collect(),
    )
    .unwrap();
    whole.slice(rows.start, rows.len())
}

fn with_rows(rows: std::ops::Range<usize>) -> SessionContext {
    let context = context(&SqlSettings::default());
    register(&context, "t", table(rows));
    context
}

fn register(context: &SessionContext, name: &str, batch: RecordBatch) {
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    context.register_table(name, Arc::new(table)).unwrap();
}

fn decimals(values: impl Iterator<Item = Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    let values: Decimal128Array = values.collect();
    Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
}

/// Twenty rows of numbers and a row of nulls.
fn numbers() -> RecordBatch {
    let ids = || (0..21_i64).map(|id| (id < 20).then_some(id));
    let longs = |of: fn(i64) -> i64| ids().map(move |id| id.map(of));
    let ints = |of: fn(i64) -> i64| longs(of).map(|i| i.map(|i| i32::try_from(i).unwrap()));
    let bytes = |of: fn(i64) -> i64| longs(of).map(|i| i.map(|i| i8::try_from(i).unwrap()));
    let doubles = |of: fn(i64) -> f64| ids().map(move |id| id.map(of)).collect::<Float64Array>();
    let unscaled = |by: i128| ids().map(move |id| id.map(|id| i128::from(id) * by));
    let texts = ids().map(|id| id.map(|id| format!("s{}", id % 4)));
    let hours = longs(|id| id * 3_600_000_000).collect::<TimestampMicrosecondArray>();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("i", Arc::new(ints(|id| id).collect::<Int32Array>())),
        (
            "l",
            Arc::new(longs(|id| id * 1_000_000_007 % 101).collect::<Int64Array>()),
        ),
        ("d", Arc::new(doubles(|id| (id * 37 % 11) as f64 / 4.0 - 1.0))),
        ("p5", decimals(unscaled(7), 5, 2)),
        ("p12", decimals(unscaled(12345), 12, 3)),
        ("p30", decimals(unscaled(98_765_432_109), 30, 5)),
        ("s", Arc::new(texts.collect::<StringArray>())),
        (
            "b",
            Arc::new(ids().map(|id| id.map(|id| id % 3 == 0)).collect::<BooleanArray>()),
        ),
        ("f", Arc::new(doubles(|id| (id * 3 % 5) as f64 / 2.0))),
        ("y", Arc::new(bytes(|id| id % 7).collect::<Int8Array>())),
        (
            "h",
            Arc::new(
                bytes(|id| id % 9)
                    .map(|h| h.map(i16::from))
                    .collect::<Int16Array>(),
            ),
        ),
        (
            "dt",
            Arc::new(ints(|id| 19723 + id % 10).collect::<Date32Array>()),
        ),
        ("ts", Arc::new(hours.with_data_type(statements::timestamp()))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true))).unwrap()
}

/// Three rows whose sums are beyond their types.
fn overflowing() -> RecordBatch {
    let most = 10_i128.pow(38) - 1;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("l", Arc::new(Int64Array::from(vec![i64::MAX; 3]))),
        ("p38", decimals([Some(most); 3].into_iter(), 38, 0)),
        ("d", Arc::new(Float64Array::from(vec![1.7e308; 3]))),
        ("i", Arc::new(Int32Array::from(vec![0, 1, 2]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true))).unwrap()
}

/// The tables of the lines that start with `agg`, for their settings.
fn aggregated(settings: &SqlSettings) -> SessionContext {
    let context = context(settings);
    let numbers = numbers();
    register(&context, "e", numbers.slice(0, 0));
    register(&context, "one", numbers.slice(0, 1));
    register(&context, "n", numbers);
    register(&context, "o", overflowing());
    context
}

/// A value as the file writes it.
fn show(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return "NULL".to_owned();
    }
    match array.data_type() {
        DataType::Utf8 => array
            .as_string::<i32>()
            .value(row)
            .replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n"),
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            format!(
                "0x{}",
                bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
            )
        }
        DataType::Float64 => {
            let value = array.as_primitive::<arrow::datatypes::Float64Type>().value(row);
            if value.is_nan() {
                "nan".to_owned()
            } else {
                format!("{value:?}")
            }
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array
                .as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
                .value(row);
            let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
            time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
        }
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            let parts: Vec<String> = (0..values.len()).map(|i| show(&values, i)).collect();
            format!("[{}]", parts.join(", "))
        }
        DataType::Struct(fields) => {
            let array = array.as_struct();
            let parts: Vec<String> = fields
                .iter()
                .zip(array.columns())
                .map(|(f, c)| format!("{}: {}", f.name(), show(c, row)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let parts: Vec<String> = (0..entries.len())
                .map(|i| format!("{}: {}", show(entries.column(0), i), show(entries.column(1), i)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Duration(_) => format!("{}us", interval_at(array, row).unwrap()),
        _ => ArrayFormatter::try_new(array, &FormatOptions::default())
            .unwrap()
            .value(row)
            .to_string(),
    }
}

/// A type as Spark's simpleString writes it.
fn simple(data_type: &DataType) -> String {
    super::type_name(data_type)
        .to_lowercase()
        .replace(", ", ",")
        .replace(": ", ":")
}

/// Name, type and a value for each row, or the error.
async fn evaluate(
    context: &SessionContext,
    expression: &str,
    table: &str,
    settings: &SqlSettings,
) -> Result<(String, String, Vec<String>), SqlError> {
    let batch = run(context, &format!("SELECT {expression} FROM {table}"), settings).await?;
    let schema = batch.schema();
    let field = schema.field(0);
    Ok((
        field.name().clone(),
        match IntervalFields::of(field) {
            Some(_) => simple_type_of(field),
            None => simple(field.data_type()),
        },
        (0..batch.num_rows())
            .map(|row| show(batch.column(0), row))
            .collect(),
    ))
}

/// Whether two values of the file are the same; doubles are compared as numbers.
fn same(data_type: &str, ours: &str, spark: &str) -> bool {
    if ours == spark {
        return true;
    }
    match (data_type, ours.parse::<f64>(), spark.parse::<f64>()) {
        ("double" | "float", Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Expressions of the list whose last binary digit may differ: Java has its own mathematics.
const LAST_DIGIT: [&str; 6] = ["atan2(i, d)", "cbrt(d)", "cosh(1)", "csc(d)", "exp(1)", "sin(d)"];

/// Expressions of Spark's that are refused though their functions are on the list, or that call none.
const REFUSED: [&str; 0] = [];

async fn compare(
    line: &str,
    contexts: &[SessionContext],
    settings: &SqlSettings,
    refused: &mut Vec<String>,
) -> Vec<String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let (expression, rest) = (fields[1], &fields[2..]);
    let table = fields[0].split(' ').nth(1).unwrap_or("t");
    let mut wrong = Vec::new();
    if LAST_DIGIT.contains(&expression) {
        return wrong;
    }
    for (at, context) in contexts.iter().enumerate() {
        let ours = evaluate(context, expression, table, settings).await;
        if let Err(e) = &ours
            && e.condition.starts_with("UNSUPPORTED")
        {
            // A function that is not on the list may be refused; anything else must stand among those known to be.
            if e.condition != "UNSUPPORTED_ROUTINE" {
                refused.push(expression.to_owned());
            }
            return Vec::new();
        }
        let spark = rest.get(at + 2).copied().unwrap_or(rest[0]);
        let ours = ours.map(|(name, data_type, values)| {
            if contexts.len() > 1 {
                return (name, data_type, values[0].clone());
            }
            // All rows at once; an aggregate has one.
            let differs = (1..values.len()).find(|row| {
                let spark = rest.get(row + 2);
                spark.is_some_and(|spark| !same(&data_type, &values[*row], spark))
            });
            let told = differs.map_or(values[0].clone(), |row| format!("{} in row {row}", values[row]));
            (name, data_type, told)
        });
        match (spark.strip_prefix("ERROR "), ours) {
            (Some(condition), Err(e)) if e.condition.starts_with(condition) => {}
            (Some(_), Err(e)) => wrong.push(format!(
                "{expression}: Spark {spark}, ours ERROR {}: {}",
                e.condition, e.message
            )),
            (Some(_), Ok((_, _, value))) => wrong.push(format!("{expression}: Spark {spark}, ours {value}")),
            (None, Err(e)) => wrong.push(format!(
                "{expression}: Spark {spark}, ours {}: {}",
                e.condition, e.message
            )),
            (None, Ok((name, data_type, value))) => {
                if !same(&data_type, &value, spark) {
                    wrong.push(format!("{expression}: Spark {spark}, ours {value}"));
                }
                if data_type != rest[1] {
                    wrong.push(format!(
                        "{expression}: Spark's type {}, ours {data_type}",
                        rest[1]
                    ));
                }
                if name != rest[0] && !name.starts_with("__unnamed_") {
                    wrong.push(format!("{expression}: Spark's name {}, ours {name}", rest[0]));
                }
            }
        }
    }
    wrong
}

#[tokio::test]
async fn every_expression_on_the_list_gives_sparks_name_type_and_values() {
    let rows = [with_rows(0..1), with_rows(1..2), with_rows(2..3)];
    let all = [with_rows(0..3)];
    let ansi = SqlSettings::default();
    let plain = SqlSettings {
        ansi: false,
        ..SqlSettings::default()
    };
    let aggregated = [[aggregated(&ansi)], [aggregated(&plain)]];
    let mut refused = Vec::new();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for line in EXPRESSIONS.lines() {
        let kind = line.split('\t').next().unwrap();
        let is_plain = kind.ends_with(" plain");
        let contexts = match kind {
            // Each row by itself where one of them may fail.
            "row" if line.contains("\tERROR ") => &rows[..],
            "row" => &all[..],
            "all" => &all[..],
            _ => &aggregated[usize::from(is_plain)],
        };
        let settings = if is_plain { &plain } else { &ansi };
        wrong.extend(compare(line, contexts, settings, &mut refused).await);
        checked += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {checked} lines:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    refused.sort();
    assert_eq!(refused, REFUSED);
}
