//! The proleptic Gregorian calendar over day numbers.
//!
//! Day 0 is 1970-01-01. Pure integer arithmetic that holds for every year Spark can name.

/// Microseconds in a day.
pub(crate) const DAY_US: i64 = 86_400_000_000;

/// Whether `year` has a 29 February.
pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days this month (1 to 12) has; 0 for no such month.
pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// The day number of a date; none if there is no such date.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    if day == 0 || day > days_in_month(year, month) {
        return None;
    }
    // Years counted from March put the leap day at the end of a year.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted_month = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Year, month and day of a day number.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A date and time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CivilTime {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    /// The day number of the date.
    pub(crate) days: i64,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    pub(crate) micros: u32,
}

impl CivilTime {
    /// The date and time this many microseconds after 1970-01-01T00:00:00.
    pub(crate) fn from_micros(micros: i64) -> Self {
        let days = micros.div_euclid(DAY_US);
        let in_day = micros.rem_euclid(DAY_US);
        let (year, month, day) = civil_from_days(days);
        let seconds = (in_day / 1_000_000) as u32;
        Self {
            year,
            month,
            day,
            days,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: (in_day % 1_000_000) as u32,
        }
    }

    /// 1 for Monday to 7 for Sunday.
    pub(crate) fn weekday(&self) -> u32 {
        ((self.days + 3).rem_euclid(7) + 1) as u32
    }

    /// The day of the year, from 1.
    pub(crate) fn day_of_year(&self) -> u32 {
        let first = days_from_civil(self.year, 1, 1).unwrap_or(self.days);
        (self.days - first + 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_and_dates_are_inverse_over_many_years() {
        for days in (-4_000_000..4_000_000).step_by(37) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), Some(days));
        }
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2024, 2, 29), Some(19_782));
        assert_eq!(days_from_civil(2023, 2, 29), None);
        assert_eq!(CivilTime::from_micros(0).weekday(), 4);
        assert_eq!(CivilTime::from_micros(-1).second, 59);
    }
}
