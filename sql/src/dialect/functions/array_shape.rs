//! Parts of arrays, arrays of arrays, and arrays as text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StringBuilder, UInt64Builder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, interleave, take};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::Result as DataFusionResult;

use super::super::SqlSettings;
use super::super::analyzer::tightest;
use super::super::statements::array;
use super::arrays::element_field;
use super::rows::convert;
use crate::SqlError;

/// Where the elements of a row are.
pub(super) fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |n: usize| offsets.get(n).map_or(0, |o| usize::try_from(*o).unwrap_or(0));
    at(row)..at(row + 1)
}

/// Lists of the elements at these places.
pub(super) fn lists(
    values: &ArrayRef,
    mut places: UInt64Builder,
    lengths: Vec<usize>,
    valid: Vec<bool>,
) -> DataFusionResult<ArrayRef> {
    let values = take(values, &places.finish(), None)?;
    let field = element_field(values.data_type());
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = NullBuffer::from(valid);
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls))?))
}

/// `slice(list, start, length)`: from 1, or from the end below 0.
pub(super) fn slice(list: &ArrayRef, start: &ArrayRef, length: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let (start, length) = (
        start.as_primitive::<Int32Type>(),
        length.as_primitive::<Int32Type>(),
    );
    let mut places = UInt64Builder::new();
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..list.len() {
        if list.is_null(row) || start.is_null(row) || length.is_null(row) {
            lengths.push(0);
            valid.push(false);
            continue;
        }
        valid.push(true);
        let wrong = |parameter: &str, requires: &str| {
            SqlError::new(
                format!("INVALID_PARAMETER_VALUE.{parameter}"),
                format!(
                    "The value of parameter(s) `{}` in `slice` is invalid: {requires}",
                    parameter.to_lowercase()
                ),
            )
        };
        let wanted = usize::try_from(length.value(row))
            .map_err(|_| wrong("LENGTH", "Expects `length` greater than or equal to 0."))?;
        let all = range(list.value_offsets(), row);
        let first = match start.value(row) {
            0 => {
                return Err(wrong(
                    "START",
                    "Expects a positive or a negative value for `start`, but got 0.",
                )
                .into());
            }
            from if from > 0 => usize::try_from(from - 1).ok(),
            from => all
                .len()
                .checked_sub(usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX)),
        };
        let picked = first.map_or(0..0, |first| {
            let first = all.start.saturating_add(first).min(all.end);
            first..first.saturating_add(wanted).min(all.end)
        });
        lengths.push(picked.len());
        picked.for_each(|at| places.append_value(at as u64));
    }
    lists(list.values(), places, lengths, valid)
}

/// `flatten(list)`: null where one of the lists is.
pub(super) fn flatten(list: &ArrayRef, result: &DataType) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let Some(inner) = list.values().as_list_opt::<i32>() else {
        return Ok(arrow::array::new_null_array(result, list.len()));
    };
    let mut places = UInt64Builder::new();
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..list.len() {
        let all = range(list.value_offsets(), row);
        let known = list.is_valid(row) && all.clone().all(|at| inner.is_valid(at));
        valid.push(known);
        let mut count = 0;
        if known {
            for at in all.flat_map(|at| range(inner.value_offsets(), at)) {
                places.append_value(at as u64);
                count += 1;
            }
        }
        lengths.push(count);
    }
    lists(inner.values(), places, lengths, valid)
}

/// `array_join(list, delimiter[, text for nulls])`: nulls are left out without a text for them.
pub(super) fn join(list: &ArrayRef, others: &[ArrayRef]) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let texts = convert(list.values(), DataType::Utf8, &SqlSettings::default())?;
    let texts = texts.as_string::<i32>();
    let mut out = StringBuilder::new();
    for row in 0..list.len() {
        let mut others = others.iter().map(|o| o.as_string::<i32>());
        let (delimiter, replacement) = (others.next(), others.next());
        let known = delimiter.is_some_and(|d| d.is_valid(row)) && replacement.is_none_or(|r| r.is_valid(row));
        if list.is_null(row) || !known {
            out.append_null();
            continue;
        }
        let delimiter = delimiter.map_or("", |d| d.value(row));
        let replacement = replacement.map(|r| r.value(row));
        let parts: Vec<&str> = range(list.value_offsets(), row)
            .filter_map(|at| {
                if texts.is_valid(at) {
                    Some(texts.value(at))
                } else {
                    replacement
                }
            })
            .collect();
        out.append_value(parts.join(delimiter));
    }
    Ok(Arc::new(out.finish()))
}

