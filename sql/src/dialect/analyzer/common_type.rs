//! The type that two operands meet in, as Spark's ANSI rules give it.

use arrow::datatypes::{DataType, TimeUnit};

use super::super::statements::timestamp;

/// Precision and scale of a numeric type taken as a decimal; `None` for floats and what is no number.
pub(crate) fn as_decimal(data_type: &DataType) -> Option<(i32, i32)> {
    Some(match data_type {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(p, s) => (i32::from(*p), i32::from(*s)),
        _ => return None,
    })
}

/// A decimal type from a computed precision and scale, with Spark's loss of scale beyond 38 digits.
pub(crate) fn adjusted(precision: i32, scale: i32) -> DataType {
    const MAX: i32 = 38;
    /// The scale that Spark keeps when whole digits need the room.
    const MIN_ADJUSTED_SCALE: i32 = 6;
    let (precision, scale) = if precision <= MAX {
        (precision, scale)
    } else {
        let whole = precision - scale;
        let least = scale.min(MIN_ADJUSTED_SCALE);
        (MAX, (MAX - whole).max(least))
    };
    DataType::Decimal128(
        u8::try_from(precision).unwrap_or(38),
        i8::try_from(scale).unwrap_or(0),
    )
}

fn integer_rank(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::Int8 => 0,
        DataType::Int16 => 1,
        DataType::Int32 => 2,
        DataType::Int64 => 3,
        _ => return None,
    })
}

/// Whether the type is a number.
pub(crate) fn is_numeric(data_type: &DataType) -> bool {
    is_float(data_type) || as_decimal(data_type).is_some()
}

/// Whether the type is a whole number.
pub(crate) fn is_integer(data_type: &DataType) -> bool {
    integer_rank(data_type).is_some()
}

/// Whether the type is FLOAT or DOUBLE.
pub(crate) fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

/// Whether the type is a string.
pub(crate) fn is_string(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// The tightest type that holds both without a change of meaning: what CASE, coalesce and UNION use; strings meet only strings.
pub(crate) fn tightest(a: &DataType, b: &DataType) -> Option<DataType> {
    if a == b {
        return Some(a.clone());
    }
    match (a, b) {
        (DataType::Null, other) | (other, DataType::Null) => return Some(other.clone()),
        (x, y) if is_string(x) && is_string(y) => return Some(DataType::Utf8),
        _ => {}
    }
    if let (Some(x), Some(y)) = (integer_rank(a), integer_rank(b)) {
        return Some(if x >= y { a.clone() } else { b.clone() });
    }
    if is_numeric(a) && is_numeric(b) && (is_float(a) || is_float(b)) {
        return Some(DataType::Float64);
    }
    if let (Some((p1, s1)), Some((p2, s2))) = (as_decimal(a), as_decimal(b)) {
        let scale = s1.max(s2);
        let precision = (p1 - s1).max(p2 - s2) + scale;
        return (precision <= 38).then(|| adjusted(precision, scale));
    }
    let ntz = DataType::Timestamp(TimeUnit::Microsecond, None);
    match (a, b) {
        (DataType::Date32, other) | (other, DataType::Date32) if *other == timestamp() || *other == ntz => {
            Some(other.clone())
        }
        (x, y) if (*x == ntz && *y == timestamp()) || (*x == timestamp() && *y == ntz) => Some(timestamp()),
        _ => None,
    }
}

/// The type that two operands are compared in; a string takes the other side's kind.
pub(crate) fn comparison(a: &DataType, b: &DataType) -> Option<DataType> {
    if let Some(both) = tightest(a, b) {
        return Some(both);
    }
    let other = match (is_string(a), is_string(b)) {
        (true, false) => b,
        (false, true) => a,
        _ => return None,
    };
    match other {
        x if is_integer(x) => Some(DataType::Int64),
        x if is_numeric(x) => Some(DataType::Float64),
        DataType::Date32 | DataType::Timestamp(..) | DataType::Boolean | DataType::Binary => {
            Some(other.clone())
        }
        _ => None,
    }
}
