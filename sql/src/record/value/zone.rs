//! Time zones as Spark names them: offsets, region ids and Java's short ids.
//!
//! A local time in a gap moves forward by the gap; in an overlap the earlier instant is meant.

use std::str::FromStr;

use chrono::{MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{OffsetName, Tz};

use super::civil::DAY_US;

/// A time zone with the id it was asked for by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zone {
    id: String,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rule {
    /// Seconds east of UTC.
    Fixed(i32),
    Region(Tz),
}

/// Java's short ids (`java.time.ZoneId.SHORT_IDS`).
const SHORT_IDS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "-07:00"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self {
            id: "UTC".into(),
            rule: Rule::Fixed(0),
        }
    }

    /// A fixed offset of this many seconds east of UTC, named as Java names it.
    pub(crate) fn fixed(seconds: i32) -> Self {
        let mut id = String::new();
        push_offset(&mut id, seconds, true, OffsetWidth::SecondsIfAny, "Z");
        Self {
            id,
            rule: Rule::Fixed(seconds),
        }
    }

    /// The zone of this id: `Z`, `+1`, `+01:00`, `UTC+1`, `Europe/Berlin`, `PST`; none if there is none.
    pub fn parse(id: &str) -> Option<Self> {
        let rule = match id {
            "Z" | "UTC" | "GMT" | "UT" => Rule::Fixed(0),
            _ if id.starts_with(['+', '-']) => Rule::Fixed(parse_offset(id)?),
            _ => match ["UTC", "GMT", "UT"].iter().find_map(|p| id.strip_prefix(p)) {
                Some(rest) if rest.starts_with(['+', '-']) => Rule::Fixed(parse_offset(rest)?),
                _ => {
                    if let Some((_, full)) = SHORT_IDS.iter().find(|(short, _)| *short == id) {
                        return Self::parse(full);
                    }
                    match Tz::from_str(id).ok()? {
                        Tz::UTC | Tz::Etc__UTC => Rule::Fixed(0),
                        tz => Rule::Region(tz),
                    }
                }
            },
        };
        Some(Self {
            id: id.to_owned(),
            rule,
        })
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seconds east of UTC at this instant (microseconds since the epoch).
    pub fn offset_at(&self, utc_micros: i64) -> i32 {
        match self.rule {
            Rule::Fixed(seconds) => seconds,
            Rule::Region(tz) => match naive(utc_micros) {
                Some(utc) => tz.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
                None => 0,
            },
        }
    }

    /// The abbreviation in force at this instant, as `CET` or `EDT`.
    pub(crate) fn abbreviation_at(&self, utc_micros: i64) -> String {
        match self.rule {
            Rule::Fixed(_) => self.id.clone(),
            Rule::Region(tz) => naive(utc_micros)
                .and_then(|utc| {
                    tz.offset_from_utc_datetime(&utc)
                        .abbreviation()
                        .map(str::to_owned)
                })
                .unwrap_or_else(|| self.id.clone()),
        }
    }

    /// Local microseconds of an instant; none on overflow.
    pub fn to_local(&self, utc_micros: i64) -> Option<i64> {
        utc_micros.checked_add(i64::from(self.offset_at(utc_micros)) * 1_000_000)
    }

    /// The instant of a local time that came from `instant`: the same offset as there wherever it holds.
    pub(crate) fn to_utc_like(&self, local_micros: i64, instant: i64) -> Option<i64> {
        let seconds = self.offset_at(instant);
        let same = local_micros.checked_sub(i64::from(seconds) * 1_000_000)?;
        if self.offset_at(same) == seconds {
            return Some(same);
        }
        self.to_utc(local_micros)
    }

    /// The instant of local microseconds; none on overflow.
    pub fn to_utc(&self, local_micros: i64) -> Option<i64> {
        let seconds = match self.rule {
            Rule::Fixed(seconds) => seconds,
            Rule::Region(tz) => region_offset(tz, local_micros),
        };
        local_micros.checked_sub(i64::from(seconds) * 1_000_000)
    }
}

fn naive(micros: i64) -> Option<NaiveDateTime> {
    chrono::DateTime::from_timestamp_micros(micros).map(|t| t.naive_utc())
}

