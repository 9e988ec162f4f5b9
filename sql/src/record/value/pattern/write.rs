//! Writing by pattern. All optional parts are written, as every field is known.

use std::fmt::Write;

use super::super::civil::{CivilTime, DAY_US};
use super::super::temporal::push_year;
use super::super::zone::{OffsetWidth, Zone, push_offset};
use super::names::{MONTHS, WEEKDAYS, ZONES, short};
use super::{DateTimePattern, Field, Item};

/// What is written: a local time, and its zone if it has one.
struct Moment<'a> {
    local: CivilTime,
    /// The zone, its offset in seconds and the instant.
    zone: Option<(&'a Zone, i32, i64)>,
}

impl DateTimePattern {
    /// Within how many microseconds of local time, counted from the epoch, the text stays the same; none if that is not
    /// for the local time alone to say.
    pub fn unit_us(&self) -> Option<i64> {
        unit_of(&self.items)
    }

    /// Appends the text of an instant (microseconds since the epoch) in `zone`.
    pub fn format_timestamp(&self, micros: i64, zone: &Zone, out: &mut String) {
        let local = CivilTime::from_micros(zone.to_local(micros).unwrap_or(micros));
        let moment = Moment {
            local,
            zone: Some((zone, zone.offset_at(micros), micros)),
        };
        write_items(&self.items, &moment, out);
    }

    /// Appends the text of a local time; parts about zones are left out.
    pub fn format_timestamp_ntz(&self, local_micros: i64, out: &mut String) {
        let moment = Moment {
            local: CivilTime::from_micros(local_micros),
            zone: None,
        };
        write_items(&self.items, &moment, out);
    }

    /// Appends the text of a day number.
    pub fn format_date(&self, days: i32, out: &mut String) {
        self.format_timestamp_ntz(i64::from(days).saturating_mul(DAY_US), out);
    }
}

fn unit_of(items: &[Item]) -> Option<i64> {
    let mut units = items.iter().map(|item| match item {
        Item::Number(Field::Second, _) => Some(1_000_000),
        Item::Number(Field::Minute, _) => Some(60_000_000),
        Item::Number(
            Field::Hour | Field::ClockHour | Field::HourOfHalfDay | Field::ClockHourOfHalfDay,
            _,
        )
        | Item::HalfDay => Some(3_600_000_000),
        Item::Literal(_)
        | Item::Year(_)
        | Item::Number(..)
        | Item::MonthName(_)
        | Item::Weekday(_)
        | Item::Quarter(_)
        | Item::Era(_) => Some(DAY_US),
        Item::Optional(items) => unit_of(items),
        Item::Fraction(_)
        | Item::Offset(..)
        | Item::OffsetZ(_)
        | Item::OffsetGmt(_)
        | Item::ZoneId
        | Item::ZoneName(_) => None,
    });
    units.try_fold(DAY_US, |least, unit| Some(least.min(unit?)))
}

fn write_items(items: &[Item], moment: &Moment<'_>, out: &mut String) {
    for item in items {
        write_item(item, moment, out);
    }
}

