//! Interval literals: `INTERVAL 5 SECONDS`, `INTERVAL '10' MINUTE`, `INTERVAL 1 HOUR 30 MINUTES`, `INTERVAL '0:10' HOUR TO
//! MINUTE`, `INTERVAL '2 days'`: each becomes `INTERVAL '90000000 microseconds' MINUTE TO SECOND`: one string, which the planner
//! reads, and the fields that Spark prints it in.
//!
//! As in Spark a literal is a year-month or a day-time interval; a day is 24 hours, and the two kinds do not mix.

use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::words::{is_word, start_of, token, word};
use crate::{Result, SqlError};

/// A literal interval: whole months, or microseconds; never both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalLiteral {
    /// Months, of a year-month interval.
    pub months: i32,
    /// Microseconds, of a day-time interval.
    pub micros: i64,
}

/// Replaces the literals in a statement's tokens (blanks already removed).
pub(crate) fn resolve(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    replace(tokens, true)
}

/// The same without fields: each literal ends with a string, and may be resolved again.
pub(crate) fn resolve_to_strings(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    replace(tokens, false)
}

fn replace(tokens: Vec<TokenWithSpan>, with_fields: bool) -> Result<Vec<TokenWithSpan>> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(current) = tokens.get(at) {
        if is_word(Some(current), "INTERVAL")
            && let Some((interval, used)) = literal(tokens.get(at + 1..).unwrap_or_default(), true)?
        {
            let span = Span::new(
                current.span.start,
                tokens.get(at + used).map_or(current.span.end, |t| t.span.end),
            );
            out.push(token(Token::make_word("INTERVAL", None), span));
            out.push(token(Token::SingleQuotedString(text(interval)), span));
            if with_fields {
                out.extend(fields(tokens.get(at + 1..=at + used).unwrap_or_default(), span));
            }
            at += used + 1;
            continue;
        }
        out.push(current.clone());
        at += 1;
    }
    Ok(out)
}

fn text(interval: IntervalLiteral) -> String {
    if interval.months != 0 {
        format!("{} months", interval.months)
    } else {
        format!("{} microseconds", interval.micros)
    }
}

/// The widest and the narrowest field of a literal's tokens, as `HOUR TO MINUTE`.
fn fields(tokens: &[TokenWithSpan], span: Span) -> Vec<TokenWithSpan> {
    const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
    let mut found: Vec<usize> = Vec::new();
    let mut add = |word: &str| {
        let word = word.to_ascii_uppercase();
        let field = match word.strip_suffix('S').unwrap_or(&word) {
            "WEEK" => "DAY",
            "MILLISECOND" | "MICROSECOND" => "SECOND",
            other => other,
        };
        found.extend(FIELDS.iter().position(|f| *f == field));
    };
    for token in tokens {
        match &token.token {
            Token::Word(word) => add(&word.value),
            Token::SingleQuotedString(text) => text.split_whitespace().for_each(&mut add),
            _ => {}
        }
    }
    let name = |at: Option<&usize>| at.and_then(|at| FIELDS.get(*at)).map(|field| word(field, span));
    let (first, last) = (found.iter().min(), found.iter().max());
    let mut out: Vec<TokenWithSpan> = name(first).into_iter().collect();
    if first != last {
        out.push(word("TO", span));
        out.extend(name(last));
    }
    out
}

