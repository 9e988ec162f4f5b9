//! Dates and timestamps as ORC's Java writer stores them.
//!
//! A timestamp is a count of seconds since 2015 began in the writer's time zone, and nanoseconds; it is read back as the
//! instant that was written. Days before October 1582 are counted in the Julian calendar, and times before 1900 are
//! turned from the offsets that `java.util.TimeZone` knows to those of the time zone's rules: Spark's "rebasing".

use arrow::array::timezone::Tz;
use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};

use super::damaged;
use crate::Result;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// 1582-10-15, the first day of the Gregorian calendar.
const FIRST_GREGORIAN_DAY: i32 = -141_427;

/// 1900-01-01T00:00:00Z: before it `java.util.TimeZone` knows no offsets.
const YEAR_1900_SECONDS: i64 = -2_208_988_800;

/// Years, months and days from the day of the common era on.
const EPOCH_DAY_FROM_CE: i32 = 719_163;

/// How one stripe's writer stored times.
#[derive(Debug)]
pub(super) struct WriterTimes {
    zone: Tz,
    /// What the zone's 2015 began later than that of UTC.
    epoch_shift_seconds: i64,
    /// Java's offset for all times before 1900: the zone's standard time of today.
    old_offset_seconds: i64,
    julian: bool,
}

impl WriterTimes {
    /// Of the zone that a stripe's footer names; without a name it is UTC.
    ///
    /// # Errors
    /// When no such time zone is known.
    pub(super) fn new(zone: Option<&str>, julian: bool) -> Result<Self> {
        let name = zone.unwrap_or("UTC");
        let zone = parse_zone(name).ok_or_else(|| damaged(format!("its writer's time zone is '{name}'")))?;
        let epoch = NaiveDate::from_ymd_opt(2015, 1, 1).unwrap_or_default().into();
        Ok(Self {
            epoch_shift_seconds: -offset_of_local(&zone, &epoch),
            old_offset_seconds: standard_offset(&zone),
            zone,
            julian,
        })
    }

    /// Microseconds since 1970 of nanoseconds that were decoded as if the writer had been in UTC.
    ///
    /// None when they do not fit.
    pub(super) fn micros(&self, decoded: i128) -> Option<i64> {
        let second = i64::try_from(decoded.div_euclid(NANOS_PER_SECOND)).ok()?;
        let nanos = i64::try_from(decoded.rem_euclid(NANOS_PER_SECOND)).ok()?;
        // Java's writer rounds seconds before 1970 towards zero, so one is taken off where a fraction of a millisecond
        // or more follows; the decoder has done so by a second that is not yet the writer's.
        let borrows = |second: i64| i64::from(second < 0 && nanos > 999_999);
        let stored = second + borrows(second);
        let second = stored.checked_add(self.epoch_shift_seconds)?;
        let micros = (second - borrows(second))
            .checked_mul(MICROS_PER_SECOND)?
            .checked_add(nanos / 1_000)?;
        match self.julian && micros < YEAR_1900_SECONDS * MICROS_PER_SECOND {
            true => self.rebased(micros),
            false => Some(micros),
        }
    }

    /// Days since 1970.
    pub(super) fn days(&self, stored: i32) -> i32 {
        match self.julian && stored < FIRST_GREGORIAN_DAY {
            true => gregorian_day(stored).unwrap_or(stored),
            false => stored,
        }
    }

    /// The instant whose local time in the proleptic calendar reads as this one's does in Java's hybrid one.
    fn rebased(&self, micros: i64) -> Option<i64> {
        let local = micros.checked_add(self.old_offset_seconds * MICROS_PER_SECOND)?;
        let day = i32::try_from(local.div_euclid(MICROS_PER_DAY)).ok()?;
        let local = i64::from(self.days(day))
            .checked_mul(MICROS_PER_DAY)?
            .checked_add(local.rem_euclid(MICROS_PER_DAY))?;
        let naive = DateTime::from_timestamp_micros(local)?.naive_utc();
        local.checked_sub(offset_of_local(&self.zone, &naive) * MICROS_PER_SECOND)
    }
}

/// By its name in the tz database, as an offset, or as Java writes offsets (`GMT+01:00`).
fn parse_zone(name: &str) -> Option<Tz> {
    let offset = || name.strip_prefix("GMT").or_else(|| name.strip_prefix("UTC"));
    name.parse().ok().or_else(|| offset()?.parse().ok())
}

fn offset_seconds(offset: &impl Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc())
}

