//! A column to be written or hashed: an Arrow array, seen by the type of its values.
//!
//! All physical forms of a type become one of few here, without a copy of the values (dictionaries are unpacked,
//! short decimals become longs). Everything holds for sliced arrays: value 0 is the slice's first.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray,
    OffsetSizeTrait,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::{ArrowNativeType, DataType, Decimal128Type, IntervalMonthDayNano};

use super::row_type::RowType;
use crate::{Result, StateError};

/// The nanoseconds of a microsecond.
pub(crate) const NANOS_PER_MICRO: i64 = 1000;

/// The values of a column.
#[derive(Debug)]
pub(crate) struct Column {
    /// `None` when no value is null.
    pub(crate) nulls: Option<NullBuffer>,
    pub(crate) values: Values,
}

/// The values of a column, null ones unspecified.
#[derive(Debug)]
pub(crate) enum Values {
    /// All null.
    Void,
    Boolean(BooleanBuffer),
    Byte(ScalarBuffer<i8>),
    Short(ScalarBuffer<i16>),
    Int(ScalarBuffer<i32>),
    Long(ScalarBuffer<i64>),
    Float(ScalarBuffer<f32>),
    Double(ScalarBuffer<f64>),
    /// Decimals that do not fit a long.
    Decimal(ScalarBuffer<i128>),
    CalendarInterval(ScalarBuffer<IntervalMonthDayNano>),
    Bytes(Bytes),
    Array(Lists),
    Map {
        keys: Lists,
        values: Lists,
    },
    Struct(Vec<Column>),
}

/// Strings or binaries.
#[derive(Debug)]
pub(crate) enum Bytes {
    Binary(BinaryArray),
    Large(LargeBinaryArray),
    View(BinaryViewArray),
    FixedSize(FixedSizeBinaryArray),
}

/// Lists: where each lies among the elements.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) elements: Box<Column>,
    /// The bytes of an element in the fixed part.
    pub(crate) width: usize,
}

impl Column {
    /// Sees an array as a column; `name` is for messages.
    pub(crate) fn try_new(array: &ArrayRef, name: &str) -> Result<Self> {
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            let values = take(dictionary.values(), dictionary.keys(), None);
            return Self::try_new(&values.map_err(|error| out_of_range(name, &error))?, name);
        }
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        let Some(row_type) = RowType::of(array.data_type()) else {
            return Err(unsupported(name, array.data_type()));
        };
        let values = match row_type {
            RowType::Void => Values::Void,
            RowType::Boolean => Values::Boolean(array.as_boolean().values().clone()),
            RowType::Byte => Values::Byte(natives(array)),
            RowType::Short => Values::Short(natives(array)),
            RowType::Int | RowType::Date | RowType::YearMonthInterval => Values::Int(natives(array)),
            RowType::Long
            | RowType::Timestamp
            | RowType::TimestampNtz
            | RowType::Time
            | RowType::DayTimeInterval => Values::Long(natives(array)),
            RowType::Float => Values::Float(natives(array)),
            RowType::Double => Values::Double(natives(array)),
            RowType::Decimal { precision, .. } if RowType::is_long_decimal(precision) => {
                Values::Long(long_decimals(array, name)?)
            }
            RowType::Decimal { .. } => Values::Decimal(natives(array)),
            RowType::CalendarInterval => Values::CalendarInterval(natives(array)),
            RowType::String | RowType::Binary => Values::Bytes(bytes(array, name)?),
            RowType::Array(element) => Values::Array(lists(array, &element, name)?),
            RowType::Map(key, value) => {
                let map = array.as_map();
                let keys = Lists::of_offsets(map.offsets(), map.keys(), &key, &format!("{name}.key"))?;
                let values =
                    Lists::of_offsets(map.offsets(), map.values(), &value, &format!("{name}.value"))?;
                Values::Map { keys, values }
            }
            RowType::Struct(_) => {
                let array = array.as_struct();
                let fields = array.columns().iter().zip(array.fields());
                let fields =
                    fields.map(|(column, field)| Self::try_new(column, &format!("{name}.{}", field.name())));
                Values::Struct(fields.collect::<Result<_>>()?)
            }
        };
        Ok(Self { nulls, values })
    }

    /// Whether a value is null.
    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) || matches!(self.values, Values::Void)
    }
}