/// Reads the tokens after INTERVAL; `None` where they are no literal (INTERVAL is then a name). `strings` says whether a bare
/// string (`'10 minutes'`) is one. Gives the interval and how many tokens it took.
pub(crate) fn literal(tokens: &[TokenWithSpan], strings: bool) -> Result<Option<(IntervalLiteral, usize)>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some((sign, value, quoted, used)) = value(tokens.get(at..).unwrap_or_default()) {
        let place = start_of(tokens.get(at));
        let fail = |e: SqlError| e.at(place.line, place.column);
        let unit = tokens.get(at + used).and_then(unit_of);
        match unit {
            Some(unit) => {
                let mut next = at + used + 1;
                if is_word(tokens.get(next), "TO")
                    && let Some(last) = tokens.get(next + 1).and_then(unit_of)
                {
                    next += 2;
                    parts.push(range(&value, sign, unit, last).map_err(fail)?);
                } else {
                    parts.push(part(&value, sign, unit).map_err(fail)?);
                }
                at = next;
            }
            None if quoted && parts.is_empty() && strings => {
                parts.extend(words(&value, sign).map_err(fail)?);
                at += used;
                break;
            }
            None => break,
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let mut whole = IntervalLiteral::default();
    let (mut month_parts, mut time_parts) = (false, false);
    for p in parts {
        match p {
            Part::Months(n) => {
                month_parts = true;
                whole.months = whole.months.checked_add(n).ok_or_else(too_large)?;
            }
            Part::Micros(n) => {
                time_parts = true;
                whole.micros = whole.micros.checked_add(n).ok_or_else(too_large)?;
            }
        }
    }
    if month_parts && time_parts {
        return Err(invalid(
            "Cannot mix year-month and day-time fields in one interval literal.",
        ));
    }
    Ok(Some((whole, at)))
}

enum Part {
    Months(i32),
    Micros(i64),
}

/// A signed number or string: sign, text, whether it was a string, tokens taken.
fn value(tokens: &[TokenWithSpan]) -> Option<(i64, String, bool, usize)> {
    let (sign, skip) = match tokens.first()?.token {
        Token::Minus => (-1, 1),
        Token::Plus => (1, 1),
        _ => (1, 0),
    };
    match &tokens.get(skip)?.token {
        Token::Number(digits, false) => {
            // `interval - 1` is arithmetic on a column: a number counts only with its unit.
            tokens.get(skip + 1).and_then(unit_of)?;
            Some((sign, digits.clone(), false, skip + 1))
        }
        Token::SingleQuotedString(text) => Some((sign, text.clone(), true, skip + 1)),
        _ => None,
    }
}

/// A unit of Spark's, as months or microseconds.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Months(i32),
    Micros(i64),
}

const SECOND: i64 = 1_000_000;

fn unit_of(token: &TokenWithSpan) -> Option<Unit> {
    match &token.token {
        Token::Word(w) if w.quote_style.is_none() => unit_named(&w.value),
        _ => None,
    }
}

fn unit_named(name: &str) -> Option<Unit> {
    let name = name.to_ascii_lowercase();
    Some(match name.strip_suffix('s').unwrap_or(&name) {
        "year" => Unit::Months(12),
        "month" => Unit::Months(1),
        "week" => Unit::Micros(7 * 24 * 3600 * SECOND),
        "day" => Unit::Micros(24 * 3600 * SECOND),
        "hour" => Unit::Micros(3600 * SECOND),
        "minute" => Unit::Micros(60 * SECOND),
        "second" => Unit::Micros(SECOND),
        "millisecond" => Unit::Micros(1000),
        "microsecond" => Unit::Micros(1),
        _ => return None,
    })
}

fn part(value: &str, sign: i64, unit: Unit) -> Result<Part> {
    let text = value.trim();
    let (text, sign) = match text.strip_prefix('-') {
        Some(rest) => (rest, -sign),
        None => (text.strip_prefix('+').unwrap_or(text), sign),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if text.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(invalid(&format!("'{value}' is not a number.")));
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| too_large())?
    };
    match unit {
        Unit::Months(_) | Unit::Micros(_) if !fraction.is_empty() && unit != Unit::Micros(SECOND) => {
            Err(invalid("Only seconds may have a fraction."))
        }
        Unit::Months(each) => i32::try_from(whole * sign)
            .ok()
            .and_then(|n| n.checked_mul(each))
            .map(Part::Months)
            .ok_or_else(too_large),
        Unit::Micros(each) => {
            let micros: i64 = format!("{fraction:0<6}")
                .get(..6)
                .and_then(|f| f.parse().ok())
                .unwrap_or(0);
            whole
                .checked_mul(each)
                .and_then(|n| n.checked_add(if fraction.is_empty() { 0 } else { micros }))
                .and_then(|n| n.checked_mul(sign))
                .map(Part::Micros)
                .ok_or_else(too_large)
        }
    }
}

