//! The session's time zone: from an instant to a local time and back, as Java does it at the edges of summer time.

use chrono::{DateTime, Duration, FixedOffset, MappedLocalTime, NaiveDateTime, Offset, TimeZone, Utc};

use super::super::SqlSettings;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Zone {
    /// A fixed offset from UTC.
    Fixed(FixedOffset),
    /// A region with its rules.
    Region(chrono_tz::Tz),
}

impl Zone {
    /// The session's zone; UTC for a name that was not checked before.
    pub(crate) fn of(settings: &SqlSettings) -> Self {
        if settings.is_utc() {
            return Self::Fixed(Utc.fix());
        }
        Self::parse(&settings.time_zone).unwrap_or(Self::Fixed(Utc.fix()))
    }

    /// A zone by its name or offset.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if matches!(name, "Z" | "UTC" | "GMT" | "UT") {
            return Some(Self::Fixed(Utc.fix()));
        }
        let offset = ["UTC", "GMT", "UT"]
            .iter()
            .find_map(|p| name.strip_prefix(p))
            .unwrap_or(name);
        if let Some(fixed) = parse_offset(offset) {
            return Some(Self::Fixed(fixed));
        }
        name.parse().ok().map(Self::Region)
    }

    /// The local time of an instant in microseconds.
    pub(crate) fn local(&self, micros: i64) -> Option<NaiveDateTime> {
        let instant = DateTime::from_timestamp_micros(micros)?;
        Some(match self {
            Self::Fixed(offset) => instant.with_timezone(offset).naive_local(),
            Self::Region(zone) => instant.with_timezone(zone).naive_local(),
        })
    }

    /// The instant, in microseconds, of a local time: the earlier one where there are two; moved on by the gap where none is.
    pub(crate) fn instant(&self, local: NaiveDateTime) -> Option<i64> {
        match self {
            Self::Fixed(offset) => offset
                .from_local_datetime(&local)
                .single()
                .map(|t| t.timestamp_micros()),
            Self::Region(zone) => match zone.from_local_datetime(&local) {
                MappedLocalTime::Single(t) => Some(t.timestamp_micros()),
                MappedLocalTime::Ambiguous(first, _) => Some(first.timestamp_micros()),
                MappedLocalTime::None => {
                    let day = Duration::days(1);
                    let before = zone.offset_from_utc_datetime(&local.checked_sub_signed(day)?);
                    let shift = i64::from(before.fix().local_minus_utc());
                    Some(local.and_utc().timestamp_micros() - shift * 1_000_000)
                }
            },
        }
    }
}

/// `+02:00`, `-5`, `+0230`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((h, m)) => (h, m.split_once(':').map_or(m, |(m, _)| m)),
        None if rest.len() == 4 => rest.split_at_checked(2)?,
        None => (rest, "0"),
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 18 || minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}
