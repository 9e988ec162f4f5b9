//! Spark's datetime patterns (`yyyy-MM-dd HH:mm:ss`): the letters that are known print as Java prints them, others are refused.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::SqlError;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Text as it is.
    Text(String),
    /// A letter and how often it stands.
    Field(char, usize),
}

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatetimePattern {
    parts: Vec<Part>,
}

impl DatetimePattern {
    /// Reads a pattern; `'text'` is text, `''` a quote.
    ///
    /// # Errors
    /// UNSUPPORTED_FEATURE.DATETIME_PATTERN for a letter that is not known here.
    pub(crate) fn parse(pattern: &str) -> Result<Self, SqlError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                let mut text = String::new();
                if chars.next_if_eq(&'\'').is_some() {
                    text.push('\'');
                } else {
                    loop {
                        match chars.next() {
                            Some('\'') if chars.next_if_eq(&'\'').is_some() => text.push('\''),
                            Some('\'') => break,
                            Some(other) => text.push(other),
                            None => return Err(invalid(pattern, "a quote is not closed")),
                        }
                    }
                }
                parts.push(Part::Text(text));
            } else if c.is_ascii_alphabetic() {
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                check(c, count).map_err(|why| invalid(pattern, &why))?;
                parts.push(Part::Field(c, count));
            } else if matches!(c, '[' | ']' | '{' | '}' | '#') {
                return Err(invalid(pattern, &format!("'{c}' is not known")));
            } else {
                parts.push(Part::Text(c.to_string()));
            }
        }
        Ok(Self { parts })
    }

    /// A local time by the pattern.
    pub(crate) fn format(&self, t: &NaiveDateTime) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(letter, count) => field(&mut out, *letter, *count, t),
            }
        }
        out
    }

    /// The local time in a text that has the pattern's form; fields that are not in it are those of 1970-01-01 00:00.
    pub(crate) fn read(&self, text: &str) -> Option<NaiveDateTime> {
        let mut rest = text;
        let (mut year, mut month, mut day) = (1970, 1, 1);
        let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Field('S', count) => {
                    let digits = rest.get(..*count)?;
                    micros = format!("{digits:0<6}").get(..6)?.parse().ok()?;
                    rest = rest.get(*count..)?;
                    if !digits.bytes().all(|b| b.is_ascii_digit()) {
                        return None;
                    }
                }
                Part::Field(letter, count) => {
                    let next_is_field = matches!(self.parts.get(at + 1), Some(Part::Field(..)));
                    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                    let most = match letter {
                        'y' if *count == 4 && !next_is_field => 10,
                        'y' => 4.max(*count),
                        _ => 2,
                    };
                    let least = *count;
                    let used = if next_is_field { least } else { digits.min(most) };
                    if digits < least || used < least || (*count > 1 && *letter != 'y' && used != *count) {
                        return None;
                    }
                    let value: u32 = rest.get(..used)?.parse().ok()?;
                    rest = rest.get(used..)?;
                    match letter {
                        'y' => year = i32::try_from(value).ok()?,
                        'M' => month = value,
                        'd' => day = value,
                        'H' => hour = value,
                        'm' => minute = value,
                        's' => second = value,
                        _ => return None,
                    }
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(year, month, day)?;
        Some(date.and_time(NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?))
    }

    /// Whether [`read`](Self::read) knows every letter of the pattern.
    pub(crate) fn is_readable(&self) -> bool {
        self.parts.iter().all(|p| match p {
            Part::Text(_) => true,
            Part::Field('y', count) => matches!(count, 1 | 4),
            Part::Field('M' | 'd' | 'H' | 'm' | 's', count) => *count <= 2,
            Part::Field('S', count) => *count <= 6,
            Part::Field(..) => false,
        })
    }
}

fn check(letter: char, count: usize) -> Result<(), String> {
    let fits = match letter {
        'y' => matches!(count, 1 | 2 | 4),
        'M' | 'E' => count <= 4,
        'd' | 'H' | 'h' | 'm' | 's' => count <= 2,
        'D' => matches!(count, 1 | 3),
        'Q' => count <= 2,
        'S' => count <= 9,
        'a' => count == 1,
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("'{}' is not known", letter.to_string().repeat(count)))
    }
}

fn invalid(pattern: &str, why: &str) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE.DATETIME_PATTERN",
        format!(
            "The datetime pattern '{pattern}' is not supported: {why}. Known letters: y M d D E Q H h a m s S."
        ),
    )
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

fn field(out: &mut String, letter: char, count: usize, t: &NaiveDateTime) {
    let number = |value: u32, width: usize| format!("{value:0width$}");
    let name = |names: &[&str], at: usize, short: bool| -> String {
        let whole = names.get(at).copied().unwrap_or_default();
        if short {
            whole.get(..3).unwrap_or(whole).to_owned()
        } else {
            whole.to_owned()
        }
    };
    let text = match letter {
        'y' if count == 2 => format!("{:02}", t.year().rem_euclid(100)),
        'y' => format!("{:0count$}", t.year()),
        'M' if count <= 2 => number(t.month(), count),
        'M' => name(&MONTHS, usize::try_from(t.month0()).unwrap_or(0), count == 3),
        'd' => number(t.day(), count),
        'D' => number(t.ordinal(), count),
        'E' => name(
            &DAYS,
            usize::try_from(t.weekday().num_days_from_monday()).unwrap_or(0),
            count <= 3,
        ),
        'Q' => number(t.month0() / 3 + 1, count),
        'H' => number(t.hour(), count),
        'h' => number(t.hour12().1, count),
        'a' => if t.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        'm' => number(t.minute(), count),
        's' => number(t.second(), count),
        'S' => format!("{:09}", t.nanosecond())
            .get(..count)
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    };
    out.push_str(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_letters_are_refused_and_known_ones_print_as_javas() {
        let t = NaiveDate::from_ymd_opt(2024, 3, 5)
            .unwrap()
            .and_hms_micro_opt(13, 4, 15, 123_456)
            .unwrap();
        for (pattern, text) in [
            ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2024-03-05 13:04:15.123456"),
            ("EEE d MMM yy, h:mm a", "Tue 5 Mar 24, 1:04 PM"),
            ("yyyy-MM-dd'T'HH''mm", "2024-03-05T13'04"),
        ] {
            assert_eq!(DatetimePattern::parse(pattern).unwrap().format(&t), text);
        }
        for pattern in ["b", "YYYY", "yyyyy", "'open"] {
            assert!(DatetimePattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