impl Bytes {
    /// The bytes of a value.
    #[inline]
    pub(crate) fn value(&self, row: usize) -> &[u8] {
        match self {
            Self::Binary(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
            Self::FixedSize(array) => array.value(row),
        }
    }
}

impl Lists {
    /// Lists with offsets into `elements`. Only the elements in use are looked at.
    fn of_offsets<O: OffsetSizeTrait>(
        offsets: &[O],
        elements: &ArrayRef,
        element_type: &RowType,
        name: &str,
    ) -> Result<Self> {
        let first = offsets.first().map_or(0, |offset| offset.as_usize());
        let last = offsets.last().map_or(0, |offset| offset.as_usize());
        let ends = offsets.iter().skip(1);
        let ranges = offsets
            .iter()
            .zip(ends)
            .map(|(start, end)| start.as_usize() - first..end.as_usize() - first)
            .collect();
        let elements = elements.slice(first, last - first);
        Self::try_new(ranges, &elements, element_type, name)
    }

    fn try_new(
        ranges: Vec<Range<usize>>,
        elements: &ArrayRef,
        element_type: &RowType,
        name: &str,
    ) -> Result<Self> {
        Ok(Self {
            ranges,
            elements: Box::new(Column::try_new(elements, name)?),
            width: element_type.element_width(),
        })
    }

    /// The elements of a list.
    #[inline]
    pub(crate) fn range(&self, row: usize) -> Range<usize> {
        self.ranges.get(row).cloned().unwrap_or_default()
    }
}

/// The values of a primitive array, whose native type is `T`.
fn natives<T: ArrowNativeType>(array: &ArrayRef) -> ScalarBuffer<T> {
    let data = array.to_data();
    match data.buffers().first() {
        Some(buffer) => ScalarBuffer::new(buffer.clone(), data.offset(), data.len()),
        None => ScalarBuffer::default(),
    }
}

/// Decimals of at most 18 digits, as longs.
fn long_decimals(array: &ArrayRef, name: &str) -> Result<ScalarBuffer<i64>> {
    let decimals = array.as_primitive::<Decimal128Type>();
    let longs: Option<Vec<i64>> = (0..decimals.len())
        .zip(decimals.values())
        .map(|(row, value)| match i64::try_from(*value) {
            Err(_) if decimals.is_null(row) => Some(0),
            long => long.ok(),
        })
        .collect();
    match longs {
        Some(longs) => Ok(longs.into()),
        None => Err(out_of_range(
            name,
            &format!("a value has more digits than {}", array.data_type()),
        )),
    }
}

fn bytes(array: &ArrayRef, name: &str) -> Result<Bytes> {
    Ok(match array.data_type() {
        DataType::Utf8 => Bytes::Binary(array.as_string::<i32>().clone().into()),
        DataType::LargeUtf8 => Bytes::Large(array.as_string::<i64>().clone().into()),
        DataType::Utf8View => Bytes::View(array.as_string_view().clone().to_binary_view()),
        DataType::Binary => Bytes::Binary(array.as_binary::<i32>().clone()),
        DataType::LargeBinary => Bytes::Large(array.as_binary::<i64>().clone()),
        DataType::BinaryView => Bytes::View(array.as_binary_view().clone()),
        DataType::FixedSizeBinary(_) => Bytes::FixedSize(array.as_fixed_size_binary().clone()),
        other => return Err(unsupported(name, other)),
    })
}

fn lists(array: &ArrayRef, element_type: &RowType, name: &str) -> Result<Lists> {
    let name = &format!("{name}.element");
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            Lists::of_offsets(list.offsets(), list.values(), element_type, name)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            Lists::of_offsets(list.offsets(), list.values(), element_type, name)
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            let starts = list.offsets().iter().map(|start| start.as_usize());
            let ranges = starts
                .zip(list.sizes().iter())
                .map(|(start, size)| start..start + size.as_usize());
            Lists::try_new(ranges.collect(), list.values(), element_type, name)
        }
        other => Err(unsupported(name, other)),
    }
}

/// The error of a type without a place in a row.
pub(crate) fn unsupported(name: &str, data_type: &DataType) -> StateError {
    StateError::UnsupportedDataType {
        field: name.to_owned(),
        data_type: data_type.to_string(),
    }
}

/// The error of a value without a place in a row.
pub(crate) fn out_of_range(name: &str, reason: &dyn ToString) -> StateError {
    StateError::ValueOutOfRange {
        field: name.to_owned(),
        reason: reason.to_string(),
    }
}
