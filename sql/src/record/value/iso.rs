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

/// The zone that a text names.
enum Named {
    None,
    /// By the letter `Z`, as most texts that name one.
    Utc,
    Zone(Zone),
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
fn parse_local(text: &[u8]) -> Option<(i64, Named)> {
    parse_full(text).or_else(|| parse_lenient(text))
}

/// The form that most texts have, by the places of its digits: `yyyy-mm-ddThh:mm:ss[.f][Z]`, or with a blank for the `T`.
#[inline]
fn parse_full(text: &[u8]) -> Option<(i64, Named)> {
    let (head, mut rest) = text.split_first_chunk::<19>()?;
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        o0,
        o1,
        b'-',
        d0,
        d1,
        b'T' | b' ',
        h0,
        h1,
        b':',
        m0,
        m1,
        b':',
        s0,
        s1,
    ] = *head
    else {
        return None;
    };
    let digits = [y0, y1, y2, y3, o0, o1, d0, d1, h0, h1, m0, m1, s0, s1];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let mut us = 0;
    if let [b'.', fraction @ ..] = rest {
        let mut c = Cursor { rest: fraction };
        us = c.fraction();
        rest = c.rest;
    }
    let zone = match rest {
        b"" => Named::None,
        b"Z" => Named::Utc,
        _ => return None,
    };
    let date = (two(y0, y1) * 100 + two(y2, y3), two(o0, o1), two(d0, d1));
    micros(date, [two(h0, h1), two(m0, m1), two(s0, s1), us], zone)
}

/// Every form there is.
fn parse_lenient(text: &[u8]) -> Option<(i64, Named)> {
    let mut c = Cursor { rest: trim(text) };
    let sign = c.sign();
    let year = sign * c.digits(4, 6)?;
    let (mut month, mut day) = (1, 1);
    let mut time = [0i64; 4];
    let mut zone = Named::None;
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
    micros((year, month, day), time, zone)
}

fn micros((year, month, day): (i64, i64, i64), [h, m, s, us]: [i64; 4], zone: Named) -> Option<(i64, Named)> {
    if h > 23 || m > 59 || s > 59 {
        return None;
    }
    let days = days_from_civil(year, month as u32, day as u32)?;
    let micros = days
        .checked_mul(DAY_US)?
        .checked_add(((h * 60 + m) * 60 + s) * 1_000_000 + us)?;
    Some((micros, zone))
}

fn parse_time(c: &mut Cursor<'_>, time: &mut [i64; 4]) -> Option<Named> {
    let [h, m, s, us] = time;
    *h = c.digits(1, 2)?;
    if !c.eat(b':') {
        return Some(Named::None);
    }
    *m = c.digits(1, 2)?;
    if !c.eat(b':') {
        return Some(Named::None);
    }
    *s = c.digits(1, 2)?;
    if c.eat(b'.') {
        *us = c.fraction();
    }
    if c.rest.is_empty() {
        return Some(Named::None);
    }
    let id = std::str::from_utf8(trim(c.rest)).ok()?;
    c.rest = &[];
    Some(Named::Zone(Zone::parse(id)?))
}

/// Microseconds since the epoch of a timestamp text, in `zone` if the text names none. None if malformed.
pub fn parse_timestamp(text: &[u8], zone: &Zone) -> Option<i64> {
    match parse_local(text)? {
        (local, Named::None) => zone.to_utc(local),
        (local, Named::Utc) => Some(local),
        (local, Named::Zone(zone)) => zone.to_utc(local),
    }
}

/// Local microseconds of a timestamp text; none if malformed or if it names a zone.
pub fn parse_timestamp_ntz(text: &[u8]) -> Option<i64> {
    match parse_local(text)? {
        (local, Named::None) => Some(local),
        _ => None,
    }
}

/// Local microseconds of a timestamp text; a zone in it is dropped. None if malformed.
pub(crate) fn parse_timestamp_local(text: &[u8]) -> Option<i64> {
    parse_local(text).map(|(local, _)| local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_form_means_what_the_lenient_reading_makes_of_it() {
        let zone = Zone::parse("America/New_York").unwrap();
        let mut read_by_place = 0;
        for date in [
            "2024-02-29",
            "2023-02-29",
            "0001-01-01",
            "1969-12-31",
            "2024-13-01",
            "2024-00-10",
            "20x4-01-01",
        ] {
            for time in [
                "00:00:00", "23:59:59", "24:00:00", "12:60:00", "02:30:60", "1:02:03", "01-02-03",
            ] {
                for rest in [
                    "",
                    "Z",
                    ".5",
                    ".123456789Z",
                    ".",
                    ".Z",
                    "+01:00",
                    " Z",
                    "z",
                    ".1x",
                ] {
                    for separator in ["T", " ", "t"] {
                        let text = format!("{date}{separator}{time}{rest}");
                        let given = |parsed: Option<(i64, Named)>| match parsed? {
                            (local, Named::None) => Some((local, zone.to_utc(local))),
                            (local, Named::Utc) => Some((local, Some(local))),
                            (local, Named::Zone(zone)) => Some((local, zone.to_utc(local))),
                        };
                        let lenient = given(parse_lenient(text.as_bytes()));
                        if let Some(full) = given(parse_full(text.as_bytes())) {
                            read_by_place += 1;
                            assert_eq!(Some(full), lenient, "{text}");
                        }
                        assert_eq!(given(parse_local(text.as_bytes())), lenient, "{text}");
                    }
                }
            }
        }
        assert_eq!(read_by_place, 3 * 2 * 2 * 6);
    }
}
