//! A text as statements, each with its place.

use tidemill_sql::dialect::{ParsedStatement, SqlDialect, parse_script};

use super::StreamingSession;
use crate::{Result, TidemillError};

/// A parsed text; nothing of it has run.
#[derive(Clone, Debug)]
pub struct Script {
    text: String,
    dialect: SqlDialect,
    statements: Vec<SqlStatement>,
}

/// One statement of a [`Script`].
#[derive(Clone, Debug)]
pub struct SqlStatement {
    pub(super) parsed: ParsedStatement,
}

impl StreamingSession {
    /// Parses a text in the session's dialect (`tidemill.sql.dialect`).
    ///
    /// # Errors
    /// PARSE_SYNTAX_ERROR or UNSUPPORTED_FEATURE, with line and column.
    pub fn script(&self, text: &str) -> Result<Script> {
        let dialect = self.conf().sql_settings()?.dialect;
        Ok(Script {
            text: text.to_owned(),
            dialect,
            statements: parse(text, dialect)?,
        })
    }
}

impl Script {
    /// Its statements, in order.
    pub fn statements(&self) -> &[SqlStatement] {
        &self.statements
    }

    /// Reads the text anew where a statement changed the session's dialect; the number of statements and their
    /// places stay, since both dialects end a statement at `;`.
    ///
    /// # Errors
    /// As [`StreamingSession::script`].
    pub fn follow(&mut self, session: &StreamingSession) -> Result<()> {
        let dialect = session.conf().sql_settings()?.dialect;
        if dialect != self.dialect {
            self.statements = parse(&self.text, dialect)?;
            self.dialect = dialect;
        }
        Ok(())
    }
}

impl SqlStatement {
    /// Line and column of its first word, from 1.
    pub fn position(&self) -> (u64, u64) {
        self.parsed.position
    }

    /// The result, an error of it placed at this statement where it has no place of its own.
    pub(super) fn located<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|e| self.place(e))
    }

    /// The error, placed at this statement where it has no place of its own.
    pub fn place(&self, error: TidemillError) -> TidemillError {
        let (line, column) = self.parsed.position;
        match error.position() {
            Some(_) => error,
            None => error.at(line, column),
        }
    }
}

fn parse(text: &str, dialect: SqlDialect) -> Result<Vec<SqlStatement>> {
    let statements = parse_script(text, dialect)?;
    Ok(statements
        .into_iter()
        .map(|parsed| SqlStatement { parsed })
        .collect())
}
