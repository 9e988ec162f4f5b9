//! `relation WATERMARK expr [[AS] name] DELAY OF interval [[AS] alias [(columns)]]` as a call of a reserved table function:
//! `__tidemill_watermark((SELECT expr AS name, * FROM relation AS alias (columns)), 'name', 'delay in ms', 'line', 'column') AS alias`.
//!
//! So the expression is planned as any other, after the alias has named the columns; a named one comes first under `*`, as in
//! Spark. A column without a name of its own is not computed again: the query is `SELECT *`.

use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::interval::{self, IntervalLiteral};
use super::stream::{RELATION_FUNCTION, StreamClause, starts_relation, syntax};
use super::words::{follows_a_relation, is_name, is_word, start_of, token, word};
use crate::event_time::delay_ms_of_interval;
use crate::{Result, SqlError};

/// The reserved table function that stands for a relation with a watermark.
pub(crate) const WATERMARK_FUNCTION: &str = "__tidemill_watermark";

/// What stands between the parts of an event-time column's name in the function's argument.
pub(crate) const NAME_SEPARATOR: char = '\u{1f}';

/// `WATERMARK expr [[AS] name] DELAY OF interval`.
#[derive(Clone, Debug)]
pub(crate) struct WatermarkClause {
    /// The tokens of the event-time expression, with its name if it has one.
    pub(crate) expression: Vec<TokenWithSpan>,
    /// How late a row may be.
    pub(crate) delay: IntervalLiteral,
    /// Where WATERMARK stands, from 1.
    pub(crate) position: (u64, u64),
}

/// Puts the relation at the end of `out` into the call, and its alias, which begins `after`; gives how many tokens that took.
pub(super) fn wrap(
    out: &mut Vec<TokenWithSpan>,
    clause: &WatermarkClause,
    after: &[TokenWithSpan],
    streams: &[StreamClause],
) -> Result<usize> {
    let (line, column) = clause.position;
    let delay_ms =
        delay_ms_of_interval(clause.delay, &shown(clause.delay)).map_err(|error| error.at(line, column))?;
    let Some(from) = relation_start(out) else {
        let start = start_of(clause.expression.first());
        return Err(syntax(
            "a relation without an alias before WATERMARK (the alias comes last)",
            clause.expression.first(),
            start,
        ));
    };
    let relation = out.split_off(from);
    let span = relation.first().map_or(Span::empty(), |first| first.span);
    // An interval ends with a word, which is no name of the expression.
    let expression = interval::resolve_to_strings(clause.expression.clone())?;
    let (expression, name) = named(&expression);
    let (alias, columns, used) = alias_of(after);
    let alias = alias.or_else(|| last_name(&relation, streams));

    let push = |out: &mut Vec<TokenWithSpan>, text: Token| out.push(token(text, span));
    let text =
        |out: &mut Vec<TokenWithSpan>, text: String| out.push(token(Token::SingleQuotedString(text), span));
    out.push(word(WATERMARK_FUNCTION, span));
    push(out, Token::LParen);
    push(out, Token::LParen);
    out.push(word("SELECT", span));
    let event_time = match name {
        Some(name) => {
            out.extend(expression.iter().cloned());
            out.push(word("AS", span));
            out.push(name.clone());
            push(out, Token::Comma);
            value_of(name)
        }
        None => column_path(expression).ok_or_else(|| unnamed(clause))?,
    };
    push(out, Token::Mul);
    out.push(word("FROM", span));
    out.extend(relation);
    if let Some(alias) = &alias {
        out.push(word("AS", span));
        out.push(alias.clone());
        out.extend(columns.iter().cloned());
    }
    push(out, Token::RParen);
    for argument in [
        event_time,
        delay_ms.to_string(),
        line.to_string(),
        column.to_string(),
    ] {
        push(out, Token::Comma);
        text(out, argument);
    }
    push(out, Token::RParen);
    if let Some(alias) = alias {
        out.push(word("AS", span));
        out.push(alias);
    }
    Ok(used)
}

fn shown(delay: IntervalLiteral) -> String {
    if delay.months != 0 {
        format!("{} months", delay.months)
    } else {
        format!("{} microseconds", delay.micros)
    }
}

fn value_of(name: &TokenWithSpan) -> String {
    match &name.token {
        Token::Word(word) => word.value.clone(),
        other => other.to_string(),
    }
}

