//! A query of a script: its text, and what the parser made of it.

use datafusion::sql::sqlparser::ast::Query;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::SqlDialect;
use super::super::ast::normalize;
use super::super::tokens::{StreamClause, fold_names, parser_dialect, parser_error, start_of};
use crate::{Result, SqlError};

/// A parsed query; give it to [`plan_query`](crate::dialect::plan_query).
#[derive(Clone, Debug)]
pub struct SqlQuery {
    text: String,
    position: (u64, u64),
    dialect: SqlDialect,
    /// The query with the names as the text spells them: for the names of its columns.
    pub(crate) spelled: Box<Query>,
    /// The same query with every name in lower case where the dialect says so: for its plan.
    pub(crate) folded: Box<Query>,
    /// The `STREAM` clauses, by the number in their calls.
    pub(crate) streams: Vec<StreamClause>,
}

impl SqlQuery {
    /// Parses tokens that must be one whole query.
    pub(crate) fn parse(
        text: &str,
        tokens: &[TokenWithSpan],
        streams: &[StreamClause],
        dialect: SqlDialect,
    ) -> Result<Self> {
        let start = start_of(tokens.first());
        let position = (start.line, start.column);
        let parse = |tokens: Vec<TokenWithSpan>| parse_tokens(tokens, dialect);
        let spelled = parse(tokens.to_vec()).map_err(|e| match e.position {
            Some(_) => e,
            None => e.at(position.0, position.1),
        })?;
        let folded = match dialect {
            SqlDialect::Spark => parse(fold_names(tokens))?,
            SqlDialect::DataFusion => spelled.clone(),
        };
        Ok(Self {
            text: text.to_owned(),
            position,
            dialect,
            spelled,
            folded,
            streams: streams.to_vec(),
        })
    }

    /// The query's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column (from 1) of its start in the script.
    pub fn position(&self) -> (u64, u64) {
        self.position
    }

    /// The dialect it was read in.
    pub fn dialect(&self) -> SqlDialect {
        self.dialect
    }
}

fn parse_tokens(tokens: Vec<TokenWithSpan>, dialect: SqlDialect) -> Result<Box<Query>> {
    let parser_dialect = parser_dialect(dialect);
    let mut parser = Parser::new(parser_dialect.as_ref()).with_tokens_with_locations(tokens);
    let mut query = parser.parse_query().map_err(|e| parser_error(&e))?;
    let next = parser.peek_token();
    if next.token == Token::EOF {
        if dialect == SqlDialect::Spark {
            normalize(&mut query);
        }
        Ok(query)
    } else {
        Err(SqlError::new(
            "PARSE_SYNTAX_ERROR",
            format!("Syntax error at or near '{}'.", next.token),
        )
        .at(next.span.start.line, next.span.start.column))
    }
}
