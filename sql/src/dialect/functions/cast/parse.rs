//! Strings as numbers, booleans, dates and times, as Spark casts them: blanks around are dropped, the rest must fit whole.

use arrow::datatypes::i256;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::super::arithmetic::rescale;
use super::super::zone::Zone;

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// A whole number.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = trim(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A DOUBLE, as Java reads it: also `1d`, `Infinity`, `NaN`, in any case.
pub(crate) fn double(text: &str) -> Option<f64> {
    let text = trim(text);
    match text.to_ascii_lowercase().as_str() {
        "nan" => return Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => return Some(f64::INFINITY),
        "-inf" | "-infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let digits = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    if !digits
        .bytes()
        .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
    {
        return None;
    }
    digits.parse().ok()
}

/// A decimal of this scale, rounded half up; `None` for no number or too many digits.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let text = trim(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let all = all.trim_start_matches('0');
    if all.is_empty() {
        return Some(0);
    }
    let value: i256 = all.parse().ok()?;
    let from = i32::try_from(fraction.len()).ok()? - exponent;
    // Far below the scale is zero; far above does not fit.
    if from - i32::from(scale) > 76 {
        return Some(0);
    }
    let value = rescale(value, from, i32::from(scale))?.to_i128()?;
    if value.unsigned_abs() >= 10u128.checked_pow(u32::from(precision))? {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// A boolean: `true`, `t`, `yes`, `y`, `1` and their opposites.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match trim(text).to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A date: `2024`, `2024-3`, `2024-03-05`, and anything after a blank or `T` behind the day.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let text = trim(text);
    let (date, _) = split_date(text);
    parse_date(date)
}

/// The date's part of a text, and the time's part without its `T` or blank.
fn split_date(text: &str) -> (&str, Option<&str>) {
    match text.find([' ', 'T']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = text.split('-');
    let year = parts.next()?;
    let (month, day) = (parts.next().unwrap_or("1"), parts.next().unwrap_or("1"));
    let digits = |s: &str, least: usize, most: usize| {
        s.len() >= least && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit())
    };
    if parts.next().is_some() || !digits(year, 4, 7) || !digits(month, 1, 2) || !digits(day, 1, 2) {
        return None;
    }
    let year: i32 = year.parse().ok()?;
    NaiveDate::from_ymd_opt(
        if negative { -year } else { year },
        month.parse().ok()?,
        day.parse().ok()?,
    )
}

/// A timestamp in microseconds: a date, or a date and a time with an optional zone; without one, the session's.
pub(crate) fn timestamp(text: &str, session: &Zone) -> Option<i64> {
    let (local, zone) = local_and_zone(text)?;
    zone.as_ref().unwrap_or(session).instant(local)
}

/// A timestamp without zone in microseconds; a zone in the text is dropped.
pub(crate) fn timestamp_ntz(text: &str) -> Option<i64> {
    local_and_zone(text).map(|(local, _)| local.and_utc().timestamp_micros())
}

fn local_and_zone(text: &str) -> Option<(NaiveDateTime, Option<Zone>)> {
    let text = trim(text);
    let (date_text, time_text) = split_date(text);
    let date = parse_date(date_text)?;
    let Some(time_text) = time_text.filter(|t| !t.is_empty()) else {
        return Some((date.and_time(NaiveTime::MIN), None));
    };
    let end = time_text
        .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
        .unwrap_or(time_text.len());
    let (time, zone) = time_text.split_at(end);
    let zone = match zone.trim_start() {
        "" => None,
        name => Some(Zone::parse(name)?),
    };
    Some((date.and_time(parse_time(time)?), zone))
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (text, ""),
    };
    let mut parts = clock.split(':');
    let mut next = |default: Option<u32>| -> Option<u32> {
        match parts.next() {
            Some(s) if (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit()) => s.parse().ok(),
            Some(_) => None,
            None => default,
        }
    };
    let (hour, minute, second) = (next(None)?, next(Some(0))?, next(Some(0))?);
    if parts.next().is_some() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: u32 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_half_up_and_keep_their_digits() {
        for (text, value) in [
            ("1.555", Some(156)),
            ("-1.555", Some(-156)),
            ("1e2", Some(10_000)),
            (".5", Some(50)),
            ("x", None),
            ("123456789", None),
            ("1e-400", Some(0)),
        ] {
            assert_eq!(decimal(text, 10, 2), value, "{text}");
        }
    }

    #[test]
    fn timestamps_take_every_form_of_sparks() {
        let utc = Zone::parse("UTC").unwrap();
        for (text, micros) in [
            ("1970-01-01", Some(0)),
            ("1970-01-01 00:00:01", Some(1_000_000)),
            ("1970-01-01T00:00:01Z", Some(1_000_000)),
            ("1970-01-01 01:00:00+01:00", Some(0)),
            ("1970-1-1 0:0:0.1234567", Some(123_456)),
            ("1970-01-01 00:01", Some(60_000_000)),
            ("nonsense", None),
            ("1970-13-01", None),
        ] {
            assert_eq!(timestamp(text, &utc), micros, "{text}");
        }
    }
}
