//! Makes arrays of the collected values.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, BinaryArray, BooleanArray, LargeListArray, ListArray, ListViewArray,
    MapArray, NullArray, StringArray, StructArray, make_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{ArrowNativeType, DataType};
use arrow::error::ArrowError;

use super::super::column::out_of_range;
use super::super::row_type::RowType;
use super::column_decoder::{ColumnDecoder, Values};
use super::malformed;
use crate::Result;

/// The column, of the node's type.
pub(super) fn finish(decoder: ColumnDecoder<'_>) -> Result<ArrayRef> {
    let ColumnDecoder {
        node,
        mut nulls,
        values,
    } = decoder;
    let plain = &node.plain_type;
    let len = nulls.len();
    let nulls = nulls.finish();
    let array = match values {
        Values::Void => Ok(Arc::new(NullArray::new(len)) as ArrayRef),
        Values::Boolean(mut values) => Ok(Arc::new(BooleanArray::new(values.finish(), nulls)) as ArrayRef),
        Values::Byte(values) => primitive(plain, values, nulls),
        Values::Short(values) => primitive(plain, values, nulls),
        Values::Int(values) => primitive(plain, values, nulls),
        Values::Long(values) => primitive(plain, values, nulls),
        Values::Float(values) => primitive(plain, values, nulls),
        Values::Double(values) => primitive(plain, values, nulls),
        Values::LongDecimal(values) | Values::Decimal(values) => primitive(plain, values, nulls),
        Values::CalendarInterval(values) => primitive(plain, values, nulls),
        Values::Bytes { ends, data } => {
            let (offsets, data) = (offsets(&ends), data.into());
            if node.row_type == RowType::String {
                StringArray::try_new(offsets, data, nulls).map(|array| Arc::new(array) as ArrayRef)
            } else {
                BinaryArray::try_new(offsets, data, nulls).map(|array| Arc::new(array) as ArrayRef)
            }
        }
        Values::Struct(fields) => {
            let columns = fields.into_iter().map(finish).collect::<Result<Vec<_>>>()?;
            structs(plain, columns, len, nulls)
        }
        Values::Array { ends, element } => list(plain, &ends, finish(*element)?, nulls),
        Values::Map { ends, key, value } => map(plain, &ends, finish(*key)?, finish(*value)?, nulls),
    };
    let array = array.map_err(|error| malformed(&node.name, error.to_string()))?;
    if array.data_type() == &node.data_type {
        return Ok(array);
    }
    // Not safe: a value that does not fit must be an error, not a null.
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(&array, &node.data_type, &options).map_err(|error| out_of_range(&node.name, &error))
}

type ArrowResult = Result<ArrayRef, ArrowError>;

fn primitive<T: ArrowNativeType>(
    data_type: &DataType,
    values: Vec<T>,
    nulls: Option<NullBuffer>,
) -> ArrowResult {
    let data = ArrayData::builder(data_type.clone())
        .len(values.len())
        .add_buffer(Buffer::from_vec(values))
        .nulls(nulls)
        .build()?;
    Ok(make_array(data))
}

/// Offsets of values that lie one after the other; `ends` only grow.
fn offsets(ends: &[i32]) -> OffsetBuffer<i32> {
    let offsets: ScalarBuffer<i32> = std::iter::once(0).chain(ends.iter().copied()).collect();
    OffsetBuffer::new(offsets)
}

fn structs(plain: &DataType, columns: Vec<ArrayRef>, len: usize, nulls: Option<NullBuffer>) -> ArrowResult {
    match plain {
        DataType::Struct(fields) => {
            let array = StructArray::try_new_with_length(fields.clone(), columns, nulls, len)?;
            Ok(Arc::new(array))
        }
        other => Err(not_nested(other)),
    }
}

fn list(plain: &DataType, ends: &[i32], elements: ArrayRef, nulls: Option<NullBuffer>) -> ArrowResult {
    match plain {
        DataType::List(field) => {
            let array = ListArray::try_new(Arc::clone(field), offsets(ends), elements, nulls)?;
            Ok(Arc::new(array))
        }
        DataType::LargeList(field) => {
            let long: ScalarBuffer<i64> = offsets(ends).iter().map(|end| i64::from(*end)).collect();
            let array = LargeListArray::try_new(Arc::clone(field), OffsetBuffer::new(long), elements, nulls)?;
            Ok(Arc::new(array))
        }
        DataType::ListView(field) => {
            let offsets = offsets(ends);
            let sizes: ScalarBuffer<i32> = offsets.iter().zip(ends).map(|(start, end)| end - start).collect();
            let starts = offsets.inner().slice(0, ends.len());
            let array = ListViewArray::try_new(Arc::clone(field), starts, sizes, elements, nulls)?;
            Ok(Arc::new(array))
        }
        other => Err(not_nested(other)),
    }
}

fn map(
    plain: &DataType,
    ends: &[i32],
    keys: ArrayRef,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> ArrowResult {
    let DataType::Map(entries, ordered) = plain else {
        return Err(not_nested(plain));
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(not_nested(plain));
    };
    let columns = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let array = MapArray::try_new(Arc::clone(entries), offsets(ends), columns, nulls, *ordered)?;
    Ok(Arc::new(array))
}

fn not_nested(data_type: &DataType) -> ArrowError {
    ArrowError::InvalidArgumentError(format!("{data_type} has no nested values"))
}
