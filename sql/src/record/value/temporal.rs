//! Dates and timestamps: the reader of a format's options, and the text a cast to STRING gives.

use super::civil::{CivilTime, civil_from_days};
use super::pattern::DateTimePattern;
use super::zone::Zone;
use super::{parse_date, parse_timestamp, parse_timestamp_ntz};

/// How date and time texts are read: by pattern where one is given, else in Spark's ISO forms.
#[derive(Clone, Debug)]
pub(crate) struct TemporalReader {
    pub(crate) zone: Zone,
    pub(crate) date: Option<DateTimePattern>,
    pub(crate) timestamp: Option<DateTimePattern>,
    pub(crate) timestamp_ntz: Option<DateTimePattern>,
}

impl TemporalReader {
    /// The day number, or none if malformed.
    pub(crate) fn date(&self, text: &[u8]) -> Option<i32> {
        match &self.date {
            Some(pattern) => pattern.parse_date(text),
            None => parse_date(text),
        }
    }

    /// Microseconds since the epoch, or none if malformed.
    pub(crate) fn timestamp(&self, text: &[u8]) -> Option<i64> {
        match &self.timestamp {
            Some(pattern) => pattern.parse_timestamp(text, &self.zone),
            None => parse_timestamp(text, &self.zone),
        }
    }

    /// Local microseconds, or none if malformed or if a zone is named.
    pub(crate) fn timestamp_ntz(&self, text: &[u8]) -> Option<i64> {
        match &self.timestamp_ntz {
            Some(pattern) => pattern.parse_timestamp_ntz(text),
            None => parse_timestamp_ntz(text),
        }
    }
}

/// Appends a year of four digits at least, signed as Java does outside 0 to 9999.
pub(crate) fn push_year(year: i64, out: &mut String) {
    use std::fmt::Write;
    let _ = match year {
        0..=9999 => write!(out, "{year:04}"),
        10_000.. => write!(out, "+{year}"),
        _ => write!(out, "-{:04}", year.unsigned_abs()),
    };
}

/// Appends `yyyy-MM-dd` for a day number.
pub fn format_date(days: i32, out: &mut String) {
    use std::fmt::Write;
    let (year, month, day) = civil_from_days(i64::from(days));
    push_year(year, out);
    let _ = write!(out, "-{month:02}-{day:02}");
}

/// Appends the text a cast of TIMESTAMP to STRING gives in this zone: `2024-01-01 00:00:00.5`.
pub fn format_timestamp(micros: i64, zone: &Zone, out: &mut String) {
    format_timestamp_ntz(zone.to_local(micros).unwrap_or(micros), out);
}

/// Appends the text a cast of TIMESTAMP_NTZ to STRING gives; trailing zeros of the fraction are left out.
pub fn format_timestamp_ntz(local_micros: i64, out: &mut String) {
    use std::fmt::Write;
    let t = CivilTime::from_micros(local_micros);
    push_year(t.year, out);
    let _ = write!(
        out,
        "-{:02}-{:02} {:02}:{:02}:{:02}",
        t.month, t.day, t.hour, t.minute, t.second
    );
    if t.micros != 0 {
        let fraction = format!("{:06}", t.micros);
        let _ = write!(out, ".{}", fraction.trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_become_text_as_a_cast_gives_it() {
        let text = |micros| {
            let mut out = String::new();
            format_timestamp(micros, &Zone::utc(), &mut out);
            out
        };
        assert_eq!(text(0), "1970-01-01 00:00:00");
        assert_eq!(text(-1), "1969-12-31 23:59:59.999999");
        assert_eq!(text(1_500_000), "1970-01-01 00:00:01.5");
        assert_eq!(text(253_402_300_800_000_000), "+10000-01-01 00:00:00");
    }
}
