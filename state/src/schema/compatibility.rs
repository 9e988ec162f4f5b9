//! Whether state that was written with one schema may be read with another.
//!
//! Columns are compared by position: same number, same types at every depth. A column that is not nullable in the
//! checkpoint must not be nullable in the query; the other way round is fine. Names and metadata do not count.

use super::spark_type::{SparkField, SparkType, canonical};

/// The first difference that makes `new` unfit for state written as `stored`; `None` when it fits.
pub(super) fn difference(stored: &[SparkField], new: &[SparkField]) -> Option<String> {
    if stored.len() != new.len() {
        return Some(format!(
            "there are {} columns in the checkpoint and {} in the query",
            stored.len(),
            new.len()
        ));
    }
    stored
        .iter()
        .zip(new)
        .enumerate()
        .find_map(|(index, (stored, new))| {
            let difference = field_difference(stored, new)?;
            Some(format!("column {} ({}): {difference}", index + 1, new.name))
        })
}

fn field_difference(stored: &SparkField, new: &SparkField) -> Option<String> {
    nullability(stored.nullable, new.nullable).or_else(|| type_difference(&stored.data_type, &new.data_type))
}

fn nullability(stored: bool, new: bool) -> Option<String> {
    (new && !stored).then(|| "it is not nullable in the checkpoint, but in the query".to_owned())
}

fn type_difference(stored: &SparkType, new: &SparkType) -> Option<String> {
    match (stored, new) {
        (SparkType::Simple(stored), SparkType::Simple(new)) if canonical(stored) == canonical(new) => None,
        (
            SparkType::Array {
                element: stored,
                contains_null: stored_null,
            },
            SparkType::Array {
                element: new,
                contains_null: new_null,
            },
        ) => nullability(*stored_null, *new_null).or_else(|| type_difference(stored, new)),
        (
            SparkType::Map {
                key: stored_key,
                value: stored_value,
                value_contains_null: stored_null,
            },
            SparkType::Map {
                key: new_key,
                value: new_value,
                value_contains_null: new_null,
            },
        ) => nullability(*stored_null, *new_null)
            .or_else(|| type_difference(stored_key, new_key))
            .or_else(|| type_difference(stored_value, new_value)),
        (SparkType::Struct(stored), SparkType::Struct(new)) => difference(stored, new),
        (stored, new) => Some(format!(
            "its type is {} in the checkpoint and {} in the query",
            noun(stored),
            noun(new)
        )),
    }
}

fn noun(data_type: &SparkType) -> &str {
    match data_type {
        SparkType::Simple(name) => name,
        SparkType::Array { .. } => "array",
        SparkType::Map { .. } => "map",
        SparkType::Struct(_) => "struct",
    }
}
