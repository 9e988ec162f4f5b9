//! `CREATE [OR REPLACE] [TEMPORARY] VIEW [IF NOT EXISTS] v [(columns)] AS query`: the query stays text.

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::table::key_values;
use super::{SqlQuery, Statement};
use crate::{Result, SqlError};

/// A view to create; register [`ViewDefinition`](crate::dialect::ViewDefinition) of it.
#[derive(Clone, Debug)]
pub struct CreateView {
    /// The view's name, in lower case.
    pub name: TableReference,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The names given to the columns, in their spelling; empty for the query's own.
    pub columns: Vec<String>,
    /// The query, whose text the view keeps.
    pub query: SqlQuery,
}

/// Parses what follows `CREATE [OR REPLACE] [TEMPORARY] VIEW`.
pub(crate) fn create_view(cursor: &mut Cursor<'_>, or_replace: bool, temporary: bool) -> Result<Statement> {
    let if_not_exists = cursor.words(&["IF", "NOT", "EXISTS"]);
    if if_not_exists && or_replace {
        return Err(cursor.here(SqlError::new(
            "PARSE_SYNTAX_ERROR",
            "CREATE VIEW with both IF NOT EXISTS and OR REPLACE is not allowed.",
        )));
    }
    let name = cursor.table_name()?;
    let mut columns = Vec::new();
    if cursor.token(&Token::LParen) {
        loop {
            columns.push(cursor.name("a column's name")?);
            if cursor.words(&["COMMENT"]) {
                cursor.string("the comment's text")?;
            }
            if !cursor.token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    loop {
        if cursor.words(&["COMMENT"]) {
            cursor.string("the comment's text")?;
        } else if cursor.words(&["TBLPROPERTIES"]) {
            key_values(cursor)?;
        } else {
            break;
        }
    }
    cursor.expect_words(&["AS"])?;
    let query = cursor.query()?;
    Ok(Statement::CreateView(Box::new(CreateView {
        name,
        or_replace,
        temporary,
        if_not_exists,
        columns,
        query,
    })))
}
