//! `date_trunc` and `trunc`.

use super::arguments::{Row, Value};
use super::instant::DAY_US;
use crate::record::value::Zone;
use crate::record::value::civil::{CivilTime, days_from_civil};

/// `date_trunc(unit, ts)`: NULL for a unit that does not exist.
pub(super) fn timestamp(row: &Row<'_>, zone: &Zone) -> Option<Value> {
    let micros = row.micros(1)?;
    let local = zone.to_local(micros)?;
    let cut = |unit: i64| local - local.rem_euclid(unit);
    let truncated = match row.text(0)?.to_ascii_lowercase().as_str() {
        "microsecond" => local,
        "millisecond" => cut(1000),
        "second" => cut(1_000_000),
        "minute" => cut(60_000_000),
        "hour" => cut(3_600_000_000),
        "day" | "dd" => cut(DAY_US),
        // Days begin at the first midnight there is, whatever the offset of the time.
        unit => {
            let day = first_day(&CivilTime::from_micros(local), unit)?;
            return Some(Value::Long(zone.to_utc(day.checked_mul(DAY_US)?)?));
        }
    };
    zone.to_utc_like(truncated, micros).map(Value::Long)
}

/// `trunc(date, unit)`: units below a week leave no date.
pub(super) fn date(row: &Row<'_>) -> Option<Value> {
    let micros = i64::from(row.date(0)?).checked_mul(DAY_US)?;
    let unit = row.text(1)?.to_ascii_lowercase();
    let day = first_day(&CivilTime::from_micros(micros), &unit)?;
    i32::try_from(day).ok().map(Value::Int)
}

/// The first day of the unit that a day is in.
fn first_day(t: &CivilTime, unit: &str) -> Option<i64> {
    match unit {
        "year" | "yyyy" | "yy" => days_from_civil(t.year, 1, 1),
        "quarter" => days_from_civil(t.year, (t.month - 1) / 3 * 3 + 1, 1),
        "month" | "mon" | "mm" => days_from_civil(t.year, t.month, 1),
        "week" => Some(t.days - i64::from(t.weekday()) + 1),
        _ => None,
    }
}
