//! The statements layer: a script's text as a list of statements, each with its position.
//!
//! The grammar is Spark's for what exists there, with our OPTIONS and LOCATION in CREATE STREAMING TABLE. A statement or
//! clause of Spark's that is not supported is an error that names it, never a syntax error. Queries go to sqlparser's parser.

mod catalog;
mod cursor;
mod data_type;
mod name_pattern;
mod query;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod view;

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::tokenizer::Token;

pub use catalog::{ExplainMode, InsertInto};
pub(crate) use cursor::table_reference;
pub use data_type::{COMMENT_KEY, parse_schema_ddl};
pub(crate) use data_type::{array, map, timestamp};
pub use name_pattern::NamePattern;
pub use query::SqlQuery;
pub use table::{CreateStreamingTable, CreateTable, CreateTableAs, TableClauses};
pub use view::CreateView;

use super::SqlDialect;
use super::tokens::{SqlText, statements};
use crate::{Result, SqlError};
use cursor::Cursor;

/// A statement with its place in the script.
#[derive(Clone, Debug)]
pub struct ParsedStatement {
    /// The statement.
    pub statement: Statement,
    /// Line and column of its first word, from 1.
    pub position: (u64, u64),
}

/// A statement of a script.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Statement {
    /// A query whose rows are shown.
    Query(Box<SqlQuery>),
    /// `CREATE TABLE … USING …`.
    CreateTable(Box<CreateTable>),
    /// `CREATE TABLE … AS query`: a batch.
    CreateTableAs(Box<CreateTableAs>),
    /// `CREATE STREAMING TABLE … AS query`.
    CreateStreamingTable(Box<CreateStreamingTable>),
    /// `CREATE VIEW`.
    CreateView(Box<CreateView>),
    /// `SET key = value`.
    Set {
        /// The conf.
        key: String,
        /// Its value: the raw text, trimmed.
        value: String,
    },
    /// `SET key`: shows it.
    ShowSetting {
        /// The conf.
        key: String,
    },
    /// `SET`: shows all that is set.
    ShowSettings,
    /// `SET TIME ZONE 'x'`.
    SetTimeZone {
        /// The zone's name, not checked.
        zone: String,
    },
    /// `RESET [key]`.
    Reset {
        /// The conf; all without one.
        key: Option<String>,
    },
    /// `DROP TABLE`.
    DropTable {
        /// The table, in lower case.
        name: TableReference,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `DROP VIEW`.
    DropView {
        /// The view, in lower case.
        name: TableReference,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `SHOW TABLES [[LIKE] 'pattern']`.
    ShowTables {
        /// Which names; all without one.
        pattern: Option<NamePattern>,
    },
    /// `SHOW VIEWS [[LIKE] 'pattern']`.
    ShowViews {
        /// Which names; all without one.
        pattern: Option<NamePattern>,
    },
    /// `SHOW COLUMNS IN t`.
    ShowColumns {
        /// The table, in lower case.
        name: TableReference,
    },
    /// `DESCRIBE [TABLE] [EXTENDED] t`.
    Describe {
        /// The table, in lower case.
        name: TableReference,
        /// `EXTENDED`.
        extended: bool,
    },
    /// `DESCRIBE [QUERY] query`.
    DescribeQuery(Box<SqlQuery>),
    /// `EXPLAIN [EXTENDED | FORMATTED] statement`.
    Explain {
        /// How much it shows.
        mode: ExplainMode,
        /// What it explains.
        statement: Box<ParsedStatement>,
    },
    /// `INSERT INTO t query`.
    InsertInto(Box<InsertInto>),
}

/// Parses a script of statements that `;` separates.
///
/// # Errors
/// PARSE_SYNTAX_ERROR, or UNSUPPORTED_FEATURE for what Spark knows and Tidemill does not; with line and column.
pub fn parse_script(text: &str, dialect: SqlDialect) -> Result<Vec<ParsedStatement>> {
    let lines = SqlText::new(text);
    statements(text, dialect)?
        .iter()
        .map(|tokens| {
            let split = data_type::split_angles(&tokens.tokens);
            let is_ddl = ["CREATE"]
                .iter()
                .any(|w| super::tokens::is_word(split.first(), w));
            let all = if is_ddl {
                ddl_tokens(&tokens.tokens)
            } else {
                tokens.tokens.clone()
            };
            let mut cursor = Cursor::new(&lines, &all, &tokens.streams, dialect);
            let start = cursor.location();
            let statement = one_statement(&mut cursor).map_err(|e| match e.position {
                Some(_) => e,
                None => e.at(start.line, start.column),
            })?;
            Ok(ParsedStatement {
                statement,
                position: (start.line, start.column),
            })
        })
        .collect()
}

/// The tokens of a CREATE with the angles of its column list split; those of its query stay.
fn ddl_tokens(
    tokens: &[datafusion::sql::sqlparser::tokenizer::TokenWithSpan],
) -> Vec<datafusion::sql::sqlparser::tokenizer::TokenWithSpan> {
    let query = tokens
        .iter()
        .position(|t| super::tokens::is_word(Some(t), "AS") || super::tokens::is_word(Some(t), "SELECT"))
        .unwrap_or(tokens.len());
    let (head, tail) = tokens.split_at(query);
    let mut out = data_type::split_angles(head);
    out.extend(tail.iter().cloned());
    out
}

/// Parses the statement that the cursor stands before, which must take all that is left.
fn one_statement(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.is_token(&Token::LParen) || QUERY_WORDS.iter().any(|w| cursor.is_word(w)) {
        return Ok(Statement::Query(Box::new(cursor.query()?)));
    }
    let start = cursor.location();
    let verb = cursor.name("a statement")?.to_uppercase();
    match verb.as_str() {
        "CREATE" => create(cursor),
        "SET" => setting::set(cursor),
        "RESET" => setting::reset(cursor),
        "DROP" => catalog::drop(cursor),
        "SHOW" => catalog::show(cursor),
        "DESCRIBE" | "DESC" => catalog::describe(cursor),
        "EXPLAIN" => catalog::explain(cursor),
        "INSERT" => catalog::insert(cursor),
        "AUTO" if cursor.is_word("CDC") => {
            let error = catalog::unsupported(cursor, "AUTO");
            Err(error.at(start.line, start.column))
        }
        verb if KNOWN_VERBS.contains(&verb) => {
            let error = catalog::unsupported(cursor, verb);
            Err(error.at(start.line, start.column))
        }
        verb => Err(SqlError::new(
            "PARSE_SYNTAX_ERROR",
            format!("Syntax error at or near '{verb}': no statement begins with it."),
        )
        .at(start.line, start.column)),
    }
}

/// The first words of queries.
const QUERY_WORDS: [&str; 5] = ["SELECT", "WITH", "VALUES", "TABLE", "FROM"];

/// The first words of Spark's statements that are not supported.
const KNOWN_VERBS: [&str; 27] = [
    "ALTER", "ANALYZE", "BEGIN", "CACHE", "CALL", "CLEAR", "COMMENT", "COPY", "DECLARE", "DELETE", "DFS",
    "EXECUTE", "EXPORT", "GRANT", "LIST", "LOAD", "LOCK", "MERGE", "MSCK", "REFRESH", "REPLACE", "REVOKE",
    "STOP", "TRUNCATE", "UNCACHE", "UPDATE", "USE",
];

fn create(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let place = cursor.location();
    let or_replace = cursor.words(&["OR", "REPLACE"]);
    let or_refresh = !or_replace && cursor.words(&["OR", "REFRESH"]);
    let temporary = cursor.words(&["TEMPORARY"]) || cursor.words(&["TEMP"]);
    if cursor.words(&["VIEW"]) && !or_refresh {
        return view::create_view(cursor, or_replace, temporary);
    }
    let plain = !or_replace && !or_refresh && !temporary;
    if cursor.words(&["STREAMING", "TABLE"]) {
        if plain {
            return table::create_streaming_table(cursor);
        }
        return Err(not_with(place, or_replace, or_refresh, "CREATE STREAMING TABLE"));
    }
    if cursor.words(&["TABLE"]) {
        if plain {
            return table::create_table(cursor);
        }
        return Err(not_with(place, or_replace, or_refresh, "CREATE TABLE"));
    }
    let verb = match (or_replace, or_refresh) {
        (true, _) => "CREATE OR REPLACE",
        (_, true) => "CREATE OR REFRESH",
        _ => "CREATE",
    };
    Err(catalog::unsupported(cursor, verb))
}

fn not_with(
    place: datafusion::sql::sqlparser::tokenizer::Location,
    or_replace: bool,
    or_refresh: bool,
    statement: &str,
) -> SqlError {
    let word = match (or_replace, or_refresh) {
        (true, _) => "OR REPLACE",
        (_, true) => "OR REFRESH",
        _ => "TEMPORARY",
    };
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!("{word} of {statement} is not supported."),
    )
    .at(place.line, place.column)
}
