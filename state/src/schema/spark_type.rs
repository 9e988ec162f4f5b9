//! Spark's types, and how Arrow fields stand for them.
//!
//! A simple type is known by the name Spark's JSON gives it. Arrow types that no Spark type stands for are refused by
//! the column's name, and so are Spark types that have no Arrow type here.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};
use serde_json::{Map, Value};
use tidemill_checkpoint::CheckpointError;

use crate::{Result, StateError};

/// Field metadata that is a JSON `true`.
const FLAGS: [&str; 2] = ["spark.timeWindow", "spark.sessionWindow"];
/// Field metadata that is a JSON number: the watermark's delay in milliseconds.
const DELAY: &str = "spark.watermarkDelayMs";

const DAY_TIME: &str = "interval day to second";
const YEAR_MONTH: &str = "interval year to month";
const TIME: &str = "time(6)";
const MAX_PRECISION: u8 = 38;

/// A Spark type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SparkType {
    /// By the name in JSON: `long`, `decimal(10,2)` …
    Simple(String),
    /// An array.
    Array {
        element: Box<SparkType>,
        contains_null: bool,
    },
    /// A map.
    Map {
        key: Box<SparkType>,
        value: Box<SparkType>,
        value_contains_null: bool,
    },
    /// A struct.
    Struct(Vec<SparkField>),
}

/// A column, or a field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SparkField {
    pub(super) name: String,
    pub(super) data_type: SparkType,
    pub(super) nullable: bool,
    pub(super) metadata: Map<String, Value>,
}

/// Arrow fields in Spark's types.
pub(super) fn of_fields(fields: &Fields) -> Result<Vec<SparkField>> {
    fields.iter().map(|field| of_field(field)).collect()
}

fn of_field(field: &Field) -> Result<SparkField> {
    let mut metadata = Map::new();
    for flag in FLAGS {
        if field.metadata().get(flag).is_some_and(|value| value == "true") {
            metadata.insert(flag.to_owned(), Value::Bool(true));
        }
    }
    if let Some(delay) = field.metadata().get(DELAY) {
        let delay_ms: i64 = delay.parse().map_err(|_| StateError::SchemaType {
            column: field.name().clone(),
            found: format!("metadata {DELAY}={delay}"),
            expected: "a number of milliseconds",
        })?;
        metadata.insert(DELAY.to_owned(), delay_ms.into());
    }
    Ok(SparkField {
        name: field.name().clone(),
        data_type: of_type(field, field.data_type())?,
        nullable: field.is_nullable(),
        metadata,
    })
}

