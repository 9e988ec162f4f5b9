//! Schemas of both engines in one form: Spark's short names, `struct<k:string,v:array<integer>>`.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::arrow;
use serde_json::Value;

/// Of Spark's JSON.
pub(crate) fn of_spark(data_type: &Value) -> String {
    let field = |field: &Value| format!("{}:{}", field["name"].as_str().unwrap(), of_spark(&field["type"]));
    match data_type["type"].as_str() {
        None => data_type.as_str().unwrap().to_owned(),
        Some("array") => format!("array<{}>", of_spark(&data_type["elementType"])),
        Some("map") => format!(
            "map<{},{}>",
            of_spark(&data_type["keyType"]),
            of_spark(&data_type["valueType"])
        ),
        _ => {
            let fields: Vec<String> = data_type["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(field)
                .collect();
            format!("struct<{}>", fields.join(","))
        }
    }
}

/// Of Arrow's.
pub(crate) fn of_schema(schema: &Schema) -> String {
    structure(schema.fields().iter().map(AsRef::as_ref))
}

fn structure<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    let fields: Vec<String> = fields
        .map(|field| format!("{}:{}", field.name(), of(field.data_type())))
        .collect();
    format!("struct<{}>", fields.join(","))
}

fn of(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 => "short",
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::Utf8View => "string",
        DataType::Binary | DataType::BinaryView => "binary",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz",
        DataType::Decimal128(precision, scale) => return format!("decimal({precision},{scale})"),
        DataType::List(element) => return format!("array<{}>", of(element.data_type())),
        DataType::Struct(fields) => return structure(fields.iter().map(AsRef::as_ref)),
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else {
                panic!("{entries}");
            };
            return format!("map<{},{}>", of(pair[0].data_type()), of(pair[1].data_type()));
        }
        other => panic!("Spark has no {other}"),
    };
    name.to_owned()
}
