//! Functions of instants: differences, sums with units and intervals, other zones, seconds since the epoch.

use arrow::datatypes::DataType;

use super::arguments::{Row, Value};
use super::calendar::add_months;
use super::{Context, DatetimeKind, out_of_bounds};
use crate::SqlError;
use crate::dialect::statements::timestamp;
use crate::record::value::Zone;
use crate::record::value::civil::{CivilTime, days_from_civil, days_in_month};

pub(super) use crate::record::value::civil::DAY_US;

const SECOND: i64 = 1_000_000;

/// The value of one row without nulls.
pub(super) fn value(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    use DatetimeKind as K;
    let micros = || row.micros(0);
    let long = |value: Option<i64>| Ok(value.map(Value::Long));
    match context.kind {
        K::UnixSeconds => long(micros().map(|m| m.div_euclid(SECOND))),
        K::UnixMillis => long(micros().map(|m| m.div_euclid(1000))),
        K::UnixMicros => long(micros()),
        K::TimestampOf { per_second } => timestamp_of(row, per_second),
        K::FromUtc => long(named_zone(row, 1)?.to_local(micros().unwrap_or(0))),
        K::ToUtc => long(named_zone(row, 1)?.to_utc(micros().unwrap_or(0))),
        K::ConvertTimezone => convert_timezone(context, row),
        K::MakeTimestamp { .. } => make_timestamp(context, row),
        K::MonthsBetween => Ok(months_between(&context.zone, row).map(Value::Double)),
        K::TimestampAdd => timestamp_add(context, row),
        K::TimestampDiff => timestamp_diff(context, row),
        K::AddInterval { back } => {
            let (Some(time), Some((months, span))) = (micros(), row.interval(1)) else {
                return Ok(None);
            };
            let sign = if back { -1 } else { 1 };
            let zone = zone_of(context, row, 0);
            let moved = plus_months(&zone, time, sign * i64::from(months));
            let moved = moved.and_then(|t| plus(&zone, t, span.checked_mul(sign)?));
            moved.map(Value::Long).map(Some).ok_or_else(overflow)
        }
        _ => Ok(None),
    }
}

/// The zone of an argument's local times: a timestamp without zone has its own.
fn zone_of(context: &Context, row: &Row<'_>, at: usize) -> Zone {
    match row.data_type(at) {
        Some(t) if *t == timestamp() => context.zone.clone(),
        _ => Zone::utc(),
    }
}

/// Whole days on the local calendar, what is left on the clock.
fn plus(zone: &Zone, micros: i64, span: i64) -> Option<i64> {
    let (days, rest) = (span / DAY_US, span % DAY_US);
    let moved = if days == 0 {
        micros
    } else {
        let local = zone.to_local(micros)?.checked_add(days.checked_mul(DAY_US)?)?;
        zone.to_utc_like(local, micros)?
    };
    moved.checked_add(rest)
}

fn plus_months(zone: &Zone, micros: i64, months: i64) -> Option<i64> {
    if months == 0 {
        return Some(micros);
    }
    let local = zone.to_local(micros)?;
    let day = add_months(local.div_euclid(DAY_US), months)?;
    zone.to_utc_like(
        day.checked_mul(DAY_US)?.checked_add(local.rem_euclid(DAY_US))?,
        micros,
    )
}

fn named_zone(row: &Row<'_>, at: usize) -> Result<Zone, SqlError> {
    let name = row.text(at).unwrap_or_default();
    Zone::parse(name).ok_or_else(|| {
        SqlError::new(
            "INVALID_TIMEZONE",
            format!("The timezone: {name} is invalid. It is a region such as 'Europe/Oslo' or an offset such as '+02:00'."),
        )
    })
}

fn convert_timezone(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    let (from, to, time) = match row.columns.len() {
        2 => (context.zone.clone(), named_zone(row, 0)?, row.micros(1)),
        _ => (named_zone(row, 0)?, named_zone(row, 1)?, row.micros(2)),
    };
    Ok(time.and_then(|t| to.to_local(from.to_utc(t)?)).map(Value::Long))
}

/// `timestamp_seconds` and its like; the argument counts so many to a second.
fn timestamp_of(row: &Row<'_>, per_second: i64) -> Result<Option<Value>, SqlError> {
    if let Some(seconds) = row.double(0) {
        return Ok(seconds
            .is_finite()
            .then_some(Value::Long((seconds * SECOND as f64) as i64)));
    }
    let micros = match row.decimal(0) {
        // The argument was cast to six digits behind the point.
        Some(digits) => i64::try_from(digits).ok(),
        None => row
            .long(0)
            .and_then(|count| count.checked_mul(SECOND / per_second)),
    };
    match micros {
        Some(micros) => Ok(Some(Value::Long(micros))),
        None => Err(SqlError::new(
            "DATETIME_OVERFLOW",
            "Datetime operation overflow: the number is beyond the range of timestamps.",
        )),
    }
}

fn make_timestamp(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    let zone = match (context.kind, row.columns.len()) {
        (_, 7) => named_zone(row, 6)?,
        (DatetimeKind::MakeTimestamp { ntz: true, .. }, _) => Zone::utc(),
        _ => context.zone.clone(),
    };
    match local_parts(row).and_then(|local| zone.to_utc(local)) {
        None if context.ansi => Err(out_of_bounds("What these parts make")),
        micros => Ok(micros.map(Value::Long)),
    }
}