fn region_offset(tz: Tz, local_micros: i64) -> i32 {
    let Some(local) = naive(local_micros) else {
        return 0;
    };
    match tz.offset_from_local_datetime(&local) {
        MappedLocalTime::Single(o) | MappedLocalTime::Ambiguous(o, _) => o.fix().local_minus_utc(),
        // In a gap: the offset before it moves the time forward by the gap. A gap is at most a day.
        MappedLocalTime::None => [3 * 3_600_000_000, DAY_US + 3_600_000_000]
            .iter()
            .filter_map(|back| local.checked_sub_signed(TimeDelta::microseconds(*back)))
            .find_map(|before| tz.offset_from_local_datetime(&before).latest())
            .map_or(0, |o| o.fix().local_minus_utc()),
    }
}

/// Seconds of `+h`, `+hh`, `+hhmm`, `+hh:mm`, `+hhmmss`, `+hh:mm:ss`; Spark also takes `+h:mm` and `+hh:m`.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let number = |digits: &[u8]| -> Option<i32> {
        match digits {
            [a @ b'0'..=b'9'] => Some(i32::from(a - b'0')),
            [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i32::from(a - b'0') * 10 + i32::from(b - b'0')),
            _ => None,
        }
    };
    let parts: Vec<&[u8]> = rest.split(|b| *b == b':').collect();
    let (h, m, s) = match parts.as_slice() {
        [one] if one.len() <= 2 => (number(one)?, 0, 0),
        [one] if one.len() == 4 => (number(one.get(..2)?)?, number(one.get(2..)?)?, 0),
        [one] if one.len() == 6 => (
            number(one.get(..2)?)?,
            number(one.get(2..4)?)?,
            number(one.get(4..)?)?,
        ),
        [h, m] => (number(h)?, number(m)?, 0),
        [h, m, s] if m.len() == 2 && s.len() == 2 => (number(h)?, number(m)?, number(s)?),
        _ => return None,
    };
    let seconds = h * 3600 + m * 60 + s;
    (m < 60 && s < 60 && seconds <= 18 * 3600).then_some(sign * seconds)
}

/// How much of an offset is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OffsetWidth {
    /// Hours, and minutes only if not zero.
    MinutesIfAny,
    /// Hours and minutes.
    Minutes,
    /// Hours and minutes, and seconds only if not zero.
    SecondsIfAny,
}

/// Appends an offset; zero becomes `zero` if that is not empty.
pub(crate) fn push_offset(out: &mut String, seconds: i32, colon: bool, width: OffsetWidth, zero: &str) {
    use std::fmt::Write;
    if seconds == 0 && !zero.is_empty() {
        out.push_str(zero);
        return;
    }
    let abs = seconds.unsigned_abs();
    let (h, m, s) = (abs / 3600, abs / 60 % 60, abs % 60);
    let sep = if colon { ":" } else { "" };
    let _ = write!(out, "{}{h:02}", if seconds < 0 { '-' } else { '+' });
    if width != OffsetWidth::MinutesIfAny || m != 0 {
        let _ = write!(out, "{sep}{m:02}");
    }
    if width == OffsetWidth::SecondsIfAny && s != 0 {
        let _ = write!(out, "{sep}{s:02}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_regions_are_understood_as_java_does() {
        for (id, seconds) in [
            ("Z", Some(0)),
            ("+1", Some(3600)),
            ("+01:30", Some(5400)),
            ("-0130", Some(-5400)),
            ("UTC+2", Some(7200)),
            ("GMT-02:00", Some(-7200)),
            ("EST", Some(-18000)),
            ("+1:2", Some(3720)),
            ("+19:00", None),
            ("Mars/Base", None),
        ] {
            assert_eq!(Zone::parse(id).map(|z| z.offset_at(0)), seconds, "{id}");
        }
    }

    #[test]
    fn gaps_move_forward_and_overlaps_take_the_earlier_instant() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let hour = 3_600_000_000i64;
        // 2024-03-31T02:30 does not exist: 03:30+02:00 is meant.
        let gap = 1_711_852_200_000_000;
        assert_eq!(berlin.to_utc(gap), Some(gap - hour));
        // 2024-10-27T02:30 happens twice.
        let overlap = 1_729_996_200_000_000;
        assert_eq!(berlin.to_utc(overlap), Some(overlap - 2 * hour));
    }
}
