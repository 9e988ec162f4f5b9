//! When a query looks for new data.

use std::time::Duration;

use crate::{Result, TidemillError};

/// When a query looks for new data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// At every multiple of the interval since the epoch, the first time at once; an overrun starts the next at once.
    /// Zero, the default, is as fast as possible.
    ProcessingTime(Duration),
    /// One batch, without the sources' limits, then the end. A batch that an earlier run left uncommitted is the one.
    Once,
    /// Everything there is at the start, in as many batches as the sources' limits ask for, then the end.
    /// A source that cannot fix its end makes it a single batch, as [`Once`](Self::Once).
    AvailableNow,
}

impl Default for Trigger {
    fn default() -> Self {
        Self::ProcessingTime(Duration::ZERO)
    }
}

impl Trigger {
    /// From the text of an option: `availableNow`, `once`, `processingTime 5 seconds`.
    ///
    /// # Errors
    /// `INVALID_TRIGGER` for other words, `INVALID_INTERVAL_FORMAT` for an interval that cannot be read; months and
    /// years have no fixed length and are refused.
    pub fn parse(text: &str) -> Result<Self> {
        let words = text.trim().replace(['(', ')', '\'', '"', '='], " ");
        let (word, rest) = words
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((words.trim(), ""));
        let rest = rest.trim();
        match word.to_ascii_lowercase().as_str() {
            "availablenow" if rest.is_empty() || rest.eq_ignore_ascii_case("true") => Ok(Self::AvailableNow),
            "once" if rest.is_empty() || rest.eq_ignore_ascii_case("true") => Ok(Self::Once),
            "processingtime" => Ok(Self::ProcessingTime(parse_interval(rest)?)),
            "continuous" | "realtime" => Err(TidemillError::unsupported(
                "UNSUPPORTED_TRIGGER",
                format!(
                    "trigger '{text}' is Spark's, but Tidemill does not support it; use processingTime '<interval>'"
                ),
            )),
            _ => Err(TidemillError::invalid(
                "INVALID_TRIGGER",
                format!(
                    "unknown trigger '{text}': expected availableNow, once, or processingTime <interval>, for example: processingTime 5 seconds"
                ),
            )),
        }
    }

    /// [`ProcessingTime`](Self::ProcessingTime) from an interval's text: `5 seconds`, `1 minute 30 seconds`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn processing_time(interval: &str) -> Result<Self> {
        parse_interval(interval).map(Self::ProcessingTime)
    }
}

fn parse_interval(text: &str) -> Result<Duration> {
    let invalid = |why: &str| {
        TidemillError::invalid(
            "INVALID_INTERVAL_FORMAT",
            format!("Error parsing '{text}' to interval. {why}"),
        )
    };
    let mut words = text.split_whitespace().peekable();
    if words.peek().is_some_and(|w| w.eq_ignore_ascii_case("interval")) {
        words.next();
    }
    let mut total_us: i64 = 0;
    let mut any = false;
    while let Some(number) = words.next() {
        let number: i64 = number
            .parse()
            .map_err(|_| invalid("Expected a number and a unit, for example: 5 seconds."))?;
        let unit = words
            .next()
            .ok_or_else(|| invalid("Expect a unit name after the number, for example: 5 seconds."))?;
        let factor = unit_us(unit).ok_or_else(|| {
            invalid(&format!(
                "Invalid unit '{unit}'; months and years have no fixed length and are not allowed."
            ))
        })?;
        total_us = number
            .checked_mul(factor)
            .and_then(|us| total_us.checked_add(us))
            .ok_or_else(|| invalid("It is too long."))?;
        any = true;
    }
    if !any {
        return Err(invalid("Interval string cannot be empty."));
    }
    u64::try_from(total_us).map(Duration::from_micros).map_err(|_| {
        TidemillError::invalid(
            "INVALID_TRIGGER",
            "the interval of trigger should not be negative",
        )
    })
}

fn unit_us(unit: &str) -> Option<i64> {
    let unit = unit.to_ascii_lowercase();
    Some(match unit.strip_suffix('s').unwrap_or(&unit) {
        "microsecond" => 1,
        "millisecond" | "m" if unit.starts_with('m') && unit != "m" => 1_000,
        "second" => 1_000_000,
        "minute" => 60_000_000,
        "hour" => 3_600_000_000,
        "day" => 86_400_000_000,
        "week" => 604_800_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_reads_from_the_text_of_an_option() {
        assert_eq!(Trigger::parse("availableNow").unwrap(), Trigger::AvailableNow);
        assert_eq!(Trigger::parse("ONCE").unwrap(), Trigger::Once);
        assert_eq!(
            Trigger::parse("processingTime 5 seconds").unwrap(),
            Trigger::ProcessingTime(Duration::from_secs(5))
        );
        assert_eq!(
            Trigger::parse("processingTime '1 minute 30 seconds'").unwrap(),
            Trigger::ProcessingTime(Duration::from_secs(90))
        );
        assert_eq!(
            Trigger::processing_time("250 ms").unwrap(),
            Trigger::ProcessingTime(Duration::from_millis(250))
        );
    }

    #[test]
    fn months_negative_intervals_and_unknown_words_are_refused() {
        assert_eq!(
            Trigger::processing_time("1 month").unwrap_err().condition(),
            "INVALID_INTERVAL_FORMAT"
        );
        assert!(
            Trigger::processing_time("-1 second")
                .unwrap_err()
                .message()
                .contains("should not be negative")
        );
        assert_eq!(
            Trigger::parse("sometimes").unwrap_err().condition(),
            "INVALID_TRIGGER"
        );
        assert_eq!(
            Trigger::parse("processingTime").unwrap_err().condition(),
            "INVALID_INTERVAL_FORMAT"
        );
        assert_eq!(
            Trigger::parse("continuous 1 second").unwrap_err().condition(),
            "UNSUPPORTED_TRIGGER"
        );
    }
}