fn of_type(field: &Field, data_type: &DataType) -> Result<SparkType> {
    let simple = |name: &str| Ok(SparkType::Simple(name.to_owned()));
    match data_type {
        DataType::Null => simple("void"),
        DataType::Boolean => simple("boolean"),
        DataType::Int8 => simple("byte"),
        DataType::Int16 => simple("short"),
        DataType::Int32 => simple("integer"),
        DataType::Int64 => simple("long"),
        DataType::Float32 => simple("float"),
        DataType::Float64 => simple("double"),
        DataType::Date32 => simple("date"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => simple("string"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            simple("binary")
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => simple("timestamp"),
        DataType::Timestamp(TimeUnit::Microsecond, None) => simple("timestamp_ntz"),
        DataType::Time64(TimeUnit::Nanosecond) => simple(TIME),
        DataType::Duration(TimeUnit::Microsecond) => simple(DAY_TIME),
        DataType::Interval(IntervalUnit::YearMonth) => simple(YEAR_MONTH),
        DataType::Interval(IntervalUnit::MonthDayNano) => simple("interval"),
        DataType::Decimal128(precision, scale)
            if (1..=MAX_PRECISION).contains(precision) && (0..=precision.cast_signed()).contains(scale) =>
        {
            simple(&format!("decimal({precision},{scale})"))
        }
        DataType::List(element) | DataType::LargeList(element) | DataType::ListView(element) => {
            Ok(SparkType::Array {
                element: Box::new(of_type(field, element.data_type())?),
                contains_null: element.is_nullable(),
            })
        }
        DataType::Map(entries, _) => match entry_fields(entries) {
            Some((key, value)) => Ok(SparkType::Map {
                key: Box::new(of_type(field, key.data_type())?),
                value: Box::new(of_type(field, value.data_type())?),
                value_contains_null: value.is_nullable(),
            }),
            None => unsupported(field, data_type),
        },
        DataType::Struct(fields) => of_fields(fields).map(SparkType::Struct),
        DataType::Dictionary(_, value) => of_type(field, value),
        other => unsupported(field, other),
    }
}

fn entry_fields(entries: &Field) -> Option<(&FieldRef, &FieldRef)> {
    match entries.data_type() {
        DataType::Struct(fields) => match fields.as_ref() {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

fn unsupported(field: &Field, data_type: &DataType) -> Result<SparkType> {
    Err(StateError::SchemaType {
        column: field.name().clone(),
        found: format!("the Arrow type {data_type}"),
        expected: "a type that Spark has: CAST the column to one",
    })
}

/// Columns of a schema file as Arrow fields; `path` is for messages.
pub(super) fn to_fields(fields: &[SparkField], path: &str) -> Result<Fields> {
    fields.iter().map(|field| to_field(field, path)).collect()
}

fn to_field(field: &SparkField, path: &str) -> Result<Field> {
    let mut metadata = HashMap::new();
    for (key, value) in &field.metadata {
        if FLAGS.contains(&key.as_str()) || key == DELAY {
            metadata.insert(key.clone(), value.to_string());
        }
    }
    let data_type = to_type(&field.data_type, &field.name, path)?;
    Ok(Field::new(&field.name, data_type, field.nullable).with_metadata(metadata))
}

fn to_type(data_type: &SparkType, column: &str, path: &str) -> Result<DataType> {
    Ok(match data_type {
        SparkType::Simple(name) => simple_to_arrow(name).ok_or_else(|| {
            StateError::Checkpoint(CheckpointError::Malformed {
                path: path.to_owned(),
                expected: "the types of Spark that are supported".to_owned(),
                found: name.clone(),
                reason: format!("column {column} has a type that is not"),
            })
        })?,
        SparkType::Array {
            element,
            contains_null,
        } => DataType::List(Arc::new(Field::new(
            "element",
            to_type(element, column, path)?,
            *contains_null,
        ))),
        SparkType::Map {
            key,
            value,
            value_contains_null,
        } => {
            let entries = Fields::from(vec![
                Field::new("key", to_type(key, column, path)?, false),
                Field::new("value", to_type(value, column, path)?, *value_contains_null),
            ]);
            DataType::Map(
                Arc::new(Field::new("entries", DataType::Struct(entries), false)),
                false,
            )
        }
        SparkType::Struct(fields) => DataType::Struct(to_fields(fields, path)?),
    })
}

fn simple_to_arrow(name: &str) -> Option<DataType> {
    Some(match canonical(name) {
        "void" => DataType::Null,
        "boolean" => DataType::Boolean,
        "byte" => DataType::Int8,
        "short" => DataType::Int16,
        "integer" => DataType::Int32,
        "long" => DataType::Int64,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        "string" => DataType::Utf8,
        "binary" => DataType::Binary,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "interval" => DataType::Interval(IntervalUnit::MonthDayNano),
        TIME => DataType::Time64(TimeUnit::Nanosecond),
        DAY_TIME => DataType::Duration(TimeUnit::Microsecond),
        YEAR_MONTH => DataType::Interval(IntervalUnit::YearMonth),
        other => {
            let (precision, scale) = arguments(other, "decimal")?.split_once(',')?;
            let (precision, scale): (u8, i8) = (precision.parse().ok()?, scale.parse().ok()?);
            let fits =
                (1..=MAX_PRECISION).contains(&precision) && (0..=precision.cast_signed()).contains(&scale);
            fits.then_some(DataType::Decimal128(precision, scale))?
        }
    })
}

/// The name under which types with the same rows go: precisions and lengths that only bound the values are left out.
pub(super) fn canonical(name: &str) -> &str {
    if arguments(name, "char").is_some() || arguments(name, "varchar").is_some() {
        return "string";
    }
    if arguments(name, "time").is_some() {
        return TIME;
    }
    match name
        .strip_prefix("interval ")
        .and_then(|units| units.split(' ').next())
    {
        Some("day" | "hour" | "minute" | "second") => DAY_TIME,
        Some("year" | "month") => YEAR_MONTH,
        // What Spark called it before it had a literal of this type.
        _ if name == "null" => "void",
        _ => name,
    }
}

fn arguments<'a>(name: &'a str, function: &str) -> Option<&'a str> {
    name.strip_prefix(function)?.strip_prefix('(')?.strip_suffix(')')
}
