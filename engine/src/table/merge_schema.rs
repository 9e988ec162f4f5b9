//! One schema of several files' (option `mergeSchema` of Parquet and ORC), as Spark merges them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};

use crate::{Result, TidemillError};

/// The columns of both: those known first; a column of both is found without regard to case.
///
/// # Errors
/// `CANNOT_MERGE_SCHEMAS` when a column has two types; decimals of one scale go together, nothing else is widened.
pub(super) fn merge(known: &Schema, found: &Schema) -> Result<Schema> {
    Ok(Schema::new(merge_fields(known.fields(), found.fields())?))
}

fn merge_fields(known: &Fields, found: &Fields) -> Result<Fields> {
    let same = |a: &FieldRef, b: &FieldRef| a.name().eq_ignore_ascii_case(b.name());
    let mut out: Vec<FieldRef> = Vec::with_capacity(known.len());
    for field in known {
        out.push(match found.iter().find(|other| same(field, other)) {
            Some(other) => merge_field(field, other)?,
            None => Arc::clone(field),
        });
    }
    let added = found
        .iter()
        .filter(|other| !known.iter().any(|field| same(field, other)));
    out.extend(added.cloned());
    Ok(out.into())
}

fn merge_field(known: &Field, found: &Field) -> Result<FieldRef> {
    let data_type = merge_type(known.data_type(), found.data_type()).map_err(|error| match error {
        Some(inner) => inner,
        None => TidemillError::invalid(
            "CANNOT_MERGE_SCHEMAS",
            format!(
                "Failed merging schemas: column {} is {} in one file and {} in another. Write a schema.",
                known.name(),
                known.data_type(),
                found.data_type()
            ),
        ),
    })?;
    Ok(Arc::new(known.clone().with_data_type(data_type)))
}

/// The type of both; none in the error for two types that do not go together here.
fn merge_type(known: &DataType, found: &DataType) -> std::result::Result<DataType, Option<TidemillError>> {
    match (known, found) {
        (a, b) if a == b => Ok(a.clone()),
        (DataType::Decimal128(p, s), DataType::Decimal128(q, t)) if s == t => {
            Ok(DataType::Decimal128(*p.max(q), *s))
        }
        (DataType::Struct(a), DataType::Struct(b)) => Ok(DataType::Struct(merge_fields(a, b)?)),
        (DataType::List(a), DataType::List(b)) => Ok(DataType::List(merge_field(a, b)?)),
        (DataType::Map(a, sorted), DataType::Map(b, _)) => Ok(DataType::Map(merge_field(a, b)?, *sorted)),
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &[(&str, DataType)]) -> Schema {
        let fields = fields.iter().map(|(name, t)| Field::new(*name, t.clone(), true));
        Schema::new(fields.collect::<Vec<_>>())
    }

    #[test]
    fn columns_are_added_and_decimals_of_one_scale_widened() {
        let inner = |fields: &[(&str, DataType)]| DataType::Struct(schema(fields).fields().clone());
        let known = schema(&[
            ("a", DataType::Int32),
            ("d", DataType::Decimal128(5, 2)),
            ("s", inner(&[("x", DataType::Int32)])),
        ]);
        let found = schema(&[
            ("k", DataType::Utf8),
            ("A", DataType::Int32),
            ("d", DataType::Decimal128(9, 2)),
            ("s", inner(&[("y", DataType::Utf8)])),
        ]);
        let expected = schema(&[
            ("a", DataType::Int32),
            ("d", DataType::Decimal128(9, 2)),
            ("s", inner(&[("x", DataType::Int32), ("y", DataType::Utf8)])),
            ("k", DataType::Utf8),
        ]);
        assert_eq!(merge(&known, &found).unwrap(), expected);
    }

    #[test]
    fn two_types_of_one_column_are_refused_by_name() {
        let error = merge(
            &schema(&[("a", DataType::Int32)]),
            &schema(&[("a", DataType::Int64)]),
        )
        .unwrap_err();
        assert_eq!(error.condition(), "CANNOT_MERGE_SCHEMAS");
        assert!(error.message().contains("column a is Int32"), "{error}");
    }
}