fn write_item(item: &Item, moment: &Moment<'_>, out: &mut String) {
    let t = &moment.local;
    let title = |names: &[&'static str], number: u32, long: bool| {
        let name = names.get(number as usize - 1).copied().unwrap_or_default();
        if long { name } else { short(name) }
    };
    match item {
        Item::Literal(text) => out.push_str(text),
        Item::Year(count) => write_year(t.year, *count, out),
        Item::Number(field, count) => {
            push_padded(number(*field, t), *count, out);
        }
        Item::Fraction(count) => {
            let nanos = format!("{:06}000", t.micros);
            out.push_str(nanos.get(..*count).unwrap_or(&nanos));
        }
        Item::MonthName(long) => out.push_str(title(&MONTHS, t.month, *long)),
        Item::Weekday(long) => out.push_str(title(&WEEKDAYS, t.weekday(), *long)),
        Item::Quarter(count) => {
            let quarter = t.month.div_ceil(3);
            let _ = match count {
                1 => write!(out, "{quarter}"),
                2 => write!(out, "{quarter:02}"),
                3 => write!(out, "Q{quarter}"),
                _ => {
                    let ordinal = ["1st", "2nd", "3rd", "4th"]
                        .get(quarter as usize - 1)
                        .unwrap_or(&"");
                    write!(out, "{ordinal} quarter")
                }
            };
        }
        Item::Era(long) => out.push_str(match (t.year > 0, long) {
            (true, false) => "AD",
            (false, false) => "BC",
            (true, true) => "Anno Domini",
            (false, true) => "Before Christ",
        }),
        Item::HalfDay => out.push_str(if t.hour < 12 { "AM" } else { "PM" }),
        Item::Optional(items) => write_items(items, moment, out),
        _ => {
            if let Some((zone, seconds, micros)) = moment.zone {
                write_zone(item, zone, seconds, micros, out);
            }
        }
    }
}

/// Appends a number with zeros before it, to this width.
fn push_padded(number: u32, width: usize, out: &mut String) {
    let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
    out.extend(std::iter::repeat_n('0', width.saturating_sub(digits)));
    let mut unit = 10_u32.saturating_pow(digits as u32 - 1);
    while unit > 0 {
        out.push(char::from(b'0' + (number / unit % 10) as u8));
        unit /= 10;
    }
}

fn number(field: Field, t: &CivilTime) -> u32 {
    match field {
        Field::Month => t.month,
        Field::Day => t.day,
        Field::DayOfMonthWeek => (t.day - 1) % 7 + 1,
        Field::DayOfYear => t.day_of_year(),
        Field::Hour => t.hour,
        Field::ClockHour => (t.hour + 23) % 24 + 1,
        Field::HourOfHalfDay => t.hour % 12,
        Field::ClockHourOfHalfDay => (t.hour + 11) % 12 + 1,
        Field::Minute => t.minute,
        Field::Second => t.second,
    }
}

fn write_year(year: i64, count: usize, out: &mut String) {
    let _ = match count {
        1 => write!(out, "{year}"),
        2 => write!(out, "{:02}", year.rem_euclid(100)),
        4 => {
            push_year(year, out);
            Ok(())
        }
        _ => write!(out, "{year:0count$}"),
    };
}

fn write_zone(item: &Item, zone: &Zone, seconds: i32, micros: i64, out: &mut String) {
    match item {
        Item::Offset(count, z) => {
            let zero = if *z { "Z" } else { "" };
            let width = match count {
                1 => OffsetWidth::MinutesIfAny,
                2 | 3 => OffsetWidth::Minutes,
                _ => OffsetWidth::SecondsIfAny,
            };
            push_offset(out, seconds, *count == 3 || *count == 5, width, zero);
        }
        Item::OffsetZ(4) | Item::OffsetGmt(true) => {
            out.push_str("GMT");
            if seconds != 0 {
                push_offset(out, seconds, true, OffsetWidth::SecondsIfAny, "");
            }
        }
        Item::OffsetZ(5) => push_offset(out, seconds, true, OffsetWidth::SecondsIfAny, "Z"),
        Item::OffsetZ(_) => push_offset(out, seconds, false, OffsetWidth::Minutes, ""),
        Item::OffsetGmt(false) => {
            out.push_str("GMT");
            if seconds != 0 {
                let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
                let _ = write!(out, "{}{hours}", if seconds < 0 { '-' } else { '+' });
                if minutes != 0 {
                    let _ = write!(out, ":{minutes:02}");
                }
            }
        }
        Item::ZoneId => out.push_str(zone.id()),
        Item::ZoneName(long) => {
            let name = zone.abbreviation_at(micros);
            let full = ZONES
                .iter()
                .find(|(short, _, _)| *short == name)
                .filter(|_| *long);
            out.push_str(full.map_or(name.as_str(), |(_, _, full)| full));
        }
        _ => {}
    }
}
