//! Reading by pattern: strict as Spark's, case of names does not matter.

use super::super::civil::{CivilTime, DAY_US, days_from_civil, days_in_month};
use super::super::zone::Zone;
use super::names::{MONTHS, WEEKDAYS, ZONES, short};
use super::{DateTimePattern, Field, Item};

/// What has been read so far.
#[derive(Clone, Debug, Default)]
struct Parsed {
    year: Option<i64>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    weekday: Option<u32>,
    before_christ: bool,
    hour: Option<u32>,
    half_day_hour: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    micros: u32,
    zone: Option<Zone>,
}

impl DateTimePattern {
    fn parse(&self, text: &[u8]) -> Option<Parsed> {
        let text = std::str::from_utf8(text).ok()?;
        let mut parsed = Parsed::default();
        let rest = items(&self.items, text, &mut parsed)?;
        rest.is_empty().then_some(parsed)
    }

    /// The day number, or none if the text does not follow the pattern.
    pub fn parse_date(&self, text: &[u8]) -> Option<i32> {
        i32::try_from(self.parse(text)?.days()?).ok()
    }

    /// Microseconds since the epoch, in `zone` if the text names none.
    pub fn parse_timestamp(&self, text: &[u8], zone: &Zone) -> Option<i64> {
        let parsed = self.parse(text)?;
        parsed
            .zone
            .as_ref()
            .unwrap_or(zone)
            .to_utc(parsed.local_micros()?)
    }

    /// Local microseconds; none also if the text names a zone.
    pub fn parse_timestamp_ntz(&self, text: &[u8]) -> Option<i64> {
        let parsed = self.parse(text)?;
        if parsed.zone.is_some() {
            return None;
        }
        parsed.local_micros()
    }
}

impl Parsed {
    /// Fields the pattern lacks are those of 1970-01-01.
    fn days(&self) -> Option<i64> {
        let mut year = self.year.unwrap_or(1970);
        if self.before_christ {
            year = 1 - year;
        }
        let days = match self.day_of_year {
            Some(of_year) if self.month.is_none() && self.day.is_none() => {
                let length = 337 + days_in_month(year, 2);
                if of_year == 0 || of_year > length {
                    return None;
                }
                days_from_civil(year, 1, 1)? + i64::from(of_year) - 1
            }
            _ => days_from_civil(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let at = CivilTime::from_micros(days.checked_mul(DAY_US)?);
        if self.weekday.is_some_and(|w| w != at.weekday()) {
            return None;
        }
        Some(days)
    }

    fn local_micros(&self) -> Option<i64> {
        let hour = match (self.hour, self.half_day_hour) {
            (Some(hour), _) => hour,
            (None, Some(half)) => half + 12 * u32::from(self.afternoon.unwrap_or(false)),
            (None, None) => 0,
        };
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let seconds = i64::from((hour * 60 + self.minute) * 60 + self.second);
        let in_day = seconds * 1_000_000 + i64::from(self.micros);
        self.days()?.checked_mul(DAY_US)?.checked_add(in_day)
    }
}

/// Reads all items; returns what is left of the text.
fn items<'t>(list: &[Item], mut text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    for one in list {
        text = item(one, text, parsed)?;
    }
    Some(text)
}

fn item<'t>(one: &Item, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    match one {
        Item::Literal(literal) => strip(text, literal),
        Item::Year(count) => year(text, *count, parsed),
        Item::Number(field, count) => {
            let (value, rest) = digits(text, *count, if *count == 1 { 9 } else { *count })?;
            set(*field, u32::try_from(value).ok()?, parsed)?;
            Some(rest)
        }
        Item::Fraction(count) => {
            let (value, rest) = digits(text, 1, *count)?;
            let read = text.len() - rest.len();
            let nanos = (read..9).fold(value, |v, _| v * 10);
            parsed.micros = u32::try_from(nanos / 1000).ok()?;
            Some(rest)
        }
        Item::MonthName(long) => {
            let (index, rest) = name(text, &MONTHS, *long)?;
            parsed.month = Some(index);
            Some(rest)
        }
        Item::Weekday(long) => {
            let (index, rest) = name(text, &WEEKDAYS, *long)?;
            parsed.weekday = Some(index);
            Some(rest)
        }
        Item::Quarter(count) => {
            let text = if *count == 3 { strip(text, "Q")? } else { text };
            digits(text, 1, 2).map(|(_, rest)| rest)
        }
        Item::Era(long) => {
            let (bc, ad) = if *long {
                ("Before Christ", "Anno Domini")
            } else {
                ("BC", "AD")
            };
            parsed.before_christ = strip(text, bc).is_some();
            strip(text, if parsed.before_christ { bc } else { ad })
        }
        Item::HalfDay => {
            parsed.afternoon = Some(strip(text, "PM").is_some());
            strip(text, "PM").or_else(|| strip(text, "AM"))
        }
        Item::Offset(count, z) => offset(text, *count, *z, parsed),
        Item::OffsetZ(count) => match count {
            4 => gmt(text, parsed),
            5 => offset(text, 5, true, parsed),
            _ => offset(text, 2, false, parsed),
        },
        Item::OffsetGmt(_) => gmt(text, parsed),
        Item::ZoneId | Item::ZoneName(_) => zone(text, parsed),
        Item::Optional(list) => {
            let before = parsed.clone();
            match items(list, text, parsed) {
                Some(rest) => Some(rest),
                None => {
                    *parsed = before;
                    Some(text)
                }
            }
        }
    }
}

