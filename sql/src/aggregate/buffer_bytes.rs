//! Buffers that Spark keeps as the bytes of one field: arrays, and values with their counts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, ListArray, StructArray};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::cast::{as_binary_array, as_list_array, as_struct_array};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use tidemill_state::{Rows, StateError, StateRowCodec};

use super::checked::{binary, offsets};
use crate::SqlError;

fn of_state(error: StateError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn malformed(what: &str) -> DataFusionError {
    SqlError::new(
        "STATE_ROW_MALFORMED",
        format!("The buffer of an aggregate function is not {what}; the state was not written by Spark or Tidemill."),
    )
    .into()
}

/// Each array as the bytes of a row with the array as its one field; null is an empty array.
pub(super) fn rows_of_lists(lists: &ArrayRef) -> Result<ArrayRef> {
    let lists = without_nulls(lists)?;
    let fields = Fields::from(vec![Field::new("array", lists.data_type().clone(), false)]);
    let codec = StateRowCodec::try_new(&fields).map_err(of_state)?;
    let mut rows = Rows::default();
    let count = lists.len();
    codec.encode(&[lists], count, &mut rows).map_err(of_state)?;
    let rows: Vec<&[u8]> = rows.iter().collect();
    Ok(Arc::new(binary(&rows)?))
}

fn without_nulls(lists: &ArrayRef) -> Result<ArrayRef> {
    if lists.null_count() == 0 {
        return Ok(Arc::clone(lists));
    }
    let list = as_list_array(lists)?;
    let DataType::List(field) = list.data_type() else {
        return Ok(Arc::clone(lists));
    };
    let values: Vec<ArrayRef> = list.iter().flatten().collect();
    let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
    let values = if values.is_empty() {
        arrow::array::new_empty_array(field.data_type())
    } else {
        concat(&values)?
    };
    let lengths = list.iter().map(|values| values.map_or(0, |v| v.len()));
    let offsets = offsets(lengths)?;
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(field),
        offsets,
        values,
        None,
    )?))
}

/// The arrays of such bytes; null gives an empty one.
pub(super) fn lists_of_rows(rows: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let rows = as_binary_array(rows)?;
    let fields = Fields::from(vec![Field::new("array", to.clone(), true)]);
    let codec = StateRowCodec::try_new(&fields).map_err(of_state)?;
    if rows.null_count() > 0 {
        return Err(malformed("the bytes of an array"));
    }
    let bytes: Vec<&[u8]> = rows.iter().map(Option::unwrap_or_default).collect();
    let mut columns = codec.decode(bytes.into_iter()).map_err(of_state)?;
    let lists = columns.pop().ok_or_else(|| malformed("the bytes of an array"))?;
    if lists.data_type() == to {
        Ok(lists)
    } else {
        Ok(cast(&lists, to)?)
    }
}

/// The type of values with their counts.
pub(super) fn counted_type(value: &DataType) -> DataType {
    let fields = counted_fields(value);
    DataType::List(Arc::new(Field::new_list_field(DataType::Struct(fields), true)))
}

fn counted_fields(value: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("value", value.clone(), true),
        Field::new("count", DataType::Int64, true),
    ])
}

/// Values with their counts, one list per group.
pub(super) fn counted_lists(
    groups: &[impl AsRef<[(ScalarValue, i64)]>],
    data_type: &DataType,
) -> Result<ArrayRef> {
    let all = || groups.iter().flat_map(|g| g.as_ref());
    let values = super::values::array_of(all().map(|(v, _)| v.clone()), data_type)?;
    let counts: Int64Array = all().map(|(_, c)| Some(*c)).collect();
    let pairs = StructArray::try_new(counted_fields(data_type), vec![values, Arc::new(counts)], None)?;
    let DataType::List(field) = counted_type(data_type) else {
        return Err(malformed("values with counts"));
    };
    let offsets = offsets(groups.iter().map(|g| g.as_ref().len()))?;
    Ok(Arc::new(ListArray::try_new(
        field,
        offsets,
        Arc::new(pairs),
        None,
    )?))
}

