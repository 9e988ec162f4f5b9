//! Reading a statement's tokens one by one, with errors that say where and what was expected.

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::super::SqlDialect;
use super::super::tokens::{SqlText, StreamClause, is_word};
use super::SqlQuery;
use crate::{Result, SqlError};

/// A place in a statement.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a SqlText<'a>,
    tokens: &'a [TokenWithSpan],
    streams: &'a [StreamClause],
    at: usize,
    dialect: SqlDialect,
}

impl<'a> Cursor<'a> {
    /// The start of a statement.
    pub(crate) fn new(
        text: &'a SqlText<'a>,
        tokens: &'a [TokenWithSpan],
        streams: &'a [StreamClause],
        dialect: SqlDialect,
    ) -> Self {
        Self {
            text,
            tokens,
            streams,
            at: 0,
            dialect,
        }
    }

    /// The token that comes next.
    pub(crate) fn peek(&self) -> Option<&'a TokenWithSpan> {
        self.tokens.get(self.at)
    }

    /// The token `n` places after the next one.
    pub(crate) fn peek_nth(&self, n: usize) -> Option<&'a TokenWithSpan> {
        self.tokens.get(self.at + n)
    }

    /// Goes past the next token and gives it.
    pub(crate) fn next(&mut self) -> Option<&'a TokenWithSpan> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Where the next token stands; the statement's end after the last.
    pub(crate) fn location(&self) -> Location {
        match (self.peek(), self.tokens.last()) {
            (Some(token), _) => token.span.start,
            (None, Some(last)) => last.span.end,
            (None, None) => Location { line: 1, column: 1 },
        }
    }

    /// Takes these words if they come next, in this order.
    pub(crate) fn words(&mut self, words: &[&str]) -> bool {
        let here = words
            .iter()
            .enumerate()
            .all(|(n, word)| is_word(self.peek_nth(n), word));
        if here {
            self.at += words.len();
        }
        here
    }

    /// Whether this word comes next.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        is_word(self.peek(), word)
    }

    /// Takes these words, which must come next.
    pub(crate) fn expect_words(&mut self, words: &[&str]) -> Result<()> {
        if self.words(words) {
            Ok(())
        } else {
            Err(self.expected(&words.join(" ")))
        }
    }

    /// Takes this token if it comes next.
    pub(crate) fn token(&mut self, token: &Token) -> bool {
        let here = self.peek().map(|t| &t.token) == Some(token);
        if here {
            self.at += 1;
        }
        here
    }

    /// Takes this token, which must come next.
    pub(crate) fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.token(token) {
            Ok(())
        } else {
            Err(self.expected(&format!("'{token}'")))
        }
    }

    /// Takes a name, in its spelling.
    pub(crate) fn name(&mut self, what: &str) -> Result<String> {
        match self.peek().map(|t| &t.token) {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.value.clone())
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Takes a string literal.
    pub(crate) fn string(&mut self, what: &str) -> Result<String> {
        match self.peek().map(|t| &t.token) {
            Some(Token::SingleQuotedString(text)) => {
                self.at += 1;
                Ok(text.clone())
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Takes a table's name of one to three parts, as the catalog holds it.
    pub(crate) fn table_name(&mut self) -> Result<TableReference> {
        let mut parts = Vec::new();
        loop {
            let quoted = matches!(
                self.peek().map(|t| &t.token),
                Some(Token::Word(w)) if w.quote_style.is_some()
            );
            let part = self.name("a table's name")?;
            parts.push(if quoted && self.dialect == SqlDialect::DataFusion {
                part
            } else {
                part.to_lowercase()
            });
            if !self.token(&Token::Period) {
                break;
            }
        }
        table_reference(&parts).map_err(|e| self.here(e))
    }

    /// The tokens that are left.
    pub(crate) fn rest(&self) -> &'a [TokenWithSpan] {
        self.tokens.get(self.at..).unwrap_or_default()
    }

    /// The rest of the statement as a query, which must take all of it.
    pub(crate) fn query(&mut self) -> Result<SqlQuery> {
        let rest = self.rest();
        if rest.is_empty() {
            return Err(self.expected("a query"));
        }
        self.at = self.tokens.len();
        SqlQuery::parse(self.text.slice(rest), rest, self.streams, self.dialect)
    }

    /// The text from a place to the end of the statement.
    pub(crate) fn raw_from(&self, start: Location) -> &'a str {
        let end = self.tokens.last().map_or(start, |t| t.span.end);
        self.text.between(start, end)
    }

    /// Whether this token stands here.
    pub(crate) fn is_token(&self, token: &Token) -> bool {
        self.peek().map(|t| &t.token) == Some(token)
    }

    /// An error: this was expected here.
    pub(crate) fn expected(&self, what: &str) -> SqlError {
        let found = match self.peek() {
            Some(token) => format!("'{}'", token.token),
            None => "the end of the statement".to_owned(),
        };
        self.here(SqlError::new(
            "PARSE_SYNTAX_ERROR",
            format!("Syntax error: expected {what}, found {found}."),
        ))
    }

    /// The error, at this place.
    pub(crate) fn here(&self, error: SqlError) -> SqlError {
        let at = self.location();
        error.at(at.line, at.column)
    }

    /// An error unless the statement ends here.
    pub(crate) fn end(&self) -> Result<()> {
        if self.is_done() {
            Ok(())
        } else {
            Err(self.expected("the end of the statement"))
        }
    }
}

/// The reference of a name's parts.
pub(crate) fn table_reference(parts: &[String]) -> Result<TableReference> {
    match parts {
        [table] => Ok(TableReference::bare(table.as_str())),
        [schema, table] => Ok(TableReference::partial(schema.as_str(), table.as_str())),
        [catalog, schema, table] => Ok(TableReference::full(
            catalog.as_str(),
            schema.as_str(),
            table.as_str(),
        )),
        _ => Err(SqlError::new(
            "IDENTIFIER_TOO_MANY_NAME_PARTS",
            format!(
                "{} is not a valid table name: it has more than three parts.",
                parts.join(".")
            ),
        )),
    }
}
