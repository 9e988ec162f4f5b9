//! The types that a row can hold, without their Arrow forms.
//!
//! Several Arrow types are one type here (`Utf8` and `Utf8View`, a dictionary and its values): what is equal here has
//! the same bytes in a row. Field names and nullability do not count.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};

/// Decimals of more digits than this do not fit a slot.
const MAX_LONG_DIGITS: u8 = 18;

/// Spark's type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowType {
    Void,
    Boolean,
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    Date,
    Timestamp,
    TimestampNtz,
    Time,
    DayTimeInterval,
    YearMonthInterval,
    CalendarInterval,
    Decimal { precision: u8, scale: i8 },
    String,
    Binary,
    Array(Box<RowType>),
    Map(Box<RowType>, Box<RowType>),
    Struct(Vec<RowType>),
}

impl RowType {
    /// The type of an Arrow type; `None` when Spark has none.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Null => Self::Void,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::Byte,
            DataType::Int16 => Self::Short,
            DataType::Int32 => Self::Int,
            DataType::Int64 => Self::Long,
            DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Self::Timestamp,
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::TimestampNtz,
            DataType::Time64(TimeUnit::Nanosecond) => Self::Time,
            DataType::Duration(TimeUnit::Microsecond) => Self::DayTimeInterval,
            DataType::Interval(IntervalUnit::YearMonth) => Self::YearMonthInterval,
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::CalendarInterval,
            DataType::Decimal128(precision, scale) if *scale >= 0 => Self::Decimal {
                precision: *precision,
                scale: *scale,
            },
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::List(element) | DataType::LargeList(element) | DataType::ListView(element) => {
                Self::Array(Box::new(Self::of(element.data_type())?))
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) => match fields.as_ref() {
                    [key, value] => Self::Map(
                        Box::new(Self::of(key.data_type())?),
                        Box::new(Self::of(value.data_type())?),
                    ),
                    _ => return None,
                },
                _ => return None,
            },
            DataType::Struct(fields) => Self::Struct(
                fields
                    .iter()
                    .map(|field| Self::of(field.data_type()))
                    .collect::<Option<_>>()?,
            ),
            DataType::Dictionary(_, value) => Self::of(value)?,
            _ => return None,
        })
    }

    /// Whether a decimal of this precision is stored as a long.
    pub(crate) fn is_long_decimal(precision: u8) -> bool {
        precision <= MAX_LONG_DIGITS
    }

    /// The bytes of an element in an array's fixed part; 8 for all that lie behind it.
    pub(crate) fn element_width(&self) -> usize {
        match self {
            Self::Boolean | Self::Byte => 1,
            Self::Short => 2,
            Self::Int | Self::Float | Self::Date | Self::YearMonthInterval => 4,
            _ => 8,
        }
    }

    /// Whether a map is in it.
    pub(crate) fn has_map(&self) -> bool {
        match self {
            Self::Map(..) => true,
            Self::Array(element) => element.has_map(),
            Self::Struct(fields) => fields.iter().any(Self::has_map),
            _ => false,
        }
    }
}

/// Whether rows of state can hold values of this type.
pub fn is_supported(data_type: &DataType) -> bool {
    RowType::of(data_type).is_some()
}
