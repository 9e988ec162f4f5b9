//! Statements on what exists: DROP, SHOW, DESCRIBE, EXPLAIN, INSERT INTO.

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{NamePattern, ParsedStatement, QUERY_WORDS, SqlQuery, Statement};
use crate::{Result, SqlError};

/// How much EXPLAIN shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainMode {
    /// The physical plan.
    Simple,
    /// The logical plans too.
    Extended,
    /// The physical plan, one operator a line with its details.
    Formatted,
}

/// `INSERT INTO | OVERWRITE t [(columns)] query`.
#[derive(Clone, Debug)]
pub struct InsertInto {
    /// The table, in lower case.
    pub table: TableReference,
    /// The columns it names, in their spelling; empty for all.
    pub columns: Vec<String>,
    /// `OVERWRITE`.
    pub overwrite: bool,
    /// The rows.
    pub query: SqlQuery,
}

/// Parses what follows `DROP`.
pub(crate) fn drop(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.words(&["TEMPORARY"]);
    let view = if cursor.words(&["TABLE"]) {
        false
    } else if cursor.words(&["VIEW"]) {
        true
    } else {
        return Err(unsupported(cursor, "DROP"));
    };
    let if_exists = cursor.words(&["IF", "EXISTS"]);
    let name = cursor.table_name()?;
    if !view {
        cursor.words(&["PURGE"]);
    }
    cursor.end()?;
    Ok(if view {
        Statement::DropView { name, if_exists }
    } else {
        Statement::DropTable { name, if_exists }
    })
}

/// Parses what follows `SHOW`.
pub(crate) fn show(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let statement = if cursor.words(&["TABLES"]) {
        Statement::ShowTables {
            pattern: name_pattern(cursor)?,
        }
    } else if cursor.words(&["VIEWS"]) {
        Statement::ShowViews {
            pattern: name_pattern(cursor)?,
        }
    } else if cursor.words(&["COLUMNS", "IN"]) || cursor.words(&["COLUMNS", "FROM"]) {
        Statement::ShowColumns {
            name: cursor.table_name()?,
        }
    } else {
        return Err(unsupported(cursor, "SHOW"));
    };
    cursor.end()?;
    Ok(statement)
}

/// `[LIKE] 'pattern'`, if it stands here.
fn name_pattern(cursor: &mut Cursor<'_>) -> Result<Option<NamePattern>> {
    if cursor.is_word("IN") || cursor.is_word("FROM") {
        return Err(cursor.here(SqlError::new(
            "UNSUPPORTED_FEATURE",
            "SHOW TABLES and SHOW VIEWS of a schema are not supported: all tables are in one.",
        )));
    }
    if !cursor.words(&["LIKE"]) && cursor.is_done() {
        return Ok(None);
    }
    let place = cursor.location();
    let pattern = NamePattern::new(&cursor.string("a pattern")?);
    pattern.map(Some).map_err(|e| e.at(place.line, place.column))
}

/// Parses what follows `DESCRIBE` or `DESC`.
pub(crate) fn describe(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if let Some(query) = described_query(cursor) {
        return Ok(Statement::DescribeQuery(Box::new(query?)));
    }
    for word in ["FUNCTION", "DATABASE", "SCHEMA", "CATALOG", "NAMESPACE"] {
        // One of these words alone is a table's name.
        if cursor.is_word(word) && matches!(cursor.peek_nth(1).map(|t| &t.token), Some(Token::Word(_))) {
            return Err(unsupported(cursor, "DESCRIBE"));
        }
    }
    if cursor.is_word("TABLE") && cursor.peek_nth(1).is_some() {
        cursor.next();
    }
    let extended = (cursor.is_word("EXTENDED") || cursor.is_word("FORMATTED"))
        && matches!(cursor.peek_nth(1).map(|t| &t.token), Some(Token::Word(_)));
    if extended {
        cursor.next();
    }
    let name = cursor.table_name()?;
    cursor.end()?;
    Ok(Statement::Describe { name, extended })
}

