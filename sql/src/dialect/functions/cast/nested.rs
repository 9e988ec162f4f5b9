//! Casts of arrays, maps and structs: their parts, one by one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::compute::{is_null, nullif};
use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::common::Result as DataFusionResult;

use super::CastFunction;
use crate::SqlError;

impl CastFunction {
    pub(super) fn list(&self, array: &ArrayRef, field: &FieldRef) -> DataFusionResult<ArrayRef> {
        let list = array.as_list::<i32>();
        let values = self.of(field.data_type()).convert(list.values())?;
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        Ok(Arc::new(ListArray::try_new(
            Arc::clone(field),
            offsets,
            values,
            nulls,
        )?))
    }

    pub(super) fn structure(&self, array: &ArrayRef, fields: &Fields) -> DataFusionResult<ArrayRef> {
        Ok(Arc::new(self.fields(array.as_struct(), fields)?))
    }

    fn fields(&self, array: &StructArray, fields: &Fields) -> DataFusionResult<StructArray> {
        // What a field holds where its struct is NULL must not fail.
        let absent = is_null(array)?;
        let columns = array.columns().iter().zip(fields).map(|(column, field)| {
            let present = nullif(column, &absent)?;
            self.of(field.data_type()).convert(&present)
        });
        let columns: Vec<ArrayRef> = columns.collect::<DataFusionResult<_>>()?;
        Ok(StructArray::try_new_with_length(
            fields.clone(),
            columns,
            array.nulls().cloned(),
            array.len(),
        )?)
    }

    pub(super) fn map(&self, array: &ArrayRef, entries: &FieldRef) -> DataFusionResult<ArrayRef> {
        let map = array.as_map();
        let DataType::Struct(fields) = entries.data_type() else {
            return Err(SqlError::new("INTERNAL_ERROR", "a map without entries").into());
        };
        let pairs = self.fields(map.entries(), fields)?;
        let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
        Ok(Arc::new(MapArray::try_new(
            Arc::clone(entries),
            offsets,
            pairs,
            nulls,
            false,
        )?))
    }
}