/// The text after `prefix`, whatever its case.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    if head.eq_ignore_ascii_case(prefix) {
        text.get(prefix.len()..)
    } else {
        None
    }
}

fn digits(text: &str, min: usize, max: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    if count < min {
        return None;
    }
    let (head, rest) = text.split_at(count);
    Some((head.parse().ok()?, rest))
}

fn year<'t>(text: &'t str, count: usize, parsed: &mut Parsed) -> Option<&'t str> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let plus = text.starts_with('+');
    let (value, rest) = match count {
        1 => digits(unsigned, 1, 9)?,
        2 => {
            let (value, rest) = digits(text, 2, 2)?;
            (2000 + value, rest)
        }
        _ if plus => digits(unsigned, count + 1, 9)?,
        _ => digits(unsigned, count, count)?,
    };
    parsed.year = Some(sign * value);
    Some(rest)
}

fn set(field: Field, value: u32, parsed: &mut Parsed) -> Option<()> {
    let within = |low, high| (low..=high).contains(&value).then_some(value);
    match field {
        Field::Month => parsed.month = Some(within(1, 12)?),
        Field::Day => parsed.day = Some(within(1, 31)?),
        // Spark does not read it.
        Field::DayOfMonthWeek => return None,
        Field::DayOfYear => parsed.day_of_year = Some(within(1, 366)?),
        Field::Hour => parsed.hour = Some(within(0, 23)?),
        Field::ClockHour => parsed.hour = Some(within(1, 24)? % 24),
        Field::ClockHourOfHalfDay => parsed.half_day_hour = Some(within(1, 12)? % 12),
        Field::HourOfHalfDay => parsed.half_day_hour = Some(within(0, 11)?),
        Field::Minute => parsed.minute = within(0, 59)?,
        Field::Second => parsed.second = within(0, 59)?,
    }
    Some(())
}

/// The number, from 1, of the name that begins the text.
fn name<'t>(text: &'t str, names: &[&str], long: bool) -> Option<(u32, &'t str)> {
    names.iter().zip(1..).find_map(|(name, number)| {
        strip(text, if long { name } else { short(name) }).map(|rest| (number, rest))
    })
}

/// `+hh`, `+hhmm` or `+hh:mm` (and seconds for 4 and 5 letters), or `Z` where that is allowed.
fn offset<'t>(text: &'t str, count: usize, z: bool, parsed: &mut Parsed) -> Option<&'t str> {
    if z && let Some(rest) = strip(text, "Z") {
        parsed.zone = Some(Zone::utc());
        return Some(rest);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, mut rest) = digits(text.get(1..)?, 2, 2)?;
    let mut seconds = hours * 3600;
    let colon = count == 3 || count == 5;
    let part = |rest: &'t str| {
        let rest = if colon { rest.strip_prefix(':')? } else { rest };
        digits(rest, 2, 2).filter(|(value, _)| *value < 60)
    };
    match part(rest) {
        Some((minutes, after)) => {
            seconds += minutes * 60;
            rest = after;
            if count >= 4
                && let Some((more, after)) = part(rest)
            {
                seconds += more;
                rest = after;
            }
        }
        None if count == 1 => {}
        None => return None,
    }
    if seconds > 18 * 3600 {
        return None;
    }
    parsed.zone = Some(Zone::fixed(sign * i32::try_from(seconds).ok()?));
    Some(rest)
}

fn gmt<'t>(text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let rest = strip(text, "GMT")?;
    let len = rest
        .bytes()
        .take_while(|b| b"+-:".contains(b) || b.is_ascii_digit())
        .count();
    let (offset, after) = rest.split_at(len);
    parsed.zone = Some(if offset.is_empty() {
        Zone::utc()
    } else {
        Zone::parse(offset)?
    });
    Some(after)
}

/// A region id, an offset or an abbreviation.
fn zone<'t>(text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let part = |b: u8| b.is_ascii_alphanumeric() || b"+-:/_".contains(&b);
    let len = text.bytes().take_while(|b| part(*b)).count();
    let (id, rest) = text.split_at(len);
    let region = ZONES
        .iter()
        .find(|(short, _, _)| short.eq_ignore_ascii_case(id))
        .map(|(_, region, _)| *region);
    parsed.zone = Some(Zone::parse(region.unwrap_or(id))?);
    Some(rest)
}
