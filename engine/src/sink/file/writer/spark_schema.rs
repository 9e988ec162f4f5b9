//! A schema as Spark writes it in JSON, for the metadata of Parquet files.

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use serde_json::{Value, json};
use tidemill_sql::record::value::INTERVAL_FIELDS_KEY;

/// Spark's JSON of a struct type; none when a column has a type that Spark has not.
pub(crate) fn spark_schema_json(schema: &Schema) -> Option<String> {
    struct_json(schema.fields()).map(|v| v.to_string())
}

fn struct_json(fields: &Fields) -> Option<Value> {
    let fields: Option<Vec<Value>> = fields.iter().map(|f| field_json(f)).collect();
    Some(json!({"type": "struct", "fields": fields?}))
}

fn field_json(field: &Field) -> Option<Value> {
    let data_type = part_json(field)?;
    Some(json!({"name": field.name(), "type": data_type, "nullable": true, "metadata": {}}))
}

/// The type of a column or of a part of one; the number that an interval is stored as says which fields it has.
fn part_json(field: &Field) -> Option<Value> {
    match field.metadata().get(INTERVAL_FIELDS_KEY) {
        Some(fields) => Some(json!(format!("interval {}", fields.to_lowercase()))),
        None => type_json(field.data_type()),
    }
}

fn type_json(data_type: &DataType) -> Option<Value> {
    let name = match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 => "short",
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Millisecond, Some(_)) => "timestamp",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz",
        DataType::Decimal128(precision, scale) => {
            return Some(json!(format!("decimal({precision},{scale})")));
        }
        DataType::List(item) | DataType::LargeList(item) => {
            let element = part_json(item)?;
            return Some(json!({"type": "array", "elementType": element, "containsNull": true}));
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else {
                return None;
            };
            let (key, value) = (part_json(pair.first()?)?, part_json(pair.get(1)?)?);
            return Some(
                json!({"type": "map", "keyType": key, "valueType": value, "valueContainsNull": true}),
            );
        }
        DataType::Struct(fields) => return struct_json(fields),
        _ => return None,
    };
    Some(json!(name))
}
