//! The streaming clauses of a relation:
//! `STREAM t | STREAM(t) [WITH (options)] [IDENTIFIED BY name] [WATERMARK expr [[AS] name] DELAY OF interval] [[AS] alias]`.
//!
//! The parser knows none of these words. Each `STREAM t …` becomes a call of a reserved table function whose argument is the
//! clause's place in a list that travels beside the tokens; the alias stays as it is. A relation with WATERMARK becomes a
//! call of another one, whose arguments are a query over the relation, the event-time column, the delay and the clause's
//! place. STREAM, WATERMARK and DELAY are no reserved words: they count only where a relation stands, and only with what
//! must follow them.

use std::collections::HashMap;

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::interval::literal;
use super::watermark::{self, WatermarkClause};
use super::words::{follows_a_relation, is_name, is_word, start_of, token, word};
use crate::{Result, SqlError};

/// The reserved table function that stands for a relation which is not a plain table.
pub(crate) const RELATION_FUNCTION: &str = "__tidemill_relation";

/// One `STREAM …` in a statement.
#[derive(Clone, Debug)]
pub(crate) struct StreamClause {
    /// The table's name, one part a word.
    pub(crate) table: Vec<String>,
    /// `WITH (…)`.
    pub(crate) options: HashMap<String, String>,
    /// `IDENTIFIED BY`.
    pub(crate) name: Option<String>,
    /// Where STREAM stands, from 1.
    pub(crate) position: (u64, u64),
}

/// Replaces the clauses (blanks, strings and intervals are already resolved, except the interval of DELAY OF).
pub(crate) fn resolve(tokens: &[TokenWithSpan]) -> Result<(Vec<TokenWithSpan>, Vec<StreamClause>)> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut clauses = Vec::new();
    let mut at = 0;
    // FROM and JOIN open a list of relations at their depth; `,` goes on with it until another clause begins.
    let mut depth = 0usize;
    let mut relations: HashMap<usize, bool> = HashMap::new();
    while let Some(current) = tokens.get(at) {
        match &current.token {
            Token::LParen => {
                // A parenthesis right where a relation stands may hold another relation or a query.
                let opens = relations.get(&depth) == Some(&true) && starts_relation(&out);
                depth += 1;
                relations.insert(depth, opens);
            }
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(w) if w.quote_style.is_none() => match w.value.to_ascii_uppercase().as_str() {
                "FROM" | "JOIN" => {
                    relations.insert(depth, true);
                }
                "SELECT" | "WHERE" | "GROUP" | "HAVING" | "ORDER" | "LIMIT" | "UNION" | "SET" => {
                    relations.insert(depth, false);
                }
                _ => {}
            },
            _ => {}
        }
        let in_relations = relations.get(&depth) == Some(&true);
        if in_relations
            && is_word(Some(current), "STREAM")
            && starts_relation(&out)
            && let Some((clause, used)) = stream(tokens.get(at..).unwrap_or_default())?
        {
            let span = current.span;
            out.push(word(RELATION_FUNCTION, span));
            out.push(token(Token::LParen, span));
            out.push(token(Token::Number(clauses.len().to_string(), false), span));
            let last = tokens.get(at + used - 1).map_or(span, |t| t.span);
            out.push(token(Token::RParen, last));
            clauses.push(clause);
            at += used;
            continue;
        }
        if in_relations
            && is_word(Some(current), "WATERMARK")
            && let Some((clause, used)) = read_watermark(tokens.get(at..).unwrap_or_default())?
        {
            let after = tokens.get(at + used..).unwrap_or_default();
            at += used + watermark::wrap(&mut out, &clause, after, &clauses)?;
            continue;
        }
        out.push(current.clone());
        at += 1;
    }
    Ok((out, clauses))
}

/// Whether the next token begins a relation: after FROM, JOIN, `,` or `(`.
pub(super) fn starts_relation(before: &[TokenWithSpan]) -> bool {
    let last = before.last();
    is_word(last, "FROM")
        || is_word(last, "JOIN")
        || is_word(last, "LATERAL")
        || matches!(last.map(|t| &t.token), Some(Token::Comma | Token::LParen))
}

/// Reads a clause that begins with STREAM, and how many tokens it took; `None` where STREAM is a table's name.
fn stream(tokens: &[TokenWithSpan]) -> Result<Option<(StreamClause, usize)>> {
    let start = start_of(tokens.first());
    let mut at = 1;
    let parenthesis = matches!(tokens.get(at).map(|t| &t.token), Some(Token::LParen));
    if parenthesis {
        at += 1;
    }
    if !is_name(tokens.get(at)) || (!parenthesis && !names_table(tokens, at)) {
        return Ok(None);
    }
    let mut table = Vec::new();
    while let Some(Token::Word(w)) = tokens.get(at).map(|t| &t.token) {
        table.push(w.value.clone());
        at += 1;
        if !matches!(tokens.get(at).map(|t| &t.token), Some(Token::Period)) {
            break;
        }
        at += 1;
    }
    if parenthesis {
        expect(
            tokens,
            at,
            &Token::RParen,
            "')' after the table's name in STREAM(…)",
        )?;
        at += 1;
    }
    let mut options = HashMap::new();
    if is_word(tokens.get(at), "WITH") {
        at += 1;
        at += read_options(tokens.get(at..).unwrap_or_default(), &mut options)?;
    }
    let mut name = None;
    if is_word(tokens.get(at), "IDENTIFIED") && is_word(tokens.get(at + 1), "BY") {
        name = match tokens.get(at + 2).map(|t| &t.token) {
            Some(Token::Word(w)) => Some(w.value.clone()),
            _ => return Err(syntax("a name after IDENTIFIED BY", tokens.get(at + 2), start)),
        };
        at += 3;
    }
    Ok(Some((
        StreamClause {
            table,
            options,
            name,
            position: (start.line, start.column),
        },
        at,
    )))
}

