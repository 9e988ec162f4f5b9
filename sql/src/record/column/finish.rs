//! Turns a filled column into an Arrow array and leaves it empty.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, ListArray, MapArray, NullArray, PrimitiveArray,
    StringArray, StructArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};

use super::{Bytes, Column, Data};
use crate::record::RecordError;

impl Column {
    /// The array of all values so far; the column is empty afterwards.
    ///
    /// # Errors
    /// [`RecordError::TooLarge`] if the bytes did not fit 32-bit offsets, or what Arrow objects to.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, RecordError> {
        if std::mem::take(&mut self.overflow) {
            return Err(RecordError::TooLarge {
                what: "a column of a batch",
                limit_bytes: i32::MAX as usize,
            });
        }
        let len = self.len();
        let nulls = self.validity.finish();
        Ok(match &mut self.data {
            Data::Null => Arc::new(NullArray::new(len)),
            Data::Boolean(v) => Arc::new(BooleanArray::new(v.finish(), nulls)),
            Data::Int8(v) => primitive::<Int8Type>(v, nulls)?,
            Data::Int16(v) => primitive::<Int16Type>(v, nulls)?,
            Data::Int32(v) => primitive::<Int32Type>(v, nulls)?,
            Data::Int64(v) => primitive::<Int64Type>(v, nulls)?,
            Data::Float32(v) => primitive::<Float32Type>(v, nulls)?,
            Data::Float64(v) => primitive::<Float64Type>(v, nulls)?,
            Data::Date(v) => primitive::<Date32Type>(v, nulls)?,
            Data::Decimal(v, p, s) => {
                let array = Decimal128Array::try_new(ScalarBuffer::from(std::mem::take(v)), nulls)?;
                Arc::new(array.with_precision_and_scale(*p, *s)?)
            }
            Data::Timestamp(v) | Data::TimestampNtz(v) => {
                let array = PrimitiveArray::<TimestampMicrosecondType>::try_new(
                    ScalarBuffer::from(std::mem::take(v)),
                    nulls,
                )?;
                Arc::new(array.with_data_type(self.data_type.clone()))
            }
            Data::String(b) => {
                let (offsets, values) = buffers(b);
                Arc::new(StringArray::try_new(offsets, values, nulls)?)
            }
            Data::Binary(b) => {
                let (offsets, values) = buffers(b);
                Arc::new(BinaryArray::try_new(offsets, values, nulls)?)
            }
            nested => finish_nested(nested, &self.data_type, nulls, len)?,
        })
    }
}

fn finish_nested(
    data: &mut Data,
    data_type: &DataType,
    nulls: Option<NullBuffer>,
    len: usize,
) -> Result<ArrayRef, RecordError> {
    Ok(match (data, data_type) {
        (Data::List(offsets, child), DataType::List(field)) => Arc::new(ListArray::try_new(
            field.clone(),
            take(offsets),
            child.finish()?,
            nulls,
        )?),
        (Data::Map(offsets, keys, values), DataType::Map(field, ordered)) => {
            let DataType::Struct(fields) = field.data_type() else {
                return Err(mismatch(data_type));
            };
            let entries = StructArray::try_new(fields.clone(), vec![keys.finish()?, values.finish()?], None)?;
            Arc::new(MapArray::try_new(
                field.clone(),
                take(offsets),
                entries,
                nulls,
                *ordered,
            )?)
        }
        (Data::Struct(children, _), DataType::Struct(fields)) => {
            let arrays = children
                .iter_mut()
                .map(Column::finish)
                .collect::<Result<_, _>>()?;
            Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                arrays,
                nulls,
                len,
            )?)
        }
        _ => return Err(mismatch(data_type)),
    })
}

fn mismatch(data_type: &DataType) -> RecordError {
    RecordError::UnsupportedType {
        format: "record",
        column: String::new(),
        data_type: data_type.to_string(),
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, RecordError> {
    let capacity = values.len();
    let full = std::mem::replace(values, Vec::with_capacity(capacity));
    Ok(Arc::new(PrimitiveArray::<T>::try_new(
        ScalarBuffer::from(full),
        nulls,
    )?))
}

/// The offsets so far; they start again at 0.
fn take(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let capacity = offsets.len();
    let mut fresh = Vec::with_capacity(capacity);
    fresh.push(0);
    // Offsets only ever grow, which `OffsetBuffer` requires.
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, fresh)))
}

fn buffers(bytes: &mut Bytes) -> (OffsetBuffer<i32>, Buffer) {
    let capacity = bytes.values.len();
    let values = std::mem::replace(&mut bytes.values, Vec::with_capacity(capacity));
    (take(&mut bytes.offsets), Buffer::from_vec(values))
}
