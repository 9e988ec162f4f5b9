//! LIKE with an escape character of its own: the pattern is written anew with the backslash.

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

use crate::{Result, SqlError};

/// The pattern with backslashes in the place of the escape character.
///
/// # Errors
/// INVALID_FORMAT for a pattern that Spark refuses; UNSUPPORTED_FEATURE for one that is no string in the text.
pub(super) fn with_backslashes(pattern: Expr, escape: &ValueWithSpan) -> Result<Expr> {
    let (Some(text), Some(escape)) = (text_of(&pattern), escape_of(escape)) else {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE",
            "LIKE with ESCAPE and a pattern that is no string in the text is not supported in the spark dialect yet.",
        ));
    };
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != escape {
            out.extend((c == '\\').then_some('\\'));
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(wild @ ('_' | '%')) => out.extend(['\\', wild]),
            Some(same) if same == escape && escape == '\\' => out.push_str("\\\\"),
            Some(same) if same == escape => out.push(escape),
            Some(_) => return Err(refused("ESC_IN_THE_MIDDLE", text)),
            None => return Err(refused("ESC_AT_THE_END", text)),
        }
    }
    Ok(Expr::Value(Value::SingleQuotedString(out).into()))
}

fn text_of(pattern: &Expr) -> Option<&str> {
    match pattern {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn escape_of(escape: &ValueWithSpan) -> Option<char> {
    let Value::SingleQuotedString(text) = &escape.value else {
        return None;
    };
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn refused(kind: &str, pattern: &str) -> SqlError {
    let why = match kind {
        "ESC_AT_THE_END" => "the escape character is not allowed to end with",
        _ => "the escape character is not allowed to precede what is neither a wildcard nor itself",
    };
    SqlError::new(
        format!("INVALID_FORMAT.{kind}"),
        format!("The pattern '{pattern}' of LIKE is invalid: {why}."),
    )
}
