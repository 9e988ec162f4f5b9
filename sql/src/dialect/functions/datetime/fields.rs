//! Fields of a time: `year`, `hour`, `dayname`.

use super::arguments::Value;
use crate::record::value::civil::{CivilTime, days_from_civil};

/// A field of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TimeField {
    /// The year.
    Year,
    /// The year that the ISO week belongs to.
    YearOfWeek,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// 1 to 31.
    Day,
    /// 1 (Sunday) to 7.
    DayOfWeek,
    /// 1 (Monday) to 7.
    DayOfWeekIso,
    /// 0 (Monday) to 6.
    Weekday,
    /// 1 to 366.
    DayOfYear,
    /// The ISO week.
    WeekOfYear,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59.
    Second,
    /// The seconds with their microseconds as DECIMAL(8,6).
    SecondWithFraction,
    /// `Mon` to `Sun`.
    DayName,
    /// `Jan` to `Dec`.
    MonthName,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The field of a local time in microseconds.
pub(super) fn value(field: TimeField, local_micros: i64) -> Value {
    let t = CivilTime::from_micros(local_micros);
    let name = |names: &[&str], number: u32| {
        let at = usize::try_from(number).unwrap_or(1).saturating_sub(1);
        Value::Text(names.get(at).copied().unwrap_or_default().to_owned())
    };
    let number = match field {
        TimeField::SecondWithFraction => {
            return Value::Long(i64::from(t.second) * 1_000_000 + i64::from(t.micros));
        }
        TimeField::DayName => return name(&DAYS, t.weekday()),
        TimeField::MonthName => return name(&MONTHS, t.month),
        TimeField::Year => t.year,
        TimeField::YearOfWeek => iso_week(&t).0,
        TimeField::WeekOfYear => iso_week(&t).1,
        TimeField::Quarter => i64::from(t.month.div_ceil(3)),
        TimeField::Month => i64::from(t.month),
        TimeField::Day => i64::from(t.day),
        TimeField::DayOfWeek => i64::from(t.weekday() % 7 + 1),
        TimeField::DayOfWeekIso => i64::from(t.weekday()),
        TimeField::Weekday => i64::from(t.weekday()) - 1,
        TimeField::DayOfYear => i64::from(t.day_of_year()),
        TimeField::Hour => i64::from(t.hour),
        TimeField::Minute => i64::from(t.minute),
        TimeField::Second => i64::from(t.second),
    };
    Value::Int(i32::try_from(number).unwrap_or(0))
}

/// The ISO week of a day with its year: those of the week's Thursday.
fn iso_week(t: &CivilTime) -> (i64, i64) {
    let thursday = t.days - i64::from(t.weekday()) + 4;
    let (year, _, _) = crate::record::value::civil::civil_from_days(thursday);
    let first = days_from_civil(year, 1, 1).unwrap_or(thursday);
    (year, (thursday - first) / 7 + 1)
}