/// The longest array that Spark makes.
const LONGEST: i128 = 2_147_483_632;

/// `sequence(from, to[, step])`: by 1 towards the end without a step.
pub(super) fn sequence(
    from: &ArrayRef,
    to: &ArrayRef,
    step: Option<&ArrayRef>,
    result: &DataType,
) -> DataFusionResult<ArrayRef> {
    let long = |array: &ArrayRef| {
        let whole = match array.data_type() {
            DataType::Date32 => cast(array, &DataType::Int32)?,
            _ => Arc::clone(array),
        };
        cast(&whole, &DataType::Int64)
    };
    let (from, to) = (long(from)?, long(to)?);
    let step = step.map(long).transpose()?;
    let (from, to) = (from.as_primitive::<Int64Type>(), to.as_primitive::<Int64Type>());
    let step = step.as_ref().map(|s| s.as_primitive::<Int64Type>());
    let mut values = Vec::new();
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..from.len() {
        let known = from.is_valid(row) && to.is_valid(row) && step.is_none_or(|s| s.is_valid(row));
        valid.push(known);
        let before = values.len();
        if known {
            let (first, last) = (i128::from(from.value(row)), i128::from(to.value(row)));
            let towards = if first <= last { 1 } else { -1 };
            let by = step.map_or(towards, |s| i128::from(s.value(row)));
            let wrong = first != last && (last - first).signum() != by.signum();
            let count = if first == last || by == 0 {
                1
            } else {
                (last - first) / by + 1
            };
            if wrong || count > LONGEST {
                return Err(SqlError::new(
                    "INVALID_PARAMETER_VALUE.SEQUENCE",
                    format!("Illegal sequence boundaries: {first} to {last} by {by}"),
                )
                .into());
            }
            values.extend((0..count).filter_map(|at| i64::try_from(first + at * by).ok()));
        }
        lengths.push(values.len() - before);
    }
    let DataType::List(field) = result else {
        return Err(SqlError::new("INTERNAL_ERROR", "a sequence without its type").into());
    };
    let values: ArrayRef = Arc::new(Int64Array::from(values));
    let values = match field.data_type() {
        DataType::Date32 => cast(&cast(&values, &DataType::Int32)?, &DataType::Date32)?,
        other => cast(&values, other)?,
    };
    let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(field),
        offsets,
        values,
        Some(nulls),
    )?))
}

/// The type of `concat` over arrays.
pub(super) fn concat_type(types: &[DataType]) -> Result<DataType, SqlError> {
    let mut common = DataType::Null;
    for data_type in types {
        let element = match data_type {
            DataType::List(field) => field.data_type(),
            DataType::Null => &DataType::Null,
            other => return Err(different(&array(common), other)),
        };
        common = tightest(&common, element).ok_or_else(|| different(&array(common.clone()), data_type))?;
    }
    Ok(array(common))
}

fn different(a: &DataType, b: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
        format!(
            "Input to `concat` should all be the same type, but it's (\"{}\" or \"{}\").",
            super::type_name(a),
            super::type_name(b)
        ),
    )
}

/// `concat` of arrays, one a column: null where one of them is.
pub(super) fn concat(columns: &[ArrayRef], result: &DataType) -> DataFusionResult<ArrayRef> {
    let columns: Vec<ArrayRef> = columns
        .iter()
        .map(|column| cast(column, result))
        .collect::<Result<_, _>>()?;
    let columns: Vec<&ListArray> = columns.iter().map(|c| c.as_list::<i32>()).collect();
    let rows = columns.first().map_or(0, |c| c.len());
    let mut places = Vec::new();
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let known = columns.iter().all(|c| c.is_valid(row));
        let before = places.len();
        if known {
            for (column, list) in columns.iter().enumerate() {
                places.extend(range(list.value_offsets(), row).map(|at| (column, at)));
            }
        }
        valid.push(known);
        lengths.push(places.len() - before);
    }
    let values: Vec<&dyn Array> = columns.iter().map(|c| c.values().as_ref()).collect();
    let values = interleave(&values, &places)?;
    let field = element_field(values.data_type());
    let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls))?))
}
