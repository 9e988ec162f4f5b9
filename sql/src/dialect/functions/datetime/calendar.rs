//! Functions whose values are dates.

use super::arguments::{Row, Value};
use super::{Context, DatetimeKind, out_of_bounds};
use crate::SqlError;
use crate::record::value::civil::{civil_from_days, days_from_civil, days_in_month};

/// The value of one row without nulls.
pub(super) fn value(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    use DatetimeKind as K;
    let days = match context.kind {
        K::MakeDate => return make_date(context, row),
        K::NextDay => return next_day(context, row),
        K::DateAdd => sum(row, 1),
        K::DateSub => sum(row, -1),
        K::DateDiff => row
            .date(0)
            .zip(row.date(1))
            .map(|(a, b)| i64::from(a) - i64::from(b)),
        K::LastDay => row.date(0).and_then(|day| {
            let (year, month, _) = civil_from_days(i64::from(day));
            days_from_civil(year, month, days_in_month(year, month))
        }),
        K::AddMonths => row
            .date(0)
            .zip(row.int(1))
            .and_then(|(day, months)| add_months(i64::from(day), i64::from(months))),
        K::UnixDate => row.date(0).map(i64::from),
        _ => row.int(0).map(i64::from),
    };
    Ok(days.and_then(|days| i32::try_from(days).ok()).map(Value::Int))
}

fn sum(row: &Row<'_>, sign: i64) -> Option<i64> {
    Some(i64::from(row.date(0)?) + sign * i64::from(row.int(1)?))
}

/// The day so many months later, or the last of its month.
pub(super) fn add_months(days: i64, months: i64) -> Option<i64> {
    let (year, month, day) = civil_from_days(days);
    let total = year
        .checked_mul(12)?
        .checked_add(i64::from(month) - 1)?
        .checked_add(months)?;
    let (year, month) = (
        total.div_euclid(12),
        u32::try_from(total.rem_euclid(12)).ok()? + 1,
    );
    days_from_civil(year, month, day.min(days_in_month(year, month)))
}

fn make_date(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    let (Some(year), Some(month), Some(day)) = (row.int(0), row.int(1), row.int(2)) else {
        return Ok(None);
    };
    let days = u32::try_from(month)
        .ok()
        .zip(u32::try_from(day).ok())
        .and_then(|(month, day)| days_from_civil(i64::from(year), month, day))
        .and_then(|days| i32::try_from(days).ok());
    match days {
        None if context.ansi => Err(out_of_bounds(&format!("{year}-{month}-{day}"))),
        days => Ok(days.map(Value::Int)),
    }
}

/// `next_day(date, 'Mon')`: the first such day after the date.
fn next_day(context: &Context, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    let (Some(day), Some(name)) = (row.date(0), row.text(1)) else {
        return Ok(None);
    };
    let number = match name.trim().to_ascii_uppercase().as_str() {
        "TH" | "THU" | "THURSDAY" => 0,
        "FR" | "FRI" | "FRIDAY" => 1,
        "SA" | "SAT" | "SATURDAY" => 2,
        "SU" | "SUN" | "SUNDAY" => 3,
        "MO" | "MON" | "MONDAY" => 4,
        "TU" | "TUE" | "TUESDAY" => 5,
        "WE" | "WED" | "WEDNESDAY" => 6,
        _ if context.ansi => {
            return Err(SqlError::new(
                "ILLEGAL_DAY_OF_WEEK",
                format!("Illegal input for day of week: {name}."),
            ));
        }
        _ => return Ok(None),
    };
    // Day 0 is a Thursday.
    let next = i64::from(day) + 1 + (number - 1 - i64::from(day)).rem_euclid(7);
    Ok(i32::try_from(next).ok().map(Value::Int))
}