/// For each list of values with counts: for each pair the size of its row, big-endian, and the row; then -1.
pub(super) fn bytes_of_counted(lists: &ArrayRef) -> Result<ArrayRef> {
    let lists = as_list_array(lists)?;
    let pairs = as_struct_array(lists.values())?;
    let codec = StateRowCodec::try_new(pairs.fields()).map_err(of_state)?;
    let mut rows = Rows::default();
    codec
        .encode(pairs.columns(), pairs.len(), &mut rows)
        .map_err(of_state)?;
    let mut out: Vec<Vec<u8>> = Vec::with_capacity(lists.len());
    for (at, window) in lists.value_offsets().windows(2).enumerate() {
        let mut bytes = Vec::new();
        if let [start, end] = window
            && lists.is_valid(at)
        {
            for row in *start..*end {
                let row = rows.row(usize::try_from(row).unwrap_or_default());
                let size = i32::try_from(row.len()).map_err(|_| malformed("short enough"))?;
                bytes.extend_from_slice(&size.to_be_bytes());
                bytes.extend_from_slice(row);
            }
        }
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        out.push(bytes);
    }
    Ok(Arc::new(binary(&out)?))
}

/// The lists of values with counts of such bytes.
pub(super) fn counted_of_bytes(bytes: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let what = "values with counts";
    let DataType::List(field) = to else {
        return Err(malformed(what));
    };
    let DataType::Struct(fields) = field.data_type() else {
        return Err(malformed(what));
    };
    let bytes = as_binary_array(bytes)?;
    let mut rows: Vec<&[u8]> = Vec::new();
    let mut lengths = Vec::with_capacity(bytes.len());
    for group in bytes {
        let before = rows.len();
        let mut rest = group.ok_or_else(|| malformed(what))?;
        loop {
            let (size, after) = rest.split_first_chunk::<4>().ok_or_else(|| malformed(what))?;
            let size = i32::from_be_bytes(*size);
            let Ok(size) = usize::try_from(size) else {
                break;
            };
            let (row, after) = after.split_at_checked(size).ok_or_else(|| malformed(what))?;
            rows.push(row);
            rest = after;
        }
        lengths.push(rows.len() - before);
    }
    let codec = StateRowCodec::try_new(fields).map_err(of_state)?;
    let columns = codec.decode(rows.into_iter()).map_err(of_state)?;
    let pairs = StructArray::try_new(fields.clone(), columns, None)?;
    let offsets = offsets(lengths.into_iter())?;
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(field),
        offsets,
        Arc::new(pairs),
        None,
    )?))
}

/// One word of each group's words.
pub(super) fn word(lists: &ArrayRef, word: usize) -> Result<ArrayRef> {
    let lists = as_list_array(lists)?;
    let words = datafusion::common::cast::as_int64_array(lists.values())?;
    let out: Int64Array = lists
        .value_offsets()
        .iter()
        .take(lists.len())
        .map(|start| {
            let at = usize::try_from(*start).unwrap_or_default() + word;
            (at < words.len()).then(|| words.value(at))
        })
        .collect();
    Ok(Arc::new(out))
}

/// The words of each group from the columns.
pub(super) fn words(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let groups = columns.first().map_or(0, |c| c.len());
    let columns: Vec<&Int64Array> = columns
        .iter()
        .map(|c| datafusion::common::cast::as_int64_array(c))
        .collect::<Result<_>>()?;
    let mut out = Vec::with_capacity(groups * columns.len());
    for group in 0..groups {
        out.extend(
            columns
                .iter()
                .map(|c| if c.is_valid(group) { c.value(group) } else { 0 }),
        );
    }
    let lengths = std::iter::repeat_n(columns.len(), groups);
    let field = Arc::new(Field::new_list_field(DataType::Int64, true));
    let out = Arc::new(Int64Array::from(out));
    Ok(Arc::new(ListArray::try_new(field, offsets(lengths)?, out, None)?))
}
