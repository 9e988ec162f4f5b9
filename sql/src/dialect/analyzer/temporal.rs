//! Operators on dates, times and intervals: `ts - ts`, `date + INTERVAL 1 DAY`, `interval * 2`.

use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::common::ScalarValue;
use datafusion::common::metadata::FieldMetadata;
use datafusion::logical_expr::{Cast, Expr, Operator};

use super::super::SqlSettings;
use super::super::functions::{
    Arithmetic, IntervalKind, add_interval, add_months, arithmetic, coerce, date_offset, difference,
    interval_call, type_name,
};
use super::super::statements::timestamp;
use super::operators::{Operand, mismatch, native};
use super::{is_float, is_integer, is_numeric, is_string, literal};
use crate::SqlError;
use crate::record::value::IntervalFields;
use crate::record::value::civil::DAY_US;

/// Whether the operator is not one on numbers.
pub(super) fn concerns(op: Arithmetic, left: &Operand, right: &Operand) -> bool {
    let either = |is: fn(&DataType) -> bool| is(&left.data_type) || is(&right.data_type);
    match op {
        Arithmetic::Add | Arithmetic::Subtract => either(is_time) || either(is_interval),
        Arithmetic::Multiply | Arithmetic::Divide => either(is_interval),
        Arithmetic::IntegerDivide => is_interval(&left.data_type) && left.data_type == right.data_type,
        Arithmetic::Remainder => false,
    }
}

