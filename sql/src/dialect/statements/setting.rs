//! `SET key = value`, `SET key`, `SET`, `SET TIME ZONE 'x'`, `RESET [key]`: the value is raw text.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::tokens::interval_literal;
use super::Statement;
use super::cursor::Cursor;
use crate::{Result, SqlError};

/// Parses what follows `SET`.
pub(crate) fn set(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.is_done() {
        return Ok(Statement::ShowSettings);
    }
    if cursor.words(&["TIME", "ZONE"]) {
        return time_zone(cursor);
    }
    for word in ["ROLE", "CATALOG", "VAR", "VARIABLE"] {
        if cursor.is_word(word) {
            return Err(cursor.here(SqlError::new(
                "UNSUPPORTED_FEATURE.SET_STATEMENT",
                format!("SET {word} is not supported."),
            )));
        }
    }
    if matches!(cursor.peek().map(|t| &t.token), Some(Token::Minus)) {
        return Err(cursor.here(SqlError::new(
            "UNSUPPORTED_FEATURE.SET_STATEMENT",
            "SET -v is not supported; SET lists what is set.",
        )));
    }
    let start = cursor.location();
    let raw = cursor.raw_from(start).trim();
    let (key, value) = match raw.split_once('=') {
        Some((key, value)) => (key.trim(), Some(value.trim())),
        None => (raw, None),
    };
    let key = key
        .strip_prefix('`')
        .and_then(|k| k.strip_suffix('`'))
        .unwrap_or(key);
    if key.is_empty() || key.chars().any(char::is_whitespace) {
        return Err(cursor.here(SqlError::new(
            "INVALID_SET_SYNTAX",
            "Expected format is 'SET', 'SET key', or 'SET key=value'. If you want to include special characters in key, or include semicolon in value, please use backquotes, e.g., SET `key`=`value`.",
        )));
    }
    let key = key.to_owned();
    Ok(match value {
        Some(value) => Statement::Set {
            key,
            value: value
                .strip_prefix('`')
                .and_then(|v| v.strip_suffix('`'))
                .unwrap_or(value)
                .to_owned(),
        },
        None => Statement::ShowSetting { key },
    })
}

fn time_zone(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.words(&["LOCAL"]) {
        return Err(cursor.here(SqlError::new(
            "UNSUPPORTED_FEATURE.SET_STATEMENT",
            "SET TIME ZONE LOCAL is not supported: name the zone, so that every machine gives the same rows.",
        )));
    }
    if cursor.words(&["INTERVAL"]) {
        return zone_of_interval(cursor);
    }
    let zone = match cursor.next().map(|t| &t.token) {
        Some(Token::SingleQuotedString(zone) | Token::DoubleQuotedString(zone)) => zone.clone(),
        _ => {
            return Err(cursor.here(SqlError::new(
                "PARSE_SYNTAX_ERROR",
                "Expected a time zone in quotes, or an interval: SET TIME ZONE 'Europe/Oslo'.",
            )));
        }
    };
    cursor.end()?;
    Ok(Statement::SetTimeZone { zone })
}

/// The offset of SET TIME ZONE INTERVAL: whole seconds, at most 18 hours.
fn zone_of_interval(cursor: &mut Cursor<'_>) -> Result<Statement> {
    const SECOND: i64 = 1_000_000;
    let (interval, used) =
        interval_literal(cursor.rest(), true)?.ok_or_else(|| cursor.expected("an interval"))?;
    let seconds = interval.micros / SECOND;
    if interval.months != 0 || interval.micros % SECOND != 0 || seconds.abs() > 18 * 3600 {
        return Err(cursor.here(SqlError::new(
            "INVALID_INTERVAL_FORMAT.TIMEZONE_INTERVAL_OUT_OF_RANGE",
            "The interval of SET TIME ZONE must be whole seconds between -18 and +18 hours.",
        )));
    }
    for _ in 0..used {
        cursor.next();
    }
    cursor.end()?;
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    let zone = match rest {
        0 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    };
    Ok(Statement::SetTimeZone { zone })
}

/// Parses what follows `RESET`.
pub(crate) fn reset(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.is_done() {
        return Ok(Statement::Reset { key: None });
    }
    let start = cursor.location();
    let key = cursor.raw_from(start).trim().trim_matches('`').to_owned();
    Ok(Statement::Reset { key: Some(key) })
}
