//! The nullability of a checkpoint's schema file, laid over the columns of a query.
//!
//! Columns correspond by position. Where a type has another shape the query's stays: comparing the schemas tells that.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};

/// The fields, not nullable wherever the stored ones are not.
pub(super) fn adopt(fields: &Fields, stored: &Fields) -> Fields {
    if fields.len() != stored.len() {
        return fields.clone();
    }
    fields.iter().zip(stored).map(|(f, s)| of_field(f, s)).collect()
}

fn of_field(field: &FieldRef, stored: &FieldRef) -> FieldRef {
    let data_type = of_type(field.data_type(), stored.data_type());
    let nullable = field.is_nullable() && stored.is_nullable();
    let adopted = Field::new(field.name(), data_type, nullable);
    Arc::new(adopted.with_metadata(field.metadata().clone()))
}

fn of_type(data_type: &DataType, stored: &DataType) -> DataType {
    match (data_type, stored) {
        (DataType::Struct(fields), DataType::Struct(stored)) => DataType::Struct(adopt(fields, stored)),
        (DataType::List(element), DataType::List(stored)) => DataType::List(of_field(element, stored)),
        (DataType::Map(entries, sorted), DataType::Map(stored, _)) => {
            DataType::Map(of_field(entries, stored), *sorted)
        }
        (other, _) => other.clone(),
    }
}
