//! The schema files: versions 1 and 2 of one store, version 3 of all column families of a store.
//!
//! ```text
//! v1: utf "v1" | utf key JSON | utf value JSON
//! v2: utf "v2" | chunks key JSON | chunks value JSON
//! v3: utf "v3" | int families | per family: utf name | short id | chunks key JSON | short id |
//!     chunks value JSON | chunks encoder JSON | chunks user key JSON
//! ```

use arrow::datatypes::Fields;
use serde::{Deserialize, Serialize};
use tidemill_checkpoint::{CheckpointError, parse_json};

use super::utf::{Input, put_chunks, put_utf};
use super::{StateSchema, StoredSchema, json, spark_type};
use crate::{Result, StateError};

const KEY: &str = "the key schema";
const VALUE: &str = "the value schema";

/// What stands for "no user key": the columns of a variable that is no map.
const NO_USER_KEY: &str = "{    }";

/// Reads version 1 or 2; `path` is for messages.
pub(super) fn parse(path: &str, content: &[u8]) -> Result<StoredSchema> {
    let mut input = Input::new(path, content);
    let (key, value) = match version(path, content, &mut input, 2)? {
        1 => (input.utf(KEY)?, input.utf(VALUE)?),
        _ => (input.chunks(KEY)?, input.chunks(VALUE)?),
    };
    input.end()?;
    Ok(StoredSchema {
        key: json::parse(path, &key)?,
        value: json::parse(path, &value)?,
    })
}

/// The bytes of version 2.
pub(super) fn format_v2(key: &str, value: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(key.len() + value.len() + 32);
    put_utf("v2", &mut out)?;
    put_chunks(key, &mut out)?;
    put_chunks(value, &mut out)?;
    Ok(out)
}

/// How the keys of a column family are laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "keyStateEncoderType", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum KeyStateEncoderSpec {
    /// Whole key rows.
    #[serde(rename = "NoPrefixKeyStateEncoderSpec")]
    NoPrefix,
    /// The leading columns apart, for prefix scans.
    #[serde(rename = "PrefixKeyScanStateEncoderSpec")]
    PrefixKeyScan {
        /// How many columns lead.
        num_cols_prefix_key: u32,
    },
    /// Some columns apart in an order of bytes, for range scans.
    #[serde(rename = "RangeKeyScanStateEncoderSpec")]
    RangeKeyScan {
        /// The columns, by position.
        ordering_ordinals: Vec<u32>,
    },
    /// The event time after the key row.
    #[serde(rename = "TimestampAsPostfixKeyStateEncoderSpec")]
    TimestampAsPostfix,
    /// The event time before the key row.
    #[serde(rename = "TimestampAsPrefixKeyStateEncoderSpec")]
    TimestampAsPrefix,
}

/// The schema of one column family, from a file of version 3.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnFamilySchema {
    /// The family's name.
    pub name: String,
    /// The number of the key schema.
    pub key_schema_id: i16,
    /// The number of the value schema.
    pub value_schema_id: i16,
    /// The columns.
    pub schema: StateSchema,
    /// The layout of the keys.
    pub encoder: KeyStateEncoderSpec,
    /// The user's key columns, for a map.
    pub user_key: Option<Fields>,
}

/// Reads a schema file of version 3: the column families in the order of the file. `path` is for messages.
///
/// # Errors
/// A damaged file, another version, a type that is not supported.
pub fn parse_v3(path: &str, content: &[u8]) -> Result<Vec<ColumnFamilySchema>> {
    let mut input = Input::new(path, content);
    let found = version(path, content, &mut input, 3)?;
    if found != 3 {
        return Err(CheckpointError::VersionMismatch {
            path: path.to_owned(),
            supported: 3,
            found,
        }
        .into());
    }
    let families = input.int("the number of column families")?;
    if families < 0 {
        return Err(input.malformed("the number of column families", families.to_string()));
    }
    let mut found = Vec::new();
    for _ in 0..families {
        found.push(family(path, &mut input)?);
    }
    input.end()?;
    Ok(found)
}

fn family(path: &str, input: &mut Input<'_>) -> Result<ColumnFamilySchema> {
    let columns = |text: &str| spark_type::to_fields(&json::parse(path, text)?, path);
    let name = input.utf("the name of a column family")?;
    let key_schema_id = input.short("the number of the key schema")?;
    let key = columns(&input.chunks(KEY)?)?;
    let value_schema_id = input.short("the number of the value schema")?;
    let value = columns(&input.chunks(VALUE)?)?;
    let encoder = parse_json(path, &input.chunks("the key encoder")?, "a key state encoder")?;
    let user_key = input.chunks("the user key schema")?;
    Ok(ColumnFamilySchema {
        name,
        key_schema_id,
        value_schema_id,
        schema: StateSchema { key, value },
        encoder,
        user_key: match user_key.as_str() {
            NO_USER_KEY => None,
            text => Some(columns(text)?),
        },
    })
}

/// The version at the file's beginning.
fn version(path: &str, content: &[u8], input: &mut Input<'_>, supported: u32) -> Result<u64> {
    if content.is_empty() {
        return Err(CheckpointError::Empty {
            path: path.to_owned(),
            expected: "a state schema".to_owned(),
        }
        .into());
    }
    let text = input.utf("the version of the schema file")?;
    let number = text
        .strip_prefix('v')
        .and_then(|digits| digits.parse::<u64>().ok());
    match number {
        Some(found) if found > u64::from(supported) => Err(CheckpointError::UnsupportedVersion {
            path: path.to_owned(),
            supported,
            found,
        }
        .into()),
        Some(found) if found > 0 => Ok(found),
        _ => Err(StateError::Checkpoint(CheckpointError::MalformedVersion {
            path: path.to_owned(),
            supported,
            found: text.chars().take(80).collect(),
        })),
    }
}