/// Plans the operator.
pub(super) fn plan(
    op: Arithmetic,
    left: Operand,
    right: Operand,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    match op {
        Arithmetic::Add | Arithmetic::Subtract => sum(op, left, right, settings),
        Arithmetic::IntegerDivide => {
            let count = |operand: Operand| interval_call(IntervalKind::Count, vec![operand.expr]);
            let (left, right) = (count(left), count(right));
            Ok(arithmetic(op, left, right, DataType::Int64, settings))
        }
        _ => scaled(op, left, right, settings),
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

fn is_interval(data_type: &DataType) -> bool {
    IntervalFields::of_type(data_type).is_some()
}

/// The literal that the AST layer has put as a count of months or microseconds, and its fields.
pub(super) fn interval(count: &Expr, fields: &Expr) -> Result<Expr, SqlError> {
    let text = |expr: &Expr| match literal::value_of(expr) {
        Some(ScalarValue::Utf8(text)) => text,
        _ => None,
    };
    let count = text(count).and_then(|count| count.parse().ok());
    let fields = text(fields).and_then(|fields| IntervalFields::parse(&fields));
    let wrong = || SqlError::new("INTERNAL_ERROR", "an interval literal without its fields");
    Ok(interval_literal(count, fields.ok_or_else(wrong)?))
}

fn interval_literal(count: Option<i64>, fields: IntervalFields) -> Expr {
    let value = match fields.is_year_month() {
        true => ScalarValue::IntervalYearMonth(count.and_then(|months| i32::try_from(months).ok())),
        false => ScalarValue::DurationMicrosecond(count),
    };
    Expr::Literal(
        value,
        (!fields.is_all()).then(|| FieldMetadata::from(fields.metadata())),
    )
}

/// `+` and `-`.
fn sum(op: Arithmetic, left: Operand, right: Operand, settings: &SqlSettings) -> Result<Expr, SqlError> {
    use DataType as D;
    let back = op == Arithmetic::Subtract;
    let (l, r) = (left.data_type.clone(), right.data_type.clone());
    if let (Some(fields), D::Null, _) | (Some(fields), _, D::Null) =
        (left.interval.or(right.interval), &l, &r)
    {
        return Ok(interval_literal(None, fields));
    }
    match (&l, &r) {
        (D::Date32, D::Int8 | D::Int16 | D::Int32) => Ok(date_offset(
            left.expr,
            right.cast(&D::Int32, settings)?,
            back,
            settings,
        )),
        (D::Int8 | D::Int16 | D::Int32, D::Date32) if !back => Ok(date_offset(
            right.expr,
            left.cast(&D::Int32, settings)?,
            back,
            settings,
        )),
        (D::Date32, other) | (other, D::Date32) if is_numeric(other) || is_string(other) && !back => {
            Err(days_expected(op, other))
        }
        (x, y) if back && may_differ(x, y) => time_difference(left, right, settings),
        (x, y) if is_time(x) && (is_interval(y) || *y == D::Null) => moved(left, right, back, settings),
        (x, y) if is_time(y) && (is_interval(x) || *x == D::Null) && !back => {
            moved(right, left, back, settings)
        }
        (x, y) if is_string(x) && is_interval(y) => moved_text(left, right, back, settings),
        (x, y) if is_interval(x) && is_string(y) && !back => moved_text(right, left, back, settings),
        (x, y) if is_interval(x) && x == y => {
            let kind = if back {
                IntervalKind::Subtract
            } else {
                IntervalKind::Add
            };
            Ok(interval_call(kind, vec![left.expr, right.expr]))
        }
        (x, y) if is_interval(x) || is_interval(y) => Err(unexpected(op, x, y)),
        _ => Err(mismatch(op.symbol(), &l, &r)),
    }
}

/// Whether `x - y` is the time between the two.
fn may_differ(x: &DataType, y: &DataType) -> bool {
    let stands_for_time = |t: &DataType| is_string(t) || *t == DataType::Null;
    is_time(x) && (is_time(y) || stands_for_time(y)) || stands_for_time(x) && is_time(y)
}

/// The interval between two times: in days where both are dates.
fn time_difference(left: Operand, right: Operand, settings: &SqlSettings) -> Result<Expr, SqlError> {
    use DataType as D;
    let (l, r) = (&left.data_type, &right.data_type);
    let of_text = |text: &D, time: &D| is_string(text) && (settings.ansi || *time == D::Date32);
    let common = match (l, r) {
        (x, y) if x == y => x.clone(),
        (D::Date32, time) | (time, D::Date32) if is_time(time) => time.clone(),
        (x, y) if is_time(x) && is_time(y) => timestamp(),
        (time, D::Null) | (D::Null, time) => time.clone(),
        (time, text) if settings.ansi && is_string(text) => time.clone(),
        (text, time) if of_text(text, time) => time.clone(),
        _ => return Err(unexpected(Arithmetic::Subtract, l, r)),
    };
    let (left, right) = (left.cast(&common, settings)?, right.cast(&common, settings)?);
    Ok(difference(left, right, settings))
}

/// A time with an interval added to it, or taken off. A date stays one with months, and with days alone.
fn moved(time: Operand, interval: Operand, back: bool, settings: &SqlSettings) -> Result<Expr, SqlError> {
    let to = match (&time.data_type, interval.interval) {
        (DataType::Date32, Some(fields)) if fields.is_year_month() || fields == IntervalFields::DAY => {
            DataType::Date32
        }
        (DataType::Date32, _) => timestamp(),
        (other, _) => other.clone(),
    };
    let time = time.cast(&to, settings)?;
    let Some(fields) = interval.interval else {
        let null = ScalarValue::try_from(&to).map_err(SqlError::from)?;
        return Ok(Expr::Literal(null, None));
    };
    // Only an instant has a calendar of its own, which is not UTC's everywhere.
    if let Some(literal) = calendar_interval(&interval.expr)
        && (to != timestamp() || settings.is_utc())
    {
        let operator = if back { Operator::Minus } else { Operator::Plus };
        return Ok(native(time, operator, literal));
    }
    if to != DataType::Date32 {
        return Ok(add_interval(time, interval.expr, back, settings));
    }
    let interval = if back {
        interval_call(IntervalKind::Negative, vec![interval.expr])
    } else {
        interval.expr
    };
    if fields.is_year_month() {
        let months = interval_call(IntervalKind::Count, vec![interval]);
        let months = Expr::Cast(Cast::new(Box::new(months), DataType::Int32));
        return Ok(add_months(time, months, settings));
    }
    Ok(date_offset(
        time,
        interval_call(IntervalKind::Days, vec![interval]),
        false,
        settings,
    ))
}

/// A text that is a timestamp, moved, as a text again.
fn moved_text(
    text: Operand,
    interval: Operand,
    back: bool,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    if interval.interval.is_some_and(IntervalFields::is_year_month) {
        let operator = if back { "-" } else { "+" };
        return Err(mismatch(operator, &text.data_type, &interval.data_type));
    }
    let time = Operand {
        expr: text.cast(&timestamp(), settings)?,
        data_type: timestamp(),
        interval: None,
    };
    let moved = moved(time, interval, back, settings)?;
    coerce(moved, &timestamp(), &DataType::Utf8, settings)
}

/// A literal interval as DataFusion adds it to times.
fn calendar_interval(expr: &Expr) -> Option<Expr> {
    let (months, micros) = match literal::value_of(expr)? {
        ScalarValue::IntervalYearMonth(Some(months)) => (months, 0),
        ScalarValue::DurationMicrosecond(Some(micros)) => (0, micros),
        _ => return None,
    };
    let days = i32::try_from(micros / DAY_US).ok()?;
    let interval = IntervalMonthDayNano::new(months, days, (micros % DAY_US) * 1000);
    Some(Expr::Literal(
        ScalarValue::IntervalMonthDayNano(Some(interval)),
        None,
    ))
}

/// An interval multiplied with a number, or divided by one.
fn scaled(op: Arithmetic, left: Operand, right: Operand, settings: &SqlSettings) -> Result<Expr, SqlError> {
    let (l, r) = (left.data_type.clone(), right.data_type.clone());
    let (kind, interval, number) = match op {
        Arithmetic::Multiply if !is_interval(&l) => (IntervalKind::Multiply, right, left),
        Arithmetic::Multiply => (IntervalKind::Multiply, left, right),
        _ => (IntervalKind::Divide, left, right),
    };
    let to = match &number.data_type {
        t if is_integer(t) => DataType::Int64,
        t if is_float(t) || is_string(t) || *t == DataType::Null => DataType::Float64,
        t @ DataType::Decimal128(..) => t.clone(),
        _ => return Err(unexpected(op, &l, &r)),
    };
    if !is_interval(&interval.data_type) {
        return Err(unexpected(op, &l, &r));
    }
    let number = number.cast(&to, settings)?;
    Ok(interval_call(kind, vec![interval.expr, number]))
}

fn days_expected(op: Arithmetic, found: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        format!(
            "The days that `{}` adds to a date are INT, SMALLINT or TINYINT, not {}.",
            op.symbol(),
            type_name(found)
        ),
    )
}

fn unexpected(op: Arithmetic, left: &DataType, right: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        format!(
            "The operator `{}` does not take {} and {} together.",
            op.symbol(),
            type_name(left),
            type_name(right)
        ),
    )
}
