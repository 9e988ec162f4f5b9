//! Typed number literals: `1L`, `1S`, `1Y`, `1.5D`, `1.5F`, `2BD` become `'digits'::type`, which later layers know as literals.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::words::{token, word};
use crate::{Result, SqlError};

/// Replaces a number with a suffix by `'digits'::type`; the digits stay text, so that no digit is lost.
pub(crate) fn resolve(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut iter = tokens.into_iter().peekable();
    while let Some(current) = iter.next() {
        let Token::Number(digits, long) = &current.token else {
            out.push(current);
            continue;
        };
        let suffix = match iter.peek() {
            _ if *long => Some("L".to_owned()),
            Some(next) if next.span.start == current.span.end => match &next.token {
                Token::Word(w) if w.quote_style.is_none() => Some(w.value.to_ascii_uppercase()),
                _ => None,
            },
            _ => None,
        };
        let Some(suffix) = suffix else {
            out.push(current);
            continue;
        };
        let span = current.span;
        let target = match suffix.as_str() {
            "L" => vec![word("BIGINT", span)],
            "S" => vec![word("SMALLINT", span)],
            "Y" => vec![word("TINYINT", span)],
            "D" => vec![word("DOUBLE", span)],
            "F" => vec![word("FLOAT", span)],
            "BD" => decimal_type(digits, span),
            _ => {
                return Err(SqlError::new(
                    "INVALID_IDENTIFIER",
                    format!("'{digits}{suffix}' is neither a number nor a name; put a name in backticks."),
                )
                .at(span.start.line, span.start.column));
            }
        };
        if !*long {
            iter.next();
        }
        out.push(token(Token::SingleQuotedString(digits.clone()), span));
        out.push(token(Token::DoubleColon, span));
        out.extend(target);
    }
    Ok(out)
}

/// `DECIMAL(p, s)` as Spark gives it to a literal with these digits.
fn decimal_type(digits: &str, span: datafusion::sql::sqlparser::tokenizer::Span) -> Vec<TokenWithSpan> {
    let (precision, scale) = decimal_shape(digits);
    vec![
        word("DECIMAL", span),
        token(Token::LParen, span),
        token(Token::Number(precision.to_string(), false), span),
        token(Token::Comma, span),
        token(Token::Number(scale.to_string(), false), span),
        token(Token::RParen, span),
    ]
}

/// Precision and scale of a decimal literal without exponent: Java's, which drops leading zeros (`0.908` is (3, 3)).
pub(crate) fn decimal_shape(digits: &str) -> (usize, usize) {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let significant = whole.trim_start_matches('0').len();
    let scale = fraction.len();
    let precision = if significant == 0 {
        scale.max(1)
    } else {
        significant + scale
    };
    (precision, scale)
}
