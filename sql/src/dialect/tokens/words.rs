//! Small helpers over tokens: making words, matching them without regard to case, skipping blanks.

use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::string_literal::is_blank;

/// An unquoted word, at this place.
pub(crate) fn word(text: &str, span: Span) -> TokenWithSpan {
    TokenWithSpan::new(Token::make_word(text, None), span)
}

/// A token at this place.
pub(crate) fn token(token: Token, span: Span) -> TokenWithSpan {
    TokenWithSpan::new(token, span)
}

/// Whether the token is this unquoted word, in any case.
pub(crate) fn is_word(token: Option<&TokenWithSpan>, text: &str) -> bool {
    matches!(
        token.map(|t| &t.token),
        Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(text)
    )
}

/// The tokens with the doubled backticks in quoted names made single.
pub(crate) fn unescape_names(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for token in &mut tokens {
        if let Token::Word(w) = &mut token.token
            && w.quote_style == Some('`')
        {
            w.value = w.value.replace("``", "`");
        }
    }
    tokens
}

/// Whether the token is a name: a quoted word or any unquoted one.
pub(crate) fn is_name(token: Option<&TokenWithSpan>) -> bool {
    matches!(token.map(|t| &t.token), Some(Token::Word(_)))
}

/// Whether the word begins what may follow a relation: it is no alias and no name of a table.
pub(crate) fn follows_a_relation(token: Option<&TokenWithSpan>) -> bool {
    const CLAUSES: [&str; 26] = [
        "WHERE",
        "GROUP",
        "HAVING",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "UNION",
        "INTERSECT",
        "EXCEPT",
        "MINUS",
        "JOIN",
        "INNER",
        "LEFT",
        "RIGHT",
        "FULL",
        "CROSS",
        "NATURAL",
        "ANTI",
        "SEMI",
        "ON",
        "USING",
        "LATERAL",
        "WINDOW",
        "CLUSTER",
        "DISTRIBUTE",
        "SORT",
    ];
    CLAUSES.iter().any(|clause| is_word(token, clause))
}

/// The tokens without blanks and comments.
pub(crate) fn without_blanks(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    tokens.into_iter().filter(|t| !is_blank(&t.token)).collect()
}

/// Where a token stands; the text's start where there is none.
pub(crate) fn start_of(token: Option<&TokenWithSpan>) -> Location {
    token.map_or(Location { line: 1, column: 1 }, |t| t.span.start)
}

/// The tokens with `TIMESTAMP_LTZ '…'` as `TIMESTAMP '…'`, which is the same and which the parser reads.
pub(crate) fn name_timestamps(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for at in 0..tokens.len() {
        let is_literal = matches!(
            tokens.get(at + 1).map(|t| &t.token),
            Some(Token::SingleQuotedString(_))
        );
        if is_literal
            && is_word(tokens.get(at), "TIMESTAMP_LTZ")
            && let Some(name) = tokens.get_mut(at)
        {
            *name = word("TIMESTAMP", name.span);
        }
    }
    tokens
}
