//! Spark's datetime patterns: [`DateTimePattern`] prints and reads them, here is what Spark says of those that it refuses.

use crate::SqlError;
use crate::record::value::DateTimePattern;

/// The pattern of functions that are given none.
pub(super) const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";

/// The letters of Java's older formatter: what only it knows is an error that names the change.
const LEGACY: &str = "GyYMLwWDdFEuaHkKhmsSzZX";

/// Letters of weeks, whose meaning changed.
const WEEK_BASED: &str = "YWwuec";

/// Letters that no pattern may hold.
const NEVER: &str = "ABnNp";

/// Letters that only print.
const ONLY_PRINT: &str = "EFqQ";

/// The patterns compiled so far: nearly always one.
#[derive(Default)]
pub(super) struct Patterns {
    last: Option<(String, DateTimePattern)>,
}

impl Patterns {
    /// The compiled pattern.
    ///
    /// # Errors
    /// Spark's condition for a pattern that it refuses.
    pub(super) fn get(&mut self, text: &str, reads: bool) -> Result<&DateTimePattern, SqlError> {
        let kept = self.last.take().filter(|(last, _)| last == text);
        let entry = match kept {
            Some(entry) => entry,
            None => (text.to_owned(), compile(text, reads)?),
        };
        Ok(&self.last.insert(entry).1)
    }
}

fn compile(text: &str, reads: bool) -> Result<DateTimePattern, SqlError> {
    let letters = letters(text);
    let is_refused =
        |c: &char| NEVER.contains(*c) || WEEK_BASED.contains(*c) || reads && ONLY_PRINT.contains(*c);
    let refused = letters.iter().find(|c| is_refused(c));
    let compiled = match refused {
        Some(letter) => Err(format!("'{letter}' cannot stand here")),
        None => DateTimePattern::new(text),
    };
    compiled.map_err(|why| {
        let quotes_close = text.matches('\'').count().is_multiple_of(2);
        let condition = if quotes_close && letters.iter().all(|c| LEGACY.contains(*c)) {
            "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"
        } else if refused.is_some_and(|c| !WEEK_BASED.contains(*c) || "ec".contains(*c)) {
            "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER"
        } else {
            "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"
        };
        SqlError::new(
            condition,
            format!("Unrecognized datetime pattern: {text}: {why}."),
        )
    })
}

/// The letters outside of quotes.
fn letters(text: &str) -> Vec<char> {
    text.split('\'')
        .step_by(2)
        .flat_map(str::chars)
        .filter(char::is_ascii_alphabetic)
        .collect()
}
