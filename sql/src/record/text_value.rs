//! Reading values out of arrays, row by row, for the encoders.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, MapArray, PrimitiveArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType,
};

use super::value::{DateTimePattern, IntervalFields, Zone, interval_at};

/// An array whose type is known.
pub(crate) enum Values<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, i8),
    Date(&'a PrimitiveArray<Date32Type>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>),
    TimestampNtz(&'a PrimitiveArray<TimestampMicrosecondType>),
    Interval(&'a ArrayRef, IntervalFields),
    String(&'a ArrayRef),
    Binary(&'a ArrayRef),
    /// A list and its elements.
    List(&'a ArrayRef, Box<Values<'a>>),
    Map(&'a MapArray, Box<Values<'a>>, Box<Values<'a>>),
    Struct(&'a StructArray, Vec<(&'a Field, Values<'a>)>),
}

impl<'a> Values<'a> {
    /// The values of the column `field`; none if its type is not one that Spark has.
    pub(crate) fn of(array: &'a ArrayRef, field: &Field) -> Option<Self> {
        match IntervalFields::of(field) {
            Some(fields) => Some(Self::Interval(array, fields)),
            None => Self::new(array),
        }
    }

    /// The values of `array`; none if its type is not one that Spark has.
    pub(crate) fn new(array: &'a ArrayRef) -> Option<Self> {
        if let Some(fields) = IntervalFields::of_type(array.data_type()) {
            return Some(Self::Interval(array, fields));
        }
        Some(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(array.as_boolean_opt()?),
            DataType::Int8 => Self::Int8(array.as_primitive_opt()?),
            DataType::Int16 => Self::Int16(array.as_primitive_opt()?),
            DataType::Int32 => Self::Int32(array.as_primitive_opt()?),
            DataType::Int64 => Self::Int64(array.as_primitive_opt()?),
            DataType::Float32 => Self::Float32(array.as_primitive_opt()?),
            DataType::Float64 => Self::Float64(array.as_primitive_opt()?),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive_opt()?, *scale),
            DataType::Date32 => Self::Date(array.as_primitive_opt()?),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Self::Timestamp(array.as_primitive_opt()?),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::TimestampNtz(array.as_primitive_opt()?),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String(array),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Binary(array),
            DataType::List(_) => {
                Self::List(array, Box::new(Self::new(array.as_list_opt::<i32>()?.values())?))
            }
            DataType::LargeList(_) => {
                Self::List(array, Box::new(Self::new(array.as_list_opt::<i64>()?.values())?))
            }
            DataType::Map(..) => {
                let map = array.as_map_opt()?;
                Self::Map(
                    map,
                    Box::new(Self::new(map.keys())?),
                    Box::new(Self::new(map.values())?),
                )
            }
            DataType::Struct(fields) => {
                let array = array.as_struct_opt()?;
                let children = fields
                    .iter()
                    .zip(array.columns())
                    .map(|(field, child)| Some((field.as_ref(), Self::of(child, field)?)))
                    .collect::<Option<_>>()?;
                Self::Struct(array, children)
            }
            _ => return None,
        })
    }

    /// Whether an array of this type has a [`Values`].
    pub(crate) fn supports(data_type: &DataType) -> bool {
        let empty = arrow::array::new_empty_array(data_type);
        Values::new(&empty).is_some()
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Boolean(a) => a.is_null(row),
            Self::Int8(a) => a.is_null(row),
            Self::Int16(a) => a.is_null(row),
            Self::Int32(a) => a.is_null(row),
            Self::Int64(a) => a.is_null(row),
            Self::Float32(a) => a.is_null(row),
            Self::Float64(a) => a.is_null(row),
            Self::Decimal(a, _) => a.is_null(row),
            Self::Date(a) => a.is_null(row),
            Self::Timestamp(a) | Self::TimestampNtz(a) => a.is_null(row),
            Self::String(a) | Self::Binary(a) | Self::List(a, _) | Self::Interval(a, _) => a.is_null(row),
            Self::Map(a, _, _) => a.is_null(row),
            Self::Struct(a, _) => a.is_null(row),
        }
    }
}

/// Appends the text of a value of a [`Values::Interval`].
pub(crate) fn push_interval(array: &ArrayRef, fields: IntervalFields, row: usize, out: &mut String) {
    if let Some(value) = interval_at(array, row) {
        fields.write(value, out);
    }
}

/// The text of a value of a [`Values::String`].
pub(crate) fn string_at(array: &ArrayRef, row: usize) -> &str {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row),
        _ => array.as_string_view().value(row),
    }
}

/// The bytes of a value of a [`Values::Binary`].
pub(crate) fn binary_at(array: &ArrayRef, row: usize) -> &[u8] {
    match array.data_type() {
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        _ => array.as_binary_view().value(row),
    }
}

/// The element indexes of a value of a [`Values::List`].
pub(crate) fn list_at(array: &ArrayRef, row: usize) -> std::ops::Range<usize> {
    let bounds = match array.data_type() {
        DataType::List(_) => {
            let offsets = array.as_list::<i32>().value_offsets();
            offsets
                .get(row)
                .zip(offsets.get(row + 1))
                .map(|(a, b)| (i64::from(*a), i64::from(*b)))
        }
        _ => {
            let offsets = array.as_list::<i64>().value_offsets();
            offsets.get(row).zip(offsets.get(row + 1)).map(|(a, b)| (*a, *b))
        }
    };
    bounds.map_or(0..0, |(start, end)| start as usize..end as usize)
}

/// How dates and timestamps are written.
#[derive(Clone, Debug)]
pub(crate) struct TemporalWriter {
    pub(crate) zone: Zone,
    pub(crate) date: DateTimePattern,
    pub(crate) timestamp: DateTimePattern,
    pub(crate) timestamp_ntz: DateTimePattern,
}
