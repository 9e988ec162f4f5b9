//! The tokens layer: what of Spark's text no hook of the parser reaches.
//!
//! A script becomes statements, each with its tokens (every token keeps its place in the text) and the `STREAM` clauses
//! that were taken out of them. One rule a file; the order matters: strings and numbers are recognised by touching tokens, so
//! they come before blanks are dropped; `DELAY OF` needs its interval as written, so streams come before intervals.

mod interval;
mod map_type;
mod number_suffix;
mod spark_parser;
mod stream;
mod string_literal;
mod text;
mod watermark;
mod words;

use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

pub(crate) use interval::literal as interval_literal;
pub use interval::{IntervalLiteral, parse_interval_text};
pub(crate) use number_suffix::decimal_shape;
pub(crate) use stream::{RELATION_FUNCTION, StreamClause};
pub(crate) use text::SqlText;
pub(crate) use watermark::{NAME_SEPARATOR, WATERMARK_FUNCTION};
pub(crate) use words::{is_word, start_of};

use super::SqlDialect;
use crate::{Result, SqlError};

/// One statement's tokens: without blanks, with literals resolved.
#[derive(Debug)]
pub(crate) struct StatementTokens {
    /// The tokens.
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// The `STREAM` clauses, by the number in their calls.
    pub(crate) streams: Vec<StreamClause>,
}

/// The parser's dialect.
pub(crate) fn parser_dialect(dialect: SqlDialect) -> Box<dyn Dialect> {
    match dialect {
        SqlDialect::Spark => Box::new(spark_parser::SparkParserDialect),
        SqlDialect::DataFusion => Box::new(GenericDialect {}),
    }
}

/// Splits a script into its statements; empty ones are dropped.
///
/// # Errors
/// PARSE_SYNTAX_ERROR for text that has no tokens (an open string or comment), with its position.
pub(crate) fn statements(text: &str, dialect: SqlDialect) -> Result<Vec<StatementTokens>> {
    let parser_dialect = parser_dialect(dialect);
    let mut tokenizer =
        Tokenizer::new(parser_dialect.as_ref(), text).with_unescape(dialect != SqlDialect::Spark);
    let tokens = tokenizer.tokenize_with_location().map_err(tokenizer_error)?;
    let mut out = Vec::new();
    for part in tokens.split(|t| t.token == Token::SemiColon) {
        if let Some(statement) = statement(part.to_vec(), dialect)? {
            out.push(statement);
        }
    }
    Ok(out)
}

fn statement(tokens: Vec<TokenWithSpan>, dialect: SqlDialect) -> Result<Option<StatementTokens>> {
    let spark = dialect == SqlDialect::Spark;
    if tokens.iter().all(|t| string_literal::is_blank(&t.token)) {
        return Ok(None);
    }
    let tokens = if spark {
        // The value of SET is raw text: an open quote or an odd number in it is no error.
        let raw = tokens.iter().find(|t| !string_literal::is_blank(&t.token));
        if is_word(raw, "SET") {
            let tokens = words::without_blanks(tokens);
            return Ok(Some(StatementTokens {
                tokens,
                streams: Vec::new(),
            }));
        }
        number_suffix::resolve(string_literal::resolve(words::unescape_names(tokens))?)?
    } else {
        tokens
    };
    let (tokens, streams) = stream::resolve(&words::without_blanks(tokens))?;
    let tokens = if spark {
        map_type::resolve(words::name_timestamps(interval::resolve(tokens)?))
    } else {
        tokens
    };
    Ok(Some(StatementTokens { tokens, streams }))
}

/// The tokens with names in backticks in lower case, as plans hold them.
pub(crate) fn fold_names(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    tokens
        .iter()
        .cloned()
        .map(|mut t| {
            if let Token::Word(w) = &mut t.token
                && w.quote_style.is_some()
            {
                w.value = w.value.to_lowercase();
            }
            t
        })
        .collect()
}

fn tokenizer_error(error: TokenizerError) -> SqlError {
    SqlError::new("PARSE_SYNTAX_ERROR", format!("Syntax error: {}.", error.message))
        .at(error.location.line, error.location.column)
}

/// A parser's error as ours, with the position that the parser wrote into its text.
pub(crate) fn parser_error(error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
    };
    let (message, position) = match text.rfind(" at Line: ") {
        Some(at) => {
            let (message, place) = text.split_at(at);
            let numbers: Vec<u64> = place
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse().ok())
                .collect();
            let position = match numbers.as_slice() {
                [line, column] if *line > 0 => Some((*line, *column)),
                _ => None,
            };
            (message.to_owned(), position)
        }
        None => (text, None),
    };
    let error = SqlError::new("PARSE_SYNTAX_ERROR", format!("Syntax error: {message}."));
    match position {
        Some((line, column)) => error.at(line, column),
        None => error,
    }
}
