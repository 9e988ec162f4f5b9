//! The type that two operands meet in, as Spark's ANSI rules give it.

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::super::statements::{array, map, timestamp};

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

/// The type of two numbers' sum, and of two operands without strings: under ANSI a FLOAT and a whole number are a DOUBLE.
pub(crate) fn tightest_under(a: &DataType, b: &DataType, ansi: bool) -> Option<DataType> {
    match (a, b) {
        (DataType::Float32, whole) | (whole, DataType::Float32) if !ansi && is_integer(whole) => {
            Some(DataType::Float32)
        }
        _ => tightest(a, b),
    }
}

/// The type that the branches of CASE, coalesce or IN meet in. A string takes the other's kind under ANSI; without ANSI the
/// other becomes a string.
pub(crate) fn widest(a: &DataType, b: &DataType, ansi: bool) -> Option<DataType> {
    if let Some(both) = tightest_under(a, b, ansi) {
        return Some(both);
    }
    match (a, b) {
        (DataType::List(a), DataType::List(b)) => Some(array(widest(a.data_type(), b.data_type(), ansi)?)),
        (DataType::Struct(a), DataType::Struct(b)) => Some(DataType::Struct(widest_fields(a, b, ansi)?)),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (DataType::Struct(a), DataType::Struct(b)) => {
                let fields = widest_fields(a, b, ansi)?;
                let (key, value) = (fields.first()?, fields.last()?);
                Some(map(key.data_type().clone(), value.data_type().clone()))
            }
            _ => None,
        },
        _ if ansi => of_string(a, b),
        (text, other) | (other, text) if is_string(text) => {
            let becomes_text =
                is_numeric(other) || matches!(other, DataType::Date32 | DataType::Timestamp(..));
            becomes_text.then_some(DataType::Utf8)
        }
        _ => None,
    }
}

fn widest_fields(a: &Fields, b: &Fields, ansi: bool) -> Option<Fields> {
    if a.len() != b.len() {
        return None;
    }
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            let both = widest(a.data_type(), b.data_type(), ansi)?;
            let alike = a.name().eq_ignore_ascii_case(b.name());
            alike.then(|| Field::new(a.name(), both, a.is_nullable() || b.is_nullable()))
        })
        .collect()
}

/// The type that two operands are compared in; a string takes the other side's kind, without ANSI its very type.
pub(crate) fn comparison(a: &DataType, b: &DataType, ansi: bool) -> Option<DataType> {
    match (a, b) {
        (text, other) | (other, text) if !ansi && is_string(text) => match other {
            x if is_string(x) || *x == DataType::Null => Some(DataType::Utf8),
            x if is_integer(x) || *x == DataType::Float32 => Some(other.clone()),
            _ => of_string(a, b),
        },
        // Names of fields do not count in a comparison.
        (DataType::Struct(a), DataType::Struct(b)) if a.len() == b.len() => {
            let fields = a.iter().zip(b).map(|(a, b)| {
                let both = comparison(a.data_type(), b.data_type(), ansi)?;
                Some(Field::new(a.name(), both, true))
            });
            Some(DataType::Struct(fields.collect::<Option<Fields>>()?))
        }
        (DataType::List(_), _) => widest(a, b, ansi),
        _ => tightest_under(a, b, ansi).or_else(|| of_string(a, b)),
    }
}

/// What a string becomes beside another type, under ANSI.
fn of_string(a: &DataType, b: &DataType) -> Option<DataType> {
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
