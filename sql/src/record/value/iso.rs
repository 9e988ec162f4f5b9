//! Dates and timestamps in Spark's own lenient ISO forms, used where no pattern is given.
//!
//! `yyyy[-m[-d]]`, then for timestamps `T` or a blank, `h[:m[:s[.f]]]`, and after the seconds a zone.
//! Digits beyond microseconds are dropped. A time without a date is refused: it would need the wall clock.

use super::civil::{DAY_US, days_from_civil};
use super::zone::Zone;

/// Strips what Spark strips around dates: blanks and control characters.
fn trim(text: &[u8]) -> &[u8] {
    let blank = |b: &u8| *b <= b' ' || *b == 0x7f;
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !blank(b)).map_or(start, |i| i + 1);
    text.get(start..end).unwrap_or_default()
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    /// The value of the digits here if their number is in the range.
    fn digits(&mut self, min: usize, max: usize) -> Option<i64> {
        let mut value = 0i64;
        let mut count = 0;
        while let Some(d) = self.rest.get(count).filter(|b| b.is_ascii_digit()) {
            if count == max {
                return None;
            }
            value = value * 10 + i64::from(d - b'0');
            count += 1;
        }
        self.rest = self.rest.get(count..)?;
        (count >= min).then_some(value)
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn sign(&mut self) -> i64 {
        if self.eat(b'-') {
            -1
        } else {
            self.eat(b'+');
            1
        }
    }

    /// The microseconds in the digits here: six count, the others are dropped.
    fn fraction(&mut self) -> i64 {
        let mut value = 0;
        let mut count = 0;
        while let Some(d) = self.rest.get(count).filter(|b| b.is_ascii_digit()) {
            if count < 6 {
                value = value * 10 + i64::from(d - b'0');
            }
            count += 1;
        }
        self.rest = self.rest.get(count..).unwrap_or_default();
        (count..6).fold(value, |v, _| v * 10)
    }
}

/// The day number of a date text; what follows `T` or a blank is not looked at. None if malformed.
pub fn parse_date(text: &[u8]) -> Option<i32> {
    let mut c = Cursor { rest: trim(text) };
    let sign = c.sign();
    let year = sign * c.digits(4, 7)?;
    let (mut month, mut day) = (1, 1);
    if c.eat(b'-') {
        month = c.digits(1, 2)?;
        if c.eat(b'-') {
            day = c.digits(1, 2)?;
            if c.eat(b'T') || c.eat(b' ') {
                c.rest = &[];
            }
        }
    }
    if !c.rest.is_empty() {
        return None;
    }
    i32::try_from(days_from_civil(year, month as u32, day as u32)?).ok()
}

/// Local microseconds and the zone named in the text, if one is.
fn parse_local(text: &[u8]) -> Option<(i64, Option<Zone>)> {
    let mut c = Cursor { rest: trim(text) };
    let sign = c.sign();
    let year = sign * c.digits(4, 6)?;
    let (mut month, mut day) = (1, 1);
    let mut time = [0i64; 4];
    let mut zone = None;
    if c.eat(b'-') {
        month = c.digits(1, 2)?;
        if c.eat(b'-') {
            day = c.digits(1, 2)?;
            if c.eat(b'T') || c.eat(b' ') {
                zone = parse_time(&mut c, &mut time)?;
            }
        }
    }
    if !c.rest.is_empty() {
        return None;
    }
    let [h, m, s, us] = time;
    if h > 23 || m > 59 || s > 59 {
        return None;
    }
    let days = days_from_civil(year, month as u32, day as u32)?;
    let micros = days
        .checked_mul(DAY_US)?
        .checked_add(((h * 60 + m) * 60 + s) * 1_000_000 + us)?;
    Some((micros, zone))
}

fn parse_time(c: &mut Cursor<'_>, time: &mut [i64; 4]) -> Option<Option<Zone>> {
    let [h, m, s, us] = time;
    *h = c.digits(1, 2)?;
    if !c.eat(b':') {
        return Some(None);
    }
    *m = c.digits(1, 2)?;
    if !c.eat(b':') {
        return Some(None);
    }
    *s = c.digits(1, 2)?;
    if c.eat(b'.') {
        *us = c.fraction();
    }
    if c.rest.is_empty() {
        return Some(None);
    }
    let id = std::str::from_utf8(trim(c.rest)).ok()?;
    c.rest = &[];
    Some(Some(Zone::parse(id)?))
}

/// Microseconds since the epoch of a timestamp text, in `zone` if the text names none. None if malformed.
pub fn parse_timestamp(text: &[u8], zone: &Zone) -> Option<i64> {
    let (local, named) = parse_local(text)?;
    named.as_ref().unwrap_or(zone).to_utc(local)
}

/// Local microseconds of a timestamp text; none if malformed or if it names a zone.
pub fn parse_timestamp_ntz(text: &[u8]) -> Option<i64> {
    match parse_local(text)? {
        (local, None) => Some(local),
        _ => None,
    }
}

/// Local microseconds of a timestamp text; a zone in it is dropped. None if malformed.
pub(crate) fn parse_timestamp_local(text: &[u8]) -> Option<i64> {
    parse_local(text).map(|(local, _)| local)
}
