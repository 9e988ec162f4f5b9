//! The schema of a store's rows, as Spark writes it down at the first start and compares it at every later one.
//!
//! A schema file stands under partition 0 of an operator only. [`check_or_write_schema`] makes it, or compares it:
//! the columns' number and types must be the same and a column may not have become nullable; names do not count.

use arrow::datatypes::Fields;
use tidemill_checkpoint::CheckpointFileManager;

use crate::file::store_folder;
use crate::{OperatorId, Result, StateError, StateStoreId};

mod compatibility;
mod file;
mod json;
mod nullability;
mod spark_type;
#[cfg(test)]
mod tests;
mod utf;

pub use file::{ColumnFamilySchema, KeyStateEncoderSpec, parse_v3};
use spark_type::SparkField;

/// The columns of a store's keys and values.
///
/// Arrow fields with Spark's meaning. Of a field's metadata, `spark.timeWindow`, `spark.sessionWindow` (`true`) and
/// `spark.watermarkDelayMs` (a number) are kept; nothing else is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSchema {
    /// The columns of the key row.
    pub key: Fields,
    /// The columns of the value row.
    pub value: Fields,
}

impl StateSchema {
    /// The key's schema as Spark's compact JSON.
    ///
    /// # Errors
    /// A column whose type Spark does not have.
    pub fn key_json(&self) -> Result<String> {
        Ok(json::format(&spark_type::of_fields(&self.key)?))
    }

    /// The value's schema as Spark's compact JSON.
    ///
    /// # Errors
    /// As for [`key_json`](Self::key_json).
    pub fn value_json(&self) -> Result<String> {
        Ok(json::format(&spark_type::of_fields(&self.value)?))
    }
}

/// What came of comparing a schema with the checkpoint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaCheck {
    /// The checkpoint had none; it has this one now.
    New,
    /// The checkpoint's fits.
    Same,
}

/// Compares `schema` with the one in the checkpoint, or writes it when there is none.
///
/// # Errors
/// `STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE` and `STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE` with both schemas; a type
/// that Spark does not have; a damaged schema file.
pub async fn check_or_write_schema(
    manager: &dyn CheckpointFileManager,
    operator: OperatorId,
    store_name: &str,
    schema: &StateSchema,
) -> Result<SchemaCheck> {
    check(manager, operator, store_name, schema, true).await
}

/// As [`check_or_write_schema`], but the value columns may differ: a deduplication does not read its values, and old
/// versions of Spark wrote another schema for them.
///
/// # Errors
/// As for [`check_or_write_schema`], less the value's.
pub async fn check_key_or_write_schema(
    manager: &dyn CheckpointFileManager,
    operator: OperatorId,
    store_name: &str,
    schema: &StateSchema,
) -> Result<SchemaCheck> {
    check(manager, operator, store_name, schema, false).await
}

/// The schema in the checkpoint, of version 1 or 2; `None` when there is none.
///
/// # Errors
/// A damaged file, and a type that is not supported, by its name.
pub async fn read_schema(
    manager: &dyn CheckpointFileManager,
    operator: OperatorId,
    store_name: &str,
) -> Result<Option<StateSchema>> {
    let path = schema_path(operator, store_name);
    match read_stored(manager, &path).await? {
        Some(stored) => {
            let described = manager.describe(&path);
            Ok(Some(StateSchema {
                key: spark_type::to_fields(&stored.key, &described)?,
                value: spark_type::to_fields(&stored.value, &described)?,
            }))
        }
        None => Ok(None),
    }
}

/// The schema with the nullability that the checkpoint's schema file has; unchanged when there is none.
///
/// Checkpoints that pin `spark.sql.streaming.statefulOperator.alwaysNullableOutput.enabled` to false have columns that
/// are not nullable, as the types of their query were; a row's bytes are the same either way.
///
/// # Errors
/// As for [`read_schema`].
pub async fn with_stored_nullability(
    manager: &dyn CheckpointFileManager,
    operator: OperatorId,
    store_name: &str,
    schema: &StateSchema,
) -> Result<StateSchema> {
    let Some(stored) = read_schema(manager, operator, store_name).await? else {
        return Ok(schema.clone());
    };
    Ok(StateSchema {
        key: nullability::adopt(&schema.key, &stored.key),
        value: nullability::adopt(&schema.value, &stored.value),
    })
}

/// The schema of a file, in Spark's types.
struct StoredSchema {
    key: Vec<SparkField>,
    value: Vec<SparkField>,
}

fn schema_path(operator: OperatorId, store_name: &str) -> String {
    let id = StateStoreId {
        operator,
        partition: 0,
        store_name: store_name.to_owned(),
    };
    format!("{}/_metadata/schema", store_folder(&id))
}

async fn read_stored(manager: &dyn CheckpointFileManager, path: &str) -> Result<Option<StoredSchema>> {
    match manager.read(path).await? {
        Some(content) => file::parse(&manager.describe(path), &content).map(Some),
        None => Ok(None),
    }
}

async fn check(
    manager: &dyn CheckpointFileManager,
    operator: OperatorId,
    store_name: &str,
    schema: &StateSchema,
    check_value: bool,
) -> Result<SchemaCheck> {
    let path = schema_path(operator, store_name);
    let new = StoredSchema {
        key: spark_type::of_fields(&schema.key)?,
        value: spark_type::of_fields(&schema.value)?,
    };
    let Some(stored) = read_stored(manager, &path).await? else {
        let content = file::format_v2(&json::format(&new.key), &json::format(&new.value))?;
        let created = manager.create(&path, content.into()).await?;
        created.or_concurrent(&manager.describe(&path))?;
        return Ok(SchemaCheck::New);
    };
    if let Some(difference) = compatibility::difference(&stored.key, &new.key) {
        return Err(StateError::KeySchemaNotCompatible {
            path: manager.describe(&path),
            stored: json::format(&stored.key),
            new: json::format(&new.key),
            difference,
        });
    }
    if check_value && let Some(difference) = compatibility::difference(&stored.value, &new.value) {
        return Err(StateError::ValueSchemaNotCompatible {
            path: manager.describe(&path),
            stored: json::format(&stored.value),
            new: json::format(&new.value),
            difference,
        });
    }
    Ok(SchemaCheck::Same)
}
