//! Types of casts that hold a MAP, which no rule of the parser reads: `AS ARRAY<MAP<STRING, INT>>` becomes one quoted name.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::words::is_word;

/// Puts a quoted name in the place of each type behind `AS` or `::` that holds a MAP.
pub(super) fn resolve(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(current) = tokens.get(at) {
        let is_behind =
            is_word(out.last(), "AS") || out.last().is_some_and(|t| t.token == Token::DoubleColon);
        let length = if is_behind {
            length(tokens.get(at..).unwrap_or_default())
        } else {
            0
        };
        let parts = tokens.get(at..at + length).unwrap_or_default();
        if parts
            .windows(2)
            .any(|pair| is_word(pair.first(), "MAP") && is_less(pair.get(1)))
        {
            let text: Vec<String> = parts.iter().map(|t| t.token.to_string()).collect();
            out.push(TokenWithSpan::new(
                Token::make_word(&text.join(" "), Some('`')),
                current.span,
            ));
            at += length;
            continue;
        }
        out.push(current.clone());
        at += 1;
    }
    out
}

fn is_less(token: Option<&TokenWithSpan>) -> bool {
    token.is_some_and(|t| t.token == Token::Lt)
}

/// How many tokens a type in angle brackets has; 0 where there is none.
fn length(tokens: &[TokenWithSpan]) -> usize {
    if !["ARRAY", "MAP", "STRUCT"]
        .iter()
        .any(|name| is_word(tokens.first(), name))
        || !is_less(tokens.get(1))
    {
        return 0;
    }
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        depth += match token.token {
            Token::Lt => 1,
            Token::Gt => -1,
            Token::ShiftRight => -2,
            _ => 0,
        };
        if at > 0 && depth <= 0 {
            return at + 1;
        }
    }
    0
}