/// `[QUERY] query`, if it stands here; one of its words alone is a table's name.
fn described_query(cursor: &mut Cursor<'_>) -> Option<Result<SqlQuery>> {
    let next = cursor.peek_nth(1).map(|t| &t.token);
    if cursor.is_word("QUERY") && matches!(next, Some(Token::Word(_) | Token::LParen)) {
        cursor.next();
        return Some(cursor.query());
    }
    let opens = |w: &&str| *w != "TABLE" && cursor.is_word(w) && next.is_some();
    (cursor.is_token(&Token::LParen) || QUERY_WORDS.iter().any(opens)).then(|| cursor.query())
}

/// Parses what follows `EXPLAIN`.
pub(crate) fn explain(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let mode = if cursor.words(&["EXTENDED"]) {
        ExplainMode::Extended
    } else if cursor.words(&["FORMATTED"]) {
        ExplainMode::Formatted
    } else {
        for word in ["CODEGEN", "COST", "ANALYZE", "VERBOSE"] {
            if cursor.is_word(word) {
                return Err(unsupported(cursor, "EXPLAIN"));
            }
        }
        ExplainMode::Simple
    };
    let location = cursor.location();
    let statement = super::one_statement(cursor)?;
    if matches!(statement, Statement::Explain { .. }) {
        return Err(cursor.here(SqlError::new("PARSE_SYNTAX_ERROR", "EXPLAIN of EXPLAIN.")));
    }
    Ok(Statement::Explain {
        mode,
        statement: Box::new(ParsedStatement {
            statement,
            position: (location.line, location.column),
        }),
    })
}

/// Parses what follows `INSERT`.
pub(crate) fn insert(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let overwrite = if cursor.words(&["OVERWRITE"]) {
        true
    } else {
        cursor.expect_words(&["INTO"])?;
        false
    };
    cursor.words(&["TABLE"]);
    let table = cursor.table_name()?;
    if cursor.is_word("PARTITION") {
        return Err(unsupported(cursor, "INSERT … "));
    }
    let mut columns = Vec::new();
    // `(` opens the list of columns, or the query.
    if cursor.is_token(&Token::LParen)
        && !["SELECT", "WITH", "VALUES"]
            .iter()
            .any(|w| super::super::tokens::is_word(cursor.peek_nth(1), w))
    {
        cursor.next();
        loop {
            columns.push(cursor.name("a column's name")?);
            if !cursor.token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    let query = cursor.query()?;
    Ok(Statement::InsertInto(Box::new(InsertInto {
        table,
        columns,
        overwrite,
        query,
    })))
}

/// "DROP FUNCTION is not supported", with the words that stand here, and Spark's condition where it has one.
pub(crate) fn unsupported(cursor: &Cursor<'_>, verb: &str) -> SqlError {
    let mut object = verb.to_owned();
    let mut at = 0;
    while let Some(Token::Word(w)) = cursor.peek_nth(at).map(|t| &t.token) {
        let word = w.value.to_uppercase();
        object = format!("{object} {word}");
        at += 1;
        // Words that say nothing without the next one.
        let goes_on = ["STREAMING", "MATERIALIZED", "TEMPORARY", "LIVE"].contains(&word.as_str());
        if !goes_on {
            break;
        }
    }
    let condition = match object.as_str() {
        "CREATE FLOW" => "UNSUPPORTED_FEATURE.CREATE_FLOW_QUERY_EXECUTION",
        "DELETE FROM" | "MERGE INTO" => "UNSUPPORTED_FEATURE.TABLE_OPERATION",
        other if other.starts_with("UPDATE ") => "UNSUPPORTED_FEATURE.TABLE_OPERATION",
        "CREATE MATERIALIZED VIEW" => "UNSUPPORTED_FEATURE.CREATE_PIPELINE_DATASET_QUERY_EXECUTION",
        _ => "UNSUPPORTED_FEATURE",
    };
    cursor.here(SqlError::new(condition, format!("{object} is not supported.")))
}