/// Whether the word after a bare STREAM is the table it reads: not a keyword that may follow a table named `stream`.
fn names_table(tokens: &[TokenWithSpan], at: usize) -> bool {
    match tokens.get(at).map(|t| &t.token) {
        Some(Token::Word(w)) => {
            let also = ["AS", "TABLESAMPLE", "PIVOT", "UNPIVOT", "WATERMARK"];
            w.quote_style.is_some()
                || !(follows_a_relation(tokens.get(at)) || also.iter().any(|k| is_word(tokens.get(at), k)))
        }
        _ => false,
    }
}

/// Reads `(key = value, a.b 'value', …)`; gives the number of tokens.
fn read_options(tokens: &[TokenWithSpan], options: &mut HashMap<String, String>) -> Result<usize> {
    let start = start_of(tokens.first());
    expect(tokens, 0, &Token::LParen, "'(' after WITH")?;
    let mut at = 1;
    loop {
        let mut key = String::new();
        loop {
            match tokens.get(at).map(|t| &t.token) {
                Some(Token::Word(w)) => key.push_str(&w.value),
                Some(Token::SingleQuotedString(text)) if key.is_empty() => key.push_str(text),
                _ => return Err(syntax("an option's name", tokens.get(at), start)),
            }
            at += 1;
            if !matches!(tokens.get(at).map(|t| &t.token), Some(Token::Period)) {
                break;
            }
            key.push('.');
            at += 1;
        }
        if matches!(tokens.get(at).map(|t| &t.token), Some(Token::Eq)) {
            at += 1;
        }
        let value = match tokens.get(at).map(|t| &t.token) {
            Some(Token::SingleQuotedString(text)) => text.clone(),
            Some(Token::Number(digits, _)) => digits.clone(),
            Some(Token::Word(w)) if ["true", "false"].iter().any(|b| w.value.eq_ignore_ascii_case(b)) => {
                w.value.to_ascii_lowercase()
            }
            _ => return Err(syntax("an option's value", tokens.get(at), start)),
        };
        at += 1;
        if options.keys().any(|k| k.eq_ignore_ascii_case(&key)) {
            return Err(
                SqlError::new("DUPLICATE_KEY", format!("Found duplicate keys `{key}`."))
                    .at(start.line, start.column),
            );
        }
        options.insert(key, value);
        match tokens.get(at).map(|t| &t.token) {
            Some(Token::Comma) => at += 1,
            Some(Token::RParen) => return Ok(at + 1),
            _ => return Err(syntax("',' or ')' in the options", tokens.get(at), start)),
        }
    }
}

/// Reads `WATERMARK … DELAY OF interval`; `None` where WATERMARK is an alias.
fn read_watermark(tokens: &[TokenWithSpan]) -> Result<Option<(WatermarkClause, usize)>> {
    let start = start_of(tokens.first());
    let mut depth = 0usize;
    let mut at = 1;
    while let Some(current) = tokens.get(at) {
        match &current.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return Ok(None),
            Token::RParen => depth -= 1,
            Token::SemiColon => return Ok(None),
            _ => {}
        }
        if depth == 0 && is_word(Some(current), "DELAY") && is_word(tokens.get(at + 1), "OF") {
            break;
        }
        if depth == 0
            && ["FROM", "WHERE", "SELECT", "JOIN"]
                .iter()
                .any(|k| is_word(Some(current), k))
        {
            return Ok(None);
        }
        at += 1;
    }
    if at >= tokens.len() {
        return Ok(None);
    }
    let expression = tokens.get(1..at).unwrap_or_default().to_vec();
    if expression.is_empty() {
        return Err(syntax("an expression after WATERMARK", tokens.get(at), start));
    }
    at += 2;
    let read = if is_word(tokens.get(at), "INTERVAL") {
        literal(tokens.get(at + 1..).unwrap_or_default(), false)?
    } else {
        None
    };
    let Some((delay, used)) = read else {
        return Err(syntax(
            "an interval such as INTERVAL 10 MINUTES after DELAY OF",
            tokens.get(at),
            start,
        ));
    };
    Ok(Some((
        WatermarkClause {
            expression,
            delay,
            position: (start.line, start.column),
        },
        at + 1 + used,
    )))
}

fn expect(tokens: &[TokenWithSpan], at: usize, wanted: &Token, what: &str) -> Result<()> {
    if tokens.get(at).map(|t| &t.token) == Some(wanted) {
        Ok(())
    } else {
        let start = start_of(tokens.first());
        Err(syntax(what, tokens.get(at), start))
    }
}

pub(super) fn syntax(expected: &str, found: Option<&TokenWithSpan>, start: Location) -> SqlError {
    let (text, place) = match found {
        Some(t) => (format!("'{}'", t.token), t.span.start),
        None => ("the end of the statement".to_owned(), start),
    };
    SqlError::new(
        "PARSE_SYNTAX_ERROR",
        format!("Syntax error: expected {expected}, found {text}."),
    )
    .at(place.line, place.column)
}
