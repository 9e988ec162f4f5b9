//! Spark's compact schema JSON: `{"type":"struct","fields":[…]}` without blanks.

use serde_json::{Map, Value, json};
use tidemill_checkpoint::{CheckpointError, parse_json};

use super::spark_type::{SparkField, SparkType};
use crate::Result;

const EXPECTED: &str = "a struct type as Spark's compact schema JSON";

/// The JSON text of a struct of these fields.
pub(super) fn format(fields: &[SparkField]) -> String {
    struct_value(fields).to_string()
}

fn struct_value(fields: &[SparkField]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|field| {
            json!({
                "name": field.name,
                "type": type_value(&field.data_type),
                "nullable": field.nullable,
                "metadata": field.metadata,
            })
        })
        .collect();
    json!({"type": "struct", "fields": fields})
}

fn type_value(data_type: &SparkType) -> Value {
    match data_type {
        SparkType::Simple(name) => Value::String(name.clone()),
        SparkType::Array {
            element,
            contains_null,
        } => json!({"type": "array", "elementType": type_value(element), "containsNull": contains_null}),
        SparkType::Map {
            key,
            value,
            value_contains_null,
        } => json!({
            "type": "map",
            "keyType": type_value(key),
            "valueType": type_value(value),
            "valueContainsNull": value_contains_null,
        }),
        SparkType::Struct(fields) => struct_value(fields),
    }
}

/// The fields of a struct's JSON text; `path` is for messages.
pub(super) fn parse(path: &str, text: &str) -> Result<Vec<SparkField>> {
    let value: Value = parse_json(path, text, EXPECTED)?;
    match type_of(&value) {
        Ok(SparkType::Struct(fields)) => Ok(fields),
        Ok(_) => Err(malformed(path, text, "it is no struct")),
        Err(reason) => Err(malformed(path, text, &reason)),
    }
}

fn malformed(path: &str, text: &str, reason: &str) -> crate::StateError {
    CheckpointError::Malformed {
        path: path.to_owned(),
        expected: EXPECTED.to_owned(),
        found: text.chars().take(80).collect(),
        reason: reason.to_owned(),
    }
    .into()
}

fn type_of(value: &Value) -> Result<SparkType, String> {
    let object = match value {
        Value::String(name) => return Ok(SparkType::Simple(name.clone())),
        Value::Object(object) => object,
        other => return Err(format!("{other} is no type")),
    };
    match text(object, "type")? {
        "struct" => match member(object, "fields")? {
            Value::Array(fields) => fields
                .iter()
                .map(field_of)
                .collect::<Result<_, _>>()
                .map(SparkType::Struct),
            other => Err(format!("fields is {other}")),
        },
        "array" => Ok(SparkType::Array {
            element: Box::new(type_of(member(object, "elementType")?)?),
            contains_null: flag(object, "containsNull")?,
        }),
        "map" => Ok(SparkType::Map {
            key: Box::new(type_of(member(object, "keyType")?)?),
            value: Box::new(type_of(member(object, "valueType")?)?),
            value_contains_null: flag(object, "valueContainsNull")?,
        }),
        other => Err(format!("the type {other:?} is not known")),
    }
}

fn field_of(value: &Value) -> Result<SparkField, String> {
    let Value::Object(object) = value else {
        return Err(format!("{value} is no field"));
    };
    let metadata = match object.get("metadata") {
        Some(Value::Object(metadata)) => metadata.clone(),
        None => Map::new(),
        Some(other) => return Err(format!("metadata is {other}")),
    };
    Ok(SparkField {
        name: text(object, "name")?.to_owned(),
        data_type: type_of(member(object, "type")?)?,
        nullable: flag(object, "nullable")?,
        metadata,
    })
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, String> {
    object.get(name).ok_or_else(|| format!("{name} is missing"))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let value = member(object, name)?;
    value.as_str().ok_or_else(|| format!("{name} is {value}"))
}

fn flag(object: &Map<String, Value>, name: &str) -> Result<bool, String> {
    let value = member(object, name)?;
    value.as_bool().ok_or_else(|| format!("{name} is {value}"))
}
