//! Spark's string literals: escapes, raw strings, double quotes (the parser joins adjacent literals).
//!
//! The tokenizer keeps escapes as written; here they get Spark's meaning, which differs from the tokenizer's: `\%` and `\_`
//! keep their backslash, `\u0041`, `\U00000041` and octal `\101` are characters, an unknown escape is the character itself.

use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Whitespace};

use crate::{Result, SqlError};

/// Replaces every literal by a single-quoted token with its value.
pub(crate) fn resolve(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut iter = tokens.into_iter().peekable();
    while let Some(token) = iter.next() {
        let literal = match &token.token {
            Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("r") => {
                match iter.peek() {
                    Some(next) if next.span.start == token.span.end => match body(&next.token) {
                        Some((text, quote)) => {
                            let value = raw(text, quote, next.span)?;
                            let span = Span::new(token.span.start, next.span.end);
                            iter.next();
                            Some((value, span))
                        }
                        None => None,
                    },
                    _ => None,
                }
            }
            other => body(other).map(|(text, quote)| (unescape(text, quote), token.span)),
        };
        out.push(match literal {
            Some((value, span)) => TokenWithSpan::new(Token::SingleQuotedString(value), span),
            None => token,
        });
    }
    Ok(out)
}

/// The text and quote of a string token.
fn body(token: &Token) -> Option<(&str, char)> {
    match token {
        Token::SingleQuotedString(text) => Some((text, '\'')),
        Token::DoubleQuotedString(text) => Some((text, '"')),
        _ => None,
    }
}

fn raw(text: &str, quote: char, span: Span) -> Result<String> {
    if text.contains(quote) {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE.RAW_STRING_WITH_QUOTE",
            "A raw string with its own quote or a backslash before it is not supported; use the other quote.",
        )
        .at(span.start.line, span.start.column));
    }
    Ok(text.to_owned())
}

/// The value of a literal's text.
fn unescape(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == quote {
            // A doubled quote stands for one.
            chars.next_if_eq(&quote);
            out.push(quote);
            continue;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let rest: String = chars.clone().take(9).collect();
        if let Some((value, used)) = coded(&rest) {
            out.push(value);
            for _ in 0..used {
                chars.next();
            }
            continue;
        }
        match chars.next() {
            Some('0') => out.push('\0'),
            Some('b') => out.push('\u{8}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('Z') => out.push('\u{1a}'),
            Some(wild @ ('%' | '_')) => {
                out.push('\\');
                out.push(wild);
            }
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

/// A character given by its code after the backslash, and how many characters the code takes.
fn coded(rest: &str) -> Option<(char, usize)> {
    let hex = |range: std::ops::Range<usize>| {
        let digits = rest.get(range)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    };
    match rest.chars().next()? {
        'u' => hex(1..5).map(|c| (c, 5)),
        'U' => hex(1..9).map(|c| (c, 9)),
        '0' | '1' => {
            let digits = rest.get(0..3)?;
            if !digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
                return None;
            }
            char::from_u32(u32::from_str_radix(digits, 8).ok()?).map(|c| (c, 3))
        }
        _ => None,
    }
}

/// Whether a token is a blank or a comment.
pub(crate) fn is_blank(token: &Token) -> bool {
    matches!(
        token,
        Token::Whitespace(
            Whitespace::Space
                | Whitespace::Newline
                | Whitespace::Tab
                | Whitespace::SingleLineComment { .. }
                | Whitespace::MultiLineComment(_)
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_have_sparks_meaning() {
        for (text, value) in [
            (r"a\nb", "a\nb"),
            (r"a\%b\_c", r"a\%b\_c"),
            (r"\u0041\101\x", "AAx"),
            (r"\\", r"\"),
            (r"it\'s", "it's"),
        ] {
            assert_eq!(unescape(text, '\''), value, "{text}");
        }
    }
}
