//! The delay of a watermark: text such as `10 minutes`, or the interval literal of SQL, in ms.

use crate::dialect::{IntervalLiteral, parse_interval_text};
use crate::{Result, SqlError};

/// What a month counts in a delay, as in Spark.
const DAYS_PER_MONTH: i64 = 31;

const MICROS_PER_DAY: i64 = 24 * 3600 * 1_000_000;

/// The delay (ms, cut) in a text such as `10 minutes` or `1 hour 30 minutes`; a month is 31 days.
///
/// # Errors
/// CANNOT_PARSE_INTERVAL for a text that is no interval, NEGATIVE_WATERMARK_DELAY for a negative one.
pub fn parse_delay_ms(text: &str) -> Result<i64> {
    let interval = parse_interval_text(text).map_err(|error| {
        SqlError::new(
            "CANNOT_PARSE_INTERVAL",
            format!(
                "Unable to parse '{text}'. Write the delay as a number and a unit, such as '10 minutes'. ({})",
                error.message
            ),
        )
    })?;
    delay_ms_of_interval(interval, text)
}

/// The delay (ms, cut) of an interval; `text` is how the user wrote it.
///
/// # Errors
/// NEGATIVE_WATERMARK_DELAY for a negative one, INTERVAL_ARITHMETIC_OVERFLOW for one beyond a long.
pub fn delay_ms_of_interval(interval: IntervalLiteral, text: &str) -> Result<i64> {
    let micros = i64::from(interval.months)
        .checked_mul(DAYS_PER_MONTH * MICROS_PER_DAY)
        .and_then(|months| months.checked_add(interval.micros))
        .ok_or_else(|| {
            SqlError::new(
                "INTERVAL_ARITHMETIC_OVERFLOW",
                format!("The delay of the watermark ({text}) is too large."),
            )
        })?;
    if micros < 0 {
        return Err(SqlError::new(
            "NEGATIVE_WATERMARK_DELAY",
            format!("delay threshold ({text}) should not be negative."),
        ));
    }
    Ok(micros / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_read_as_sparks_with_months_of_31_days() {
        for (text, ms) in [
            ("10 minutes", 600_000),
            ("1 hour 30 minutes", 5_400_000),
            ("INTERVAL 10 MINUTES", 600_000),
            ("1 month", 31 * 86_400_000),
            ("1 month 1 day", 32 * 86_400_000),
            ("1.5 seconds", 1_500),
            ("1 year", 12 * 31 * 86_400_000),
            ("1500 microseconds", 1),
            ("10 minutes -5 minutes", 300_000),
            ("0 seconds", 0),
        ] {
            assert_eq!(parse_delay_ms(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn a_negative_or_unreadable_delay_is_refused() {
        let error = parse_delay_ms("-5 seconds").unwrap_err();
        assert_eq!(error.condition, "NEGATIVE_WATERMARK_DELAY");
        assert_eq!(
            error.message,
            "delay threshold (-5 seconds) should not be negative."
        );
        for text in ["", "abc", "10", "10 parsecs", "minutes 10"] {
            let error = parse_delay_ms(text).unwrap_err();
            assert_eq!(error.condition, "CANNOT_PARSE_INTERVAL", "{text}");
        }
        let error = parse_delay_ms("100000000 months").unwrap_err();
        assert_eq!(error.condition, "INTERVAL_ARITHMETIC_OVERFLOW");
    }
}