/// `'0:10' HOUR TO MINUTE`, `'1 02:03:04.5' DAY TO SECOND`, `'1-2' YEAR TO MONTH`.
fn range(value: &str, sign: i64, first: Unit, last: Unit) -> Result<Part> {
    let text = value.trim();
    let (text, sign) = match text.strip_prefix('-') {
        Some(rest) => (rest, -sign),
        None => (text, sign),
    };
    let order = [
        Unit::Micros(24 * 3600 * SECOND),
        Unit::Micros(3600 * SECOND),
        Unit::Micros(60 * SECOND),
        Unit::Micros(SECOND),
    ];
    if first == Unit::Months(12) && last == Unit::Months(1) {
        let (years, months) = text
            .split_once('-')
            .ok_or_else(|| invalid(&format!("'{value}' is not years-months.")))?;
        return match (part(years, sign, first)?, part(months, sign, last)?) {
            (Part::Months(a), Part::Months(b)) => a.checked_add(b).map(Part::Months).ok_or_else(too_large),
            _ => Err(invalid("Year-month fields expected.")),
        };
    }
    let place = |unit: Unit| order.iter().position(|u| *u == unit);
    let (Some(from), Some(to)) = (place(first), place(last)) else {
        return Err(invalid("These two units do not go together."));
    };
    let fields: Vec<&str> = text.split([' ', ':']).filter(|f| !f.is_empty()).collect();
    if from >= to || fields.len() != to - from + 1 {
        return Err(invalid(&format!(
            "'{value}' does not have the fields of its units."
        )));
    }
    let mut sum: i64 = 0;
    for (field, unit) in fields.iter().zip(order.iter().skip(from)) {
        if let Part::Micros(n) = part(field, sign, *unit)? {
            sum = sum.checked_add(n).ok_or_else(too_large)?;
        }
    }
    Ok(Part::Micros(sum))
}

/// `'1 day 2 hours'`.
fn words(value: &str, sign: i64) -> Result<Vec<Part>> {
    let lower = value.trim().to_ascii_lowercase();
    let rest = lower.strip_prefix("interval").unwrap_or(&lower);
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let wrong = || invalid(&format!("'{value}' is not an interval such as '10 minutes'."));
    if fields.is_empty() || !fields.len().is_multiple_of(2) {
        return Err(wrong());
    }
    fields
        .chunks(2)
        .map(|pair| match pair {
            [number, unit] => part(number, sign, unit_named(unit).ok_or_else(wrong)?),
            _ => Err(wrong()),
        })
        .collect()
}

/// The interval in a string such as `10 minutes` or `interval 1 hour 30 minutes`, as options and `window` take it.
///
/// # Errors
/// INVALID_INTERVAL_FORMAT for any other text.
pub fn parse_interval_text(text: &str) -> Result<IntervalLiteral> {
    let mut whole = IntervalLiteral::default();
    for p in words(text, 1)? {
        match p {
            Part::Months(n) => whole.months = whole.months.checked_add(n).ok_or_else(too_large)?,
            Part::Micros(n) => whole.micros = whole.micros.checked_add(n).ok_or_else(too_large)?,
        }
    }
    Ok(whole)
}

fn invalid(why: &str) -> SqlError {
    SqlError::new(
        "INVALID_INTERVAL_FORMAT",
        format!("Error parsing an interval: {why}"),
    )
}

fn too_large() -> SqlError {
    invalid("the value is too large.")
}
