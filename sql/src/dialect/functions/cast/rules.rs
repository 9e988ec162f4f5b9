//! Which casts Spark has, and how it names one that it has not.

use arrow::datatypes::{DataType, TimeUnit};

use super::super::super::analyzer::{as_decimal, is_integer, is_numeric, is_string};
use super::super::super::statements::timestamp;
use super::Mode;
use crate::SqlError;
use crate::record::value::IntervalFields;

/// Refuses a conversion that Spark does not have.
///
/// # Errors
/// DATATYPE_MISMATCH with Spark's kind of suggestion.
pub(super) fn check(from: &DataType, to: &DataType, mode: Mode) -> Result<(), SqlError> {
    if exists(from, to, mode == Mode::Legacy) {
        return Ok(());
    }
    let by_function = matches!((from, to), (f, DataType::Date32) | (DataType::Date32, f) if is_numeric(f));
    let condition = match mode {
        Mode::Ansi | Mode::Try if by_function => "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION",
        Mode::Ansi if exists(from, to, true) => "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION",
        _ => "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
    };
    let suggestion = match (from, condition.ends_with("FUNC_SUGGESTION")) {
        (DataType::Date32, true) => " Use the function `UNIX_DATE` instead.",
        (_, true) => " Use the function `DATE_FROM_UNIX_DATE` instead.",
        _ if condition.ends_with("CONF_SUGGESTION") => " Set spark.sql.ansi.enabled to \"false\" to have it.",
        _ => "",
    };
    Err(SqlError::new(
        condition,
        format!(
            "Cannot cast \"{}\" to \"{}\".{suggestion}",
            super::super::type_name(from),
            super::super::type_name(to)
        ),
    ))
}

fn is_time(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _)
    )
}

fn is_interval(data_type: &DataType) -> bool {
    IntervalFields::of_type(data_type).is_some()
}

fn exists(from: &DataType, to: &DataType, legacy: bool) -> bool {
    use DataType as D;
    if from == to || *from == D::Null {
        return true;
    }
    match (from, to) {
        (f, t) if is_interval(f) => is_integer(t) || matches!(t, D::Decimal128(..) | D::Utf8),
        (f, t) if is_interval(t) => is_string(f) || is_integer(f),
        (D::UInt64, D::Int64) | (_, D::Utf8) => true,
        (f, D::Binary) => is_string(f) || legacy && is_integer(f),
        (f, t) if is_string(f) => is_numeric(t) || is_time(t) || *t == D::Boolean,
        (f, t) if is_numeric(f) && is_numeric(t) => true,
        (f, D::Boolean) => is_numeric(f) || legacy && (*f == D::Date32 || *f == timestamp()),
        (D::Boolean, t) => is_numeric(t) || legacy && *t == timestamp(),
        (f, t) if is_time(f) && is_time(t) => true,
        (f, t) if *f == timestamp() => is_numeric(t),
        (f, t) if *t == timestamp() => is_numeric(f),
        (D::Date32, t) => legacy && is_numeric(t),
        (D::List(f), D::List(t)) => exists(f.data_type(), t.data_type(), legacy),
        (D::Struct(f), D::Struct(t)) => {
            f.len() == t.len()
                && f.iter()
                    .zip(t)
                    .all(|(f, t)| exists(f.data_type(), t.data_type(), legacy))
        }
        (D::Map(f, _), D::Map(t, _)) => match (f.data_type(), t.data_type()) {
            (D::Struct(f), D::Struct(t)) => {
                let mut parts = f.iter().zip(t).map(|(f, t)| (f.data_type(), t.data_type()));
                // A key must not become NULL.
                let keys = parts
                    .next()
                    .is_some_and(|(f, t)| exists(f, t, legacy) && !(legacy && may_become_null(f, t)));
                keys && parts.all(|(f, t)| exists(f, t, legacy))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether the legacy cast makes NULL of some value.
fn may_become_null(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (f, t) if f == t => false,
        (f, t) if is_string(f) => *t != DataType::Binary,
        (_, DataType::Utf8) => false,
        (f, DataType::Decimal128(p, s)) => as_decimal(f).is_none_or(|(from_p, from_s)| {
            from_p - from_s > i32::from(*p) - i32::from(*s) || from_s > i32::from(*s)
        }),
        (f, t) if *f == timestamp() => is_integer(t) && *t != DataType::Int64,
        (DataType::Date32, t) => !is_time(t),
        (_, t) => *t == timestamp() && !is_time(from),
    }
}