/// Year, month, day, hour, minute and seconds as local microseconds; 60 seconds are the next minute.
fn local_parts(row: &Row<'_>) -> Option<i64> {
    let part = |at| u32::try_from(row.int(at)?).ok();
    let days = days_from_civil(i64::from(row.int(0)?), part(1)?, part(2)?)?;
    let (hour, minute) = (row.int(3)?, row.int(4)?);
    let seconds = i64::try_from(row.decimal(5)?).ok()?;
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60 * SECOND).contains(&seconds);
    let clock = (i64::from(hour) * 60 + i64::from(minute)) * 60 * SECOND + seconds;
    days.checked_mul(DAY_US).filter(|_| fits)?.checked_add(clock)
}

/// Whole months where both are on one day of the month or on the last; else a month is 31 days.
fn months_between(zone: &Zone, row: &Row<'_>) -> Option<f64> {
    struct Parts {
        months: i64,
        day: i64,
        is_last: bool,
        seconds: i64,
    }
    let parts = |micros: i64| -> Option<Parts> {
        let t = CivilTime::from_micros(zone.to_local(micros)?);
        let midnight = zone.to_utc(t.days.checked_mul(DAY_US)?)?;
        Some(Parts {
            months: t.year * 12 + i64::from(t.month),
            day: i64::from(t.day),
            is_last: t.day == days_in_month(t.year, t.month),
            seconds: (micros - midnight) / SECOND,
        })
    };
    let (a, b) = (parts(row.micros(0)?)?, parts(row.micros(1)?)?);
    let months = (a.months - b.months) as f64;
    if a.day == b.day || a.is_last && b.is_last {
        return Some(months);
    }
    let seconds = (a.day - b.day) * 86_400 + a.seconds - b.seconds;
    let difference = months + seconds as f64 / (31.0 * 86_400.0);
    let rounds = row.boolean(2).unwrap_or(true);
    Some(if rounds {
        (difference * 1e8 + 0.5).floor() / 1e8
    } else {
        difference
    })
}

/// A unit as microseconds or months.
enum Unit {
    Micros(i64),
    Months(i64),
}

fn unit_at(row: &Row<'_>, at: usize) -> Result<Unit, SqlError> {
    let name = row.text(at).unwrap_or_default();
    Ok(match name.to_ascii_uppercase().as_str() {
        "MICROSECOND" => Unit::Micros(1),
        "MILLISECOND" => Unit::Micros(1000),
        "SECOND" => Unit::Micros(SECOND),
        "MINUTE" => Unit::Micros(60 * SECOND),
        "HOUR" => Unit::Micros(3600 * SECOND),
        "DAY" | "DAYOFYEAR" => Unit::Micros(DAY_US),
        "WEEK" => Unit::Micros(7 * DAY_US),
        "MONTH" => Unit::Months(1),
        "QUARTER" => Unit::Months(3),
        "YEAR" => Unit::Months(12),
        _ => {
            return Err(SqlError::new(
                "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
                format!("'{name}' is no unit of time."),
            ));
        }
    })
}

fn timestamp_add(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    let (Some(count), Some(time)) = (row.long(1), row.micros(2)) else {
        return Ok(None);
    };
    let zone = zone_of(context, row, 2);
    let sum = match unit_at(row, 0)? {
        Unit::Micros(each) => count.checked_mul(each).and_then(|span| plus(&zone, time, span)),
        Unit::Months(each) => count
            .checked_mul(each)
            .and_then(|months| plus_months(&zone, time, months)),
    };
    match sum {
        Some(micros) => Ok(Some(Value::Long(micros))),
        None => Err(overflow()),
    }
}

/// The error for a result beyond its type.
pub(super) fn overflow() -> SqlError {
    SqlError::new(
        "DATETIME_OVERFLOW",
        "Datetime operation overflow: the result is beyond the range of its type.",
    )
}

/// How many whole units lie between two local times.
fn timestamp_diff(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    let unit = unit_at(row, 0)?;
    let (Some(start), Some(end)) = (context.local(row, 1), context.local(row, 2)) else {
        return Ok(None);
    };
    Ok(Some(Value::Long(match unit {
        Unit::Micros(each) => (end - start) / each,
        Unit::Months(each) => whole_months(start, end) / each,
    })))
}

fn whole_months(start: i64, end: i64) -> i64 {
    let split = |micros: i64| {
        let t = CivilTime::from_micros(micros);
        (
            t.year * 12 + i64::from(t.month),
            (t.day, micros.rem_euclid(DAY_US)),
        )
    };
    let ((from, early), (to, late)) = (split(start), split(end));
    match to - from {
        months if months > 0 && late < early => months - 1,
        months if months < 0 && late > early => months + 1,
        months => months,
    }
}

/// The type of a timestamp's sum: that of the timestamp.
pub(super) fn like_timestamp(from: &DataType) -> DataType {
    match from {
        DataType::Timestamp(unit, None) => DataType::Timestamp(*unit, None),
        _ => timestamp(),
    }
}