/// Where the relation at the end begins: a name, or what stands in parentheses, with a function's name before it.
fn relation_start(out: &[TokenWithSpan]) -> Option<usize> {
    let last = out.len().checked_sub(1)?;
    let mut at = last;
    match &out.get(last)?.token {
        Token::RParen => {
            let mut depth = 0usize;
            loop {
                match &out.get(at)?.token {
                    Token::RParen => depth += 1,
                    Token::LParen => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                at = at.checked_sub(1)?;
            }
            if let Some(before) = at.checked_sub(1)
                && is_word(out.get(before), RELATION_FUNCTION)
            {
                at = before;
            }
        }
        Token::Word(_) => {
            while at >= 2
                && matches!(out.get(at - 1).map(|t| &t.token), Some(Token::Period))
                && is_name(out.get(at - 2))
            {
                at -= 2;
            }
        }
        _ => return None,
    }
    starts_relation(out.get(..at)?).then_some(at)
}

/// The name under which a table or a stream is known without an alias.
fn last_name(relation: &[TokenWithSpan], streams: &[StreamClause]) -> Option<TokenWithSpan> {
    let last = relation.last()?;
    if is_name(Some(last)) {
        return Some(last.clone());
    }
    let [function, _, number, _] = relation else {
        return None;
    };
    match &number.token {
        Token::Number(digits, _) if is_word(Some(function), RELATION_FUNCTION) => {
            let clause = streams.get(digits.parse::<usize>().ok()?)?;
            let name = Token::make_word(clause.table.last()?, Some('`'));
            Some(token(name, function.span))
        }
        _ => None,
    }
}

/// The expression, and its name where it has one.
fn named(expression: &[TokenWithSpan]) -> (&[TokenWithSpan], Option<&TokenWithSpan>) {
    let [rest @ .., before, last] = expression else {
        return (expression, None);
    };
    if !is_name(Some(last)) || is_word(Some(last), "END") {
        return (expression, None);
    }
    if is_word(Some(before), "AS") {
        return (rest, Some(last));
    }
    let ends_a_value = matches!(
        before.token,
        Token::Word(_) | Token::RParen | Token::RBracket | Token::Number(..) | Token::SingleQuotedString(_)
    );
    if ends_a_value {
        return (
            expression.get(..expression.len() - 1).unwrap_or_default(),
            Some(last),
        );
    }
    (expression, None)
}

/// The parts of `a.b.c`.
fn column_path(expression: &[TokenWithSpan]) -> Option<String> {
    let mut path = String::new();
    for (at, part) in expression.iter().enumerate() {
        match (&part.token, at % 2) {
            (Token::Word(word), 0) => path.push_str(&word.value),
            (Token::Period, 1) => path.push(NAME_SEPARATOR),
            _ => return None,
        }
    }
    (expression.len() % 2 == 1).then_some(path)
}

/// `[AS] alias [(a, b)]`: the alias, the tokens of its columns, and how many tokens there are.
fn alias_of(after: &[TokenWithSpan]) -> (Option<TokenWithSpan>, Vec<TokenWithSpan>, usize) {
    let explicit = usize::from(is_word(after.first(), "AS"));
    let Some(alias) = after.get(explicit).filter(|alias| is_name(Some(alias))) else {
        return (None, Vec::new(), 0);
    };
    if explicit == 0 && (follows_a_relation(Some(alias)) || is_word(Some(alias), "SELECT")) {
        return (None, Vec::new(), 0);
    }
    let mut used = explicit + 1;
    let mut columns = Vec::new();
    if matches!(after.get(used).map(|t| &t.token), Some(Token::LParen)) {
        for part in after.iter().skip(used) {
            columns.push(part.clone());
            used += 1;
            if part.token == Token::RParen {
                break;
            }
        }
    }
    (Some(alias.clone()), columns, used)
}

fn unnamed(clause: &WatermarkClause) -> SqlError {
    let text: Vec<String> = clause.expression.iter().map(|t| t.token.to_string()).collect();
    SqlError::new(
        "REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE",
        format!(
            "The watermark clause requires the explicit name if expression is specified, but got {}: write {} AS name.",
            text.join(" "),
            text.join(" ")
        ),
    )
    .at(clause.position.0, clause.position.1)
}
