//! Rows as JSON, in the form that the golden cases have them; comparison with a tolerance for numbers.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine as _;
use datafusion::arrow;
use serde_json::{Map, Value, json};

/// The rows of batches as JSON objects.
pub(crate) fn rows_of(batches: &[RecordBatch]) -> Vec<Value> {
    let mut out = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let fields = batch.schema_ref().fields().iter().zip(batch.columns());
            let object: Map<String, Value> = fields
                .map(|(field, column)| (field.name().clone(), value(column, row)))
                .collect();
            out.push(Value::Object(object));
        }
    }
    out
}

fn value(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Float32 => float(f64::from(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            let unscaled = column.as_primitive::<Decimal128Type>().value(row);
            json!(unscaled as f64 / 10f64.powi(i32::from(*scale)))
        }
        DataType::Binary => {
            json!(base64::engine::general_purpose::STANDARD.encode(column.as_binary::<i32>().value(row)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = column
                .as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
                .value(row);
            let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
            match zone {
                Some(_) => json!(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()),
                None => json!(time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()),
            }
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns();
            let object = fields.iter().zip(columns);
            Value::Object(object.map(|(f, c)| (f.name().clone(), value(c, row))).collect())
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|i| value(&items, i)).collect())
        }
        data_type => {
            let text = ArrayFormatter::try_new(column, &FormatOptions::default())
                .unwrap()
                .value(row)
                .to_string();
            match data_type.is_integer() {
                true => json!(text.parse::<i64>().unwrap()),
                false => json!(text),
            }
        }
    }
}

/// JSON has no number for what is not finite.
fn float(value: f64) -> Value {
    match value.is_finite() {
        true => json!(value),
        false => json!(value.to_string()),
    }
}

/// Both bags of rows in the same order, numbers without regard to the last digits; null fields do not count.
pub(crate) fn comparable(rows: Vec<Value>) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.into_iter().map(rounded).collect();
    rows.sort_by_key(Value::to_string);
    rows
}

fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            json!(format!("{:.9e}", number.as_f64().unwrap_or(f64::NAN) + 0.0))
        }
        Value::Number(number) => json!(format!("{:.9e}", number.as_f64().unwrap_or(f64::NAN))),
        Value::String(text) => match text.as_str() {
            "NaN" => json!("NaN"),
            _ if text.ends_with(".000000") => json!(text.trim_end_matches(".000000")),
            _ if is_local_time(&text) => json!(text.trim_end_matches('0')),
            _ => json!(text),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(rounded).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields
                .into_iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k, rounded(v)))
                .collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect())
        }
        other => other,
    }
}

fn is_local_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes()[10] == b'T' && text.as_bytes()[19] == b'.' && !text.ends_with('Z')
}
