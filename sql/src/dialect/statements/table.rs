//! `CREATE TABLE … USING …`, `CREATE STREAMING TABLE … AS …`, `CREATE TABLE … AS …`: their clauses, in any order.

use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::sql::sqlparser::tokenizer::Token;
use indexmap::IndexMap;

use super::cursor::Cursor;
use super::data_type::columns;
use super::{SqlQuery, Statement};
use crate::{Result, SqlError};

/// What a `CREATE … TABLE` says of its table; the names of options and properties keep their spelling.
#[derive(Clone, Debug)]
pub struct TableClauses {
    /// The table's name, in lower case.
    pub name: TableReference,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The list of columns, in its spelling.
    pub columns: Option<SchemaRef>,
    /// `USING`, in lower case.
    pub format: Option<String>,
    /// `OPTIONS`.
    pub options: IndexMap<String, String>,
    /// `PARTITIONED BY`, in its spelling.
    pub partition_by: Vec<String>,
    /// `LOCATION`.
    pub location: Option<String>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES`.
    pub properties: IndexMap<String, String>,
}

/// `CREATE TABLE … USING …`.
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// The clauses.
    pub table: TableClauses,
}

/// `CREATE TABLE … AS query`.
#[derive(Clone, Debug)]
pub struct CreateTableAs {
    /// The clauses.
    pub table: TableClauses,
    /// The query.
    pub query: SqlQuery,
}

/// `CREATE STREAMING TABLE … AS query`.
#[derive(Clone, Debug)]
pub struct CreateStreamingTable {
    /// The clauses.
    pub table: TableClauses,
    /// The query.
    pub query: SqlQuery,
}

/// Parses what follows `CREATE TABLE`.
pub(crate) fn create_table(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let table = clauses(cursor, false)?;
    if is_query(cursor) {
        cursor.words(&["AS"]);
        let query = cursor.query()?;
        return Ok(Statement::CreateTableAs(Box::new(CreateTableAs { table, query })));
    }
    cursor.end()?;
    if table.format.is_none() {
        return Err(cursor.here(SqlError::new(
            "PARSE_SYNTAX_ERROR",
            format!(
                "CREATE TABLE {} needs USING and a format, such as USING json.",
                table.name
            ),
        )));
    }
    Ok(Statement::CreateTable(Box::new(CreateTable { table })))
}

/// Parses what follows `CREATE STREAMING TABLE`.
pub(crate) fn create_streaming_table(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let table = clauses(cursor, true)?;
    if cursor.is_word("FLOW") {
        return Err(unsupported(cursor, "FLOW … AUTO CDC"));
    }
    if !is_query(cursor) {
        if cursor.is_done() {
            return Err(cursor.here(SqlError::new(
                "UNSUPPORTED_FEATURE.STREAMING_TABLE_WITHOUT_QUERY",
                format!(
                    "CREATE STREAMING TABLE {} without AS SELECT is not supported.",
                    table.name
                ),
            )));
        }
        return Err(cursor.expected("a clause of CREATE STREAMING TABLE, or AS and a query"));
    }
    cursor.words(&["AS"]);
    let query = cursor.query()?;
    Ok(Statement::CreateStreamingTable(Box::new(CreateStreamingTable {
        table,
        query,
    })))
}

fn is_query(cursor: &Cursor<'_>) -> bool {
    ["AS", "SELECT", "WITH"].iter().any(|w| cursor.is_word(w))
}

fn clauses(cursor: &mut Cursor<'_>, streaming: bool) -> Result<TableClauses> {
    let if_not_exists = cursor.words(&["IF", "NOT", "EXISTS"]);
    let mut table = TableClauses {
        name: cursor.table_name()?,
        if_not_exists,
        columns: None,
        format: None,
        options: IndexMap::new(),
        partition_by: Vec::new(),
        location: None,
        comment: None,
        properties: IndexMap::new(),
    };
    if cursor.token(&Token::LParen) {
        table.columns = Some(columns(cursor)?);
        cursor.expect_token(&Token::RParen)?;
    }
    let mut seen: Vec<&str> = Vec::new();
    loop {
        let place = cursor.location();
        let Some(clause) = clause(cursor, &mut table)? else {
            break;
        };
        if seen.contains(&clause) {
            return Err(SqlError::new(
                "DUPLICATE_CLAUSES",
                format!("Found duplicate clauses: {clause}. Please remove one of them."),
            )
            .at(place.line, place.column));
        }
        seen.push(clause);
    }
    refuse_clause(cursor, streaming)?;
    Ok(table)
}

/// Reads one clause into the table; gives its name.
fn clause(cursor: &mut Cursor<'_>, table: &mut TableClauses) -> Result<Option<&'static str>> {
    if cursor.words(&["USING"]) {
        let mut format = cursor.name("a format's name")?.to_lowercase();
        while cursor.token(&Token::Period) {
            format.push('.');
            format.push_str(&cursor.name("a format's name")?.to_lowercase());
        }
        table.format = Some(format);
        return Ok(Some("USING"));
    }
    if cursor.words(&["OPTIONS"]) {
        table.options = key_values(cursor)?;
        return Ok(Some("OPTIONS"));
    }
    if cursor.words(&["TBLPROPERTIES"]) {
        table.properties = key_values(cursor)?;
        return Ok(Some("TBLPROPERTIES"));
    }
    if cursor.words(&["PARTITIONED", "BY"]) {
        table.partition_by = partition_columns(cursor)?;
        return Ok(Some("PARTITIONED BY"));
    }
    if cursor.words(&["LOCATION"]) {
        table.location = Some(cursor.string("the location's path in quotes")?);
        return Ok(Some("LOCATION"));
    }
    if cursor.words(&["COMMENT"]) {
        table.comment = Some(cursor.string("the comment's text in quotes")?);
        return Ok(Some("COMMENT"));
    }
    Ok(None)
}

/// Refuses by name the clauses of Spark's grammar that are not supported.
fn refuse_clause(cursor: &Cursor<'_>, streaming: bool) -> Result<()> {
    for (words, name) in [
        (&["CLUSTER", "BY"][..], "CLUSTER BY"),
        (&["CLUSTERED", "BY"], "CLUSTERED BY"),
        (&["DEFAULT", "COLLATION"], "DEFAULT COLLATION"),
        (&["ROW", "FORMAT"], "ROW FORMAT"),
        (&["STORED", "AS"], "STORED AS"),
        (&["STORED", "BY"], "STORED BY"),
        (&["SKEWED", "BY"], "SKEWED BY"),
        (&["LIKE"], "LIKE"),
    ] {
        let here = words
            .iter()
            .enumerate()
            .all(|(n, w)| super::super::tokens::is_word(cursor.peek_nth(n), w));
        if here {
            let statement = if streaming {
                "CREATE STREAMING TABLE"
            } else {
                "CREATE TABLE"
            };
            return Err(unsupported(cursor, &format!("{name} of {statement}")));
        }
    }
    Ok(())
}

fn unsupported(cursor: &Cursor<'_>, what: &str) -> SqlError {
    cursor.here(SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!("{what} is not supported."),
    ))
}

/// `(k 'v', k = v, a.b 'v')`.
pub(crate) fn key_values(cursor: &mut Cursor<'_>) -> Result<IndexMap<String, String>> {
    let mut out = IndexMap::new();
    cursor.expect_token(&Token::LParen)?;
    if cursor.token(&Token::RParen) {
        return Ok(out);
    }
    loop {
        let place = cursor.location();
        let key = key(cursor)?;
        cursor.token(&Token::Eq);
        let value = value(cursor, &key)?;
        if out.keys().any(|k: &String| k.eq_ignore_ascii_case(&key)) {
            return Err(
                SqlError::new("DUPLICATE_KEY", format!("Found duplicate keys `{key}`."))
                    .at(place.line, place.column),
            );
        }
        out.insert(key, value);
        if !cursor.token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::RParen)?;
    Ok(out)
}

/// A key: a string, or words with dots.
fn key(cursor: &mut Cursor<'_>) -> Result<String> {
    if let Some(Token::SingleQuotedString(text)) = cursor.peek().map(|t| &t.token) {
        cursor.next();
        return Ok(text.clone());
    }
    let mut key = cursor.name("an option's name")?;
    while cursor.token(&Token::Period) {
        key.push('.');
        key.push_str(&cursor.name("an option's name")?);
    }
    Ok(key)
}

/// A value: a string, a number or a boolean.
fn value(cursor: &mut Cursor<'_>, key: &str) -> Result<String> {
    let minus = cursor.token(&Token::Minus);
    let text = match cursor.peek().map(|t| &t.token) {
        Some(Token::Number(digits, _)) => {
            format!("{}{digits}", if minus { "-" } else { "" })
        }
        Some(Token::SingleQuotedString(text)) if !minus => text.clone(),
        Some(Token::Word(w))
            if !minus && ["true", "false"].iter().any(|b| w.value.eq_ignore_ascii_case(b)) =>
        {
            w.value.to_lowercase()
        }
        _ => return Err(cursor.expected(&format!("a value in quotes, a number, true or false for '{key}'"))),
    };
    cursor.next();
    Ok(text)
}

/// `(a, b)`: columns only.
fn partition_columns(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    cursor.expect_token(&Token::LParen)?;
    let mut out = Vec::new();
    loop {
        out.push(cursor.name("a column's name")?);
        match cursor.peek().map(|t| &t.token) {
            Some(Token::LParen) => {
                return Err(unsupported(
                    cursor,
                    "a transform (such as days(ts)) in PARTITIONED BY",
                ));
            }
            Some(Token::Word(_)) => {
                return Err(unsupported(cursor, "a column with a type in PARTITIONED BY"));
            }
            _ => {}
        }
        if !cursor.token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::RParen)?;
    Ok(out)
}
