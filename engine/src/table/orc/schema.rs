//! The types that Spark sees in an ORC file.
//!
//! Spark notes types that ORC lacks in an attribute of the stored type: a `TIMESTAMP_NTZ` is a `bigint` of microseconds.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use datafusion::error::Result as DataFusionResult;
use object_store::{ObjectMeta, ObjectStore};
use orc_rust::proto::Type;
use orc_rust::proto::r#type::Kind;

use super::damaged;
use super::tail::OrcTail;
use crate::{Result, TidemillError};

/// The attribute that holds Spark's name of a type.
const SPARK_TYPE: &str = "spark.sql.catalyst.type";

/// The columns of a file that is not empty.
///
/// # Errors
/// When the file is damaged or has a type that Spark or Tidemill does not read.
pub(in crate::table) async fn file_schema(
    store: &dyn ObjectStore,
    file: &ObjectMeta,
) -> DataFusionResult<Schema> {
    let tail = OrcTail::fetch(store, file).await?;
    let fields = struct_fields(&tail.types, 0, "")?;
    for (at, field) in fields.iter().enumerate() {
        let same = |other: &Arc<Field>| other.name().eq_ignore_ascii_case(field.name());
        if fields.iter().take(at).any(same) {
            return Err(TidemillError::invalid(
                "COLUMN_ALREADY_EXISTS",
                format!(
                    "The column `{}` already exists. Choose another name or rename the existing column.",
                    field.name().to_lowercase()
                ),
            )
            .into());
        }
    }
    Ok(Schema::new(fields))
}

/// The type with this column id, and the name of the one within it.
pub(super) fn type_at(types: &[Type], id: u32) -> Result<&Type> {
    types
        .get(id as usize)
        .ok_or_else(|| damaged(format!("it has no type {id}")))
}

/// The column id of a part of a type.
pub(super) fn part(of: &Type, at: usize) -> Result<u32> {
    of.subtypes
        .get(at)
        .copied()
        .ok_or_else(|| damaged("a list or map lacks the type of its elements"))
}

/// Spark's type of a file's; `path` names it in errors.
///
/// # Errors
/// Unions and types of Spark's that Tidemill lacks.
pub(super) fn spark_type(types: &[Type], id: u32, path: &str) -> Result<DataType> {
    let found = type_at(types, id)?;
    Ok(match found.kind() {
        Kind::Struct => DataType::Struct(struct_fields(types, id, path)?),
        Kind::List => {
            let element = spark_type(types, part(found, 0)?, &format!("{path}.element"))?;
            DataType::List(Field::new("element", element, true).into())
        }
        Kind::Map => {
            let key = spark_type(types, part(found, 0)?, &format!("{path}.key"))?;
            let value = spark_type(types, part(found, 1)?, &format!("{path}.value"))?;
            let entries = Fields::from(vec![
                Field::new("key", key, false),
                Field::new("value", value, true),
            ]);
            DataType::Map(
                Field::new("entries", DataType::Struct(entries), false).into(),
                false,
            )
        }
        _ => primitive(found, path)?,
    })
}

fn struct_fields(types: &[Type], id: u32, path: &str) -> Result<Fields> {
    let found = type_at(types, id)?;
    found
        .field_names
        .iter()
        .zip(&found.subtypes)
        .map(|(name, part)| {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            Ok(Field::new(name, spark_type(types, *part, &path)?, true))
        })
        .collect()
}

fn primitive(found: &Type, path: &str) -> Result<DataType> {
    let noted = found.attributes.iter().find(|a| a.key() == SPARK_TYPE);
    match noted.map(|a| a.value()) {
        Some("timestamp_ntz") => return Ok(DataType::Timestamp(TimeUnit::Microsecond, None)),
        Some(other) if other.starts_with("interval") || other.starts_with("time(") => {
            return Err(unsupported(path, other));
        }
        _ => {}
    }
    Ok(match found.kind() {
        Kind::Boolean => DataType::Boolean,
        Kind::Byte => DataType::Int8,
        Kind::Short => DataType::Int16,
        Kind::Int => DataType::Int32,
        Kind::Long => DataType::Int64,
        Kind::Float => DataType::Float32,
        Kind::Double => DataType::Float64,
        Kind::String | Kind::Varchar | Kind::Char => DataType::Utf8,
        Kind::Binary => DataType::Binary,
        Kind::Date => DataType::Date32,
        Kind::Timestamp | Kind::TimestampInstant => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        Kind::Decimal => {
            let digits = |n: u32| u8::try_from(n).ok().filter(|n| *n <= 38);
            match (digits(found.precision()), digits(found.scale())) {
                (Some(precision), Some(scale)) if precision > 0 && scale <= precision => {
                    DataType::Decimal128(precision, scale.cast_signed())
                }
                _ => return Err(damaged(format!("column {path} has an impossible decimal type"))),
            }
        }
        Kind::Union => return Err(unsupported(path, "uniontype")),
        Kind::Struct | Kind::List | Kind::Map => return Err(damaged("a type is not where it should be")),
    })
}

fn unsupported(path: &str, name: &str) -> TidemillError {
    TidemillError::unsupported(
        "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
        format!("The ORC datasource doesn't support the column `{path}` of the type \"{name}\"."),
    )
}
