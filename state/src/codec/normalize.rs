//! The one form of floats in keys: Spark's normalisation of grouping, join and deduplication keys.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, LargeListArray, ListArray, ListViewArray, MapArray, StructArray,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;

use super::column::out_of_range;
use crate::Result;

/// A key column in which -0.0 is 0.0 and every NaN the same, also nested in structs, lists and maps.
///
/// A column without floats is returned as it is, without a copy.
///
/// # Errors
///
/// None for arrays that keep Arrow's rules.
pub fn normalize_keys(column: &ArrayRef) -> Result<ArrayRef> {
    normalize(column).map_err(|error| out_of_range("key", &error))
}

fn normalize(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !holds_floats(array.data_type()) {
        return Ok(Arc::clone(array));
    }
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        return Ok(dictionary.with_values(normalize(dictionary.values())?));
    }
    Ok(match array.data_type() {
        DataType::Float32 => Arc::new(
            array
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(normal_float),
        ),
        DataType::Float64 => Arc::new(
            array
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(normal_double),
        ),
        DataType::Struct(_) => Arc::new(normalize_struct(array.as_struct())?),
        DataType::List(field) => {
            let list = array.as_list::<i32>();
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            let values = normalize(list.values())?;
            Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?)
        }
        DataType::LargeList(field) => {
            let list = array.as_list::<i64>();
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            let values = normalize(list.values())?;
            Arc::new(LargeListArray::try_new(
                Arc::clone(field),
                offsets,
                values,
                nulls,
            )?)
        }
        DataType::ListView(field) => {
            let list = array.as_list_view::<i32>();
            let (offsets, sizes, nulls) = (
                list.offsets().clone(),
                list.sizes().clone(),
                list.nulls().cloned(),
            );
            let values = normalize(list.values())?;
            Arc::new(ListViewArray::try_new(
                Arc::clone(field),
                offsets,
                sizes,
                values,
                nulls,
            )?)
        }
        DataType::Map(field, ordered) => {
            let map = array.as_map();
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            let entries = normalize_struct(map.entries())?;
            Arc::new(MapArray::try_new(
                Arc::clone(field),
                offsets,
                entries,
                nulls,
                *ordered,
            )?)
        }
        _ => Arc::clone(array),
    })
}

fn normalize_struct(array: &StructArray) -> Result<StructArray, ArrowError> {
    let columns = array
        .columns()
        .iter()
        .map(normalize)
        .collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new_with_length(
        array.fields().clone(),
        columns,
        array.nulls().cloned(),
        array.len(),
    )
}

/// Whether floats are in values of this type, so that [`normalize_keys`] may change them.
pub fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::Dictionary(_, value) => holds_floats(value),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::Map(field, _) => holds_floats(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        _ => false,
    }
}

/// A float with one zero and one NaN.
pub(crate) fn normal_float(value: f32) -> f32 {
    if value.is_nan() {
        f32::NAN
    } else if value == 0.0 {
        0.0
    } else {
        value
    }
}

/// A double with one zero and one NaN.
pub(crate) fn normal_double(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else if value == 0.0 {
        0.0
    } else {
        value
    }
}
