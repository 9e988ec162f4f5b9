//! Maps of arrays, and arrays of maps.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, MapArray, StructArray, UInt64Builder, new_empty_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Fields, Int64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result as DataFusionResult;
use tidemill_state::normalize_keys;

use super::array_sets;
use super::array_shape::{self, range};
use super::arrays::{ArrayKind, element_field};
use crate::SqlError;
use crate::error::state;

/// The keys (0) or the values (1) of maps.
pub(super) fn part(map: &ArrayRef, part: usize, result: &DataType) -> DataFusionResult<ArrayRef> {
    let map = map.as_map();
    let (Some(values), DataType::List(field)) = (map.entries().columns().get(part), result) else {
        return Err(SqlError::new("INTERNAL_ERROR", "a map without its entries").into());
    };
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(field),
        map.offsets().clone(),
        Arc::clone(values),
        map.nulls().cloned(),
    )?))
}

/// `map_from_arrays(keys, values)`.
pub(super) fn of(keys: &ArrayRef, values: &ArrayRef, result: &DataType) -> DataFusionResult<ArrayRef> {
    let (keys, values) = (keys.as_list::<i32>(), values.as_list::<i32>());
    let compared = normalize_keys(keys.values()).map_err(state)?;
    let converter = RowConverter::new(vec![SortField::new(compared.data_type().clone())])?;
    let compared = converter.convert_columns(&[compared])?;
    let (mut of_keys, mut of_values) = (UInt64Builder::new(), UInt64Builder::new());
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..keys.len() {
        let known = keys.is_valid(row) && values.is_valid(row);
        valid.push(known);
        if !known {
            lengths.push(0);
            continue;
        }
        let (at_keys, at_values) = (
            range(keys.value_offsets(), row),
            range(values.value_offsets(), row),
        );
        if at_keys.len() != at_values.len() {
            return Err(SqlError::new(
                "INVALID_PARAMETER_VALUE.LENGTH",
                "The key array and value array of MapData must have the same length.",
            )
            .into());
        }
        let mut seen = HashSet::new();
        for (key, value) in at_keys.zip(at_values.clone()) {
            if keys.values().is_null(key) {
                return Err(SqlError::new("NULL_MAP_KEY", "Cannot use null as map key.").into());
            }
            if !seen.insert(compared.row(key)) {
                return Err(SqlError::new(
                    "DUPLICATED_MAP_KEY",
                    "A map has the same key twice; spark.sql.mapKeyDedupPolicy is not supported here.",
                )
                .into());
            }
            of_keys.append_value(key as u64);
            of_values.append_value(value as u64);
        }
        lengths.push(at_values.len());
    }
    let columns = vec![
        take(keys.values(), &of_keys.finish(), None)?,
        take(values.values(), &of_values.finish(), None)?,
    ];
    assembled(columns, lengths, valid, result)
}

/// The map array of these keys and values.
fn assembled(
    columns: Vec<ArrayRef>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
    result: &DataType,
) -> DataFusionResult<ArrayRef> {
    let (DataType::Map(entries, _), fields) = (result, fields_of(result)?) else {
        return Err(no_type());
    };
    let pairs = StructArray::try_new(fields, columns, None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(NullBuffer::from(valid));
    Ok(Arc::new(MapArray::try_new(
        Arc::clone(entries),
        offsets,
        pairs,
        nulls,
        false,
    )?))
}

fn fields_of(result: &DataType) -> DataFusionResult<Fields> {
    match result {
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => Ok(fields.clone()),
            _ => Err(no_type()),
        },
        _ => Err(no_type()),
    }
}

fn no_type() -> datafusion::error::DataFusionError {
    SqlError::new("INTERNAL_ERROR", "a map without its type").into()
}

/// `map_concat()`
pub(super) fn empty(result: &DataType, rows: usize) -> DataFusionResult<ArrayRef> {
    let fields = fields_of(result)?;
    let columns = fields.iter().map(|f| new_empty_array(f.data_type())).collect();
    assembled(columns, vec![0; rows], vec![true; rows], result)
}

/// `map_from_entries(array of pairs)`: null where a pair is.
pub(super) fn from_entries(list: &ArrayRef, result: &DataType) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let pairs = list.values().as_struct();
    let whole = |row| list.is_valid(row) && range(list.value_offsets(), row).all(|at| pairs.is_valid(at));
    let nulls = NullBuffer::from((0..list.len()).map(whole).collect::<Vec<bool>>());
    let part = |at: usize| -> DataFusionResult<ArrayRef> {
        let values = pairs.columns().get(at).ok_or_else(no_type)?;
        let field = element_field(values.data_type());
        let (offsets, values) = (list.offsets().clone(), Arc::clone(values));
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            values,
            Some(nulls.clone()),
        )?))
    };
    of(&part(0)?, &part(1)?, result)
}

/// `map_entries(map)`
pub(super) fn entries(map: &ArrayRef, result: &DataType) -> DataFusionResult<ArrayRef> {
    let map = map.as_map();
    let DataType::List(field) = result else {
        return Err(no_type());
    };
    let entries: ArrayRef = Arc::new(map.entries().clone());
    let (field, offsets, nulls) = (Arc::clone(field), map.offsets().clone(), map.nulls().cloned());
    Ok(Arc::new(ListArray::try_new(field, offsets, entries, nulls)?))
}

/// `map_concat(map, …)`: null where one of them is.
pub(super) fn concat(maps: &[ArrayRef], result: &DataType) -> DataFusionResult<ArrayRef> {
    let mut parts = Vec::with_capacity(2);
    for (at, field) in fields_of(result)?.iter().enumerate() {
        let lists = DataType::List(element_field(field.data_type()));
        let lists_of: Vec<ArrayRef> = maps
            .iter()
            .map(|map| part(map, at, &lists))
            .collect::<DataFusionResult<_>>()?;
        parts.push(array_shape::concat(&lists_of, &lists)?);
    }
    match parts.as_slice() {
        [keys, values] => of(keys, values, result),
        _ => Err(no_type()),
    }
}

/// `map_contains_key(map, key)`
pub(super) fn contains_key(map: &ArrayRef, key: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let lists = DataType::List(element_field(key.data_type()));
    let places = array_sets::of_two(ArrayKind::Position, &part(map, 0, &lists)?, key)?;
    let found = places
        .as_primitive::<Int64Type>()
        .iter()
        .map(|place| Some(place? > 0));
    Ok(Arc::new(found.collect::<BooleanArray>()))
}