/// The offset without daylight saving.
fn standard_offset(zone: &Tz) -> i64 {
    let months = (1..=12).filter_map(|month| NaiveDate::from_ymd_opt(2025, month, 1));
    let offsets = months.map(|first| offset_of_local(zone, &first.into()));
    offsets.min().unwrap_or_default()
}

/// The offset of a local time: the earlier of two, and in a gap the one before it.
fn offset_of_local(zone: &Tz, local: &NaiveDateTime) -> i64 {
    match zone.offset_from_local_datetime(local) {
        MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => offset_seconds(&offset),
        MappedLocalTime::None => {
            let before = local.checked_sub_signed(TimeDelta::days(1)).unwrap_or(*local);
            offset_seconds(&zone.offset_from_utc_datetime(&before))
        }
    }
}

/// The day of the proleptic Gregorian calendar with the year, month and day of one of the Julian calendar.
fn gregorian_day(julian: i32) -> Option<i32> {
    // Counted from 1 March 4801 BC, so that the leap day is a year's last.
    let days = i64::from(julian) + 2_440_588 + 32_082;
    let year = (4 * days + 3).div_euclid(1_461);
    let day_of_year = days - (1_461 * year).div_euclid(4);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5;
    let year = i32::try_from(year - 4_800 + month / 10).ok()?;
    let month = u32::try_from(month + 3 - 12 * (month / 10)).ok()?;
    // Leap days that only the Julian calendar has become the first of March.
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    Some(first.num_days_from_ce() - EPOCH_DAY_FROM_CE + i32::try_from(day).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nanoseconds as the decoder gives them for a stored second and nanoseconds.
    fn decoded(stored_second: i64, nanos: i64) -> i128 {
        let second = stored_second - i64::from(stored_second < 0 && nanos > 999_999);
        i128::from(second) * NANOS_PER_SECOND + i128::from(nanos)
    }

    #[test]
    fn days_before_the_reform_keep_their_year_month_and_day() {
        let times = WriterTimes::new(None, true).unwrap();
        let day = |y, m, d| {
            let date = NaiveDate::from_ymd_opt(y, m, d).unwrap();
            date.num_days_from_ce() - EPOCH_DAY_FROM_CE
        };
        // 1582-10-04 was followed by 1582-10-15.
        assert_eq!(times.days(FIRST_GREGORIAN_DAY), day(1582, 10, 15));
        assert_eq!(times.days(FIRST_GREGORIAN_DAY - 1), day(1582, 10, 4));
        // 0001-01-01 was two days before that of the proleptic calendar; 1500-02-29 was one of the Julian alone.
        assert_eq!(times.days(day(1, 1, 1) - 2), day(1, 1, 1));
        assert_eq!(times.days(day(1500, 3, 1) + 9), day(1500, 3, 1));
        assert_eq!(times.days(day(1500, 3, 1) + 8), day(1500, 2, 28));
        let proleptic = WriterTimes::new(None, false).unwrap();
        assert_eq!(proleptic.days(day(1, 1, 1)), day(1, 1, 1));
    }

    #[test]
    fn seconds_count_from_the_writers_own_2015() {
        let times = WriterTimes::new(Some("America/New_York"), true).unwrap();
        // Five hours after UTC's 2015 began that of New York.
        assert_eq!(times.micros(decoded(0, 0)), Some(5 * 3_600 * 1_000_000));
        // A fraction of a second before 1970, where the decoder's second is still after it or not.
        let hours = |n: i64| n * 3_600;
        let quarter = 250_000_000;
        let at = |second: i64| times.micros(decoded(second - hours(5), quarter)).unwrap();
        assert_eq!(at(hours(3)), hours(3) * 1_000_000 + 250_000);
        assert_eq!(at(hours(-4) + 1), hours(-4) * 1_000_000 + 250_000);
        assert_eq!(at(hours(6)), hours(6) * 1_000_000 + 250_000);
    }

    #[test]
    fn zones_are_those_of_java() {
        for (name, shift) in [("GMT", 0), ("GMT+01:30", -5_400), ("Asia/Kolkata", -19_800)] {
            let times = WriterTimes::new(Some(name), true).unwrap();
            assert_eq!(times.epoch_shift_seconds, shift, "{name}");
        }
        for (name, old) in [
            ("America/New_York", -18_000),
            ("Asia/Kolkata", 19_800),
            ("Australia/Sydney", 36_000),
            ("Europe/Dublin", 0),
        ] {
            let times = WriterTimes::new(Some(name), true).unwrap();
            assert_eq!(times.old_offset_seconds, old, "{name}");
        }
        let error = WriterTimes::new(Some("Mars/Olympus"), true).unwrap_err();
        assert!(error.message().contains("'Mars/Olympus'"), "{error}");
    }
}
