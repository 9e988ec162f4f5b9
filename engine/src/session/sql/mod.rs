//! SQL statements: what each does to the session.
//!
//! A text is parsed whole before its first statement runs, so that a syntax error at its end changes nothing. A
//! streaming table with trigger availableNow or once is bounded: [`StreamingSession::sql`] and
//! [`StreamingSession::run_script`] wait for its end, so that the next statement sees its rows.
//! [`StreamingSession::execute`] does not wait; the command uses it to show progress meanwhile.

mod catalog;
mod explain;
mod options;
mod output;
mod rows;
mod script;
mod setting;
mod streaming_table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::LogicalPlan;
use tidemill_sql::StreamingPlan;
use tidemill_sql::dialect::{SqlQuery, Statement, plan_query};

use super::StreamingSession;
use crate::{Result, StreamingQuery, TidemillError};

pub use rows::RowFormat;
pub use script::{Script, SqlStatement};

/// What a statement came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum StatementResult {
    /// Rows to show; they are computed when they are read.
    Rows(DataFrame),
    /// A streaming table whose query was started.
    Started {
        /// The table's name.
        table: String,
        /// Its query.
        query: StreamingQuery,
        /// Whether the query ends by itself (trigger availableNow or once).
        bounded: bool,
    },
    /// Nothing to show.
    Done {
        /// A remark for the user, such as on a conf without effect.
        notice: Option<String>,
    },
}

impl StatementResult {
    const fn done() -> Self {
        Self::Done { notice: None }
    }
}

impl StreamingSession {
    /// Runs one statement and gives its rows; a DataFrame without columns where it has none.
    ///
    /// A SELECT over `STREAM(t)` gives a streaming DataFrame for
    /// [`write_stream`](crate::DataFrameStreamingExt::write_stream). A bounded streaming table is finished when this
    /// returns; others run on, and [`streams`](Self::streams) has them.
    ///
    /// # Errors
    /// Whatever is wrong with the text, with its line and column; none or several statements; the failure of a
    /// bounded streaming table.
    pub async fn sql(&self, text: &str) -> Result<DataFrame> {
        let script = self.script(text)?;
        let [statement] = script.statements() else {
            return Err(TidemillError::invalid(
                "PARSE_SYNTAX_ERROR",
                format!(
                    "sql() runs one statement and got {}; run_script() runs several",
                    script.statements().len()
                ),
            ));
        };
        let result = if let Statement::Query(query) = &statement.parsed.statement {
            let plan = statement.located(self.plan(query).await)?;
            StatementResult::Rows(DataFrame::new(self.context().state(), plan))
        } else {
            self.execute(statement).await?
        };
        finish(&result).await?;
        match result {
            StatementResult::Rows(frame) => Ok(frame),
            _ => Ok(self
                .context()
                .read_batch(RecordBatch::new_empty(Arc::new(Schema::empty())))?),
        }
    }

    /// Runs the statements of a text in order and gives what each came to. Bounded streaming tables are finished
    /// before the next statement runs.
    ///
    /// # Errors
    /// The first error; the statements after it do not run, queries that were started run on.
    pub async fn run_script(&self, text: &str) -> Result<Vec<StatementResult>> {
        let mut script = self.script(text)?;
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(statement) = script.statements().get(at) {
            let result = self.execute(statement).await?;
            finish(&result).await?;
            out.push(result);
            at += 1;
            script.follow(self)?;
        }
        Ok(out)
    }

    /// Runs one statement of a [`Script`]; a started query is not waited for.
    ///
    /// # Errors
    /// With the statement's line and column where nothing closer is known.
    pub async fn execute(&self, statement: &SqlStatement) -> Result<StatementResult> {
        let result = Box::pin(self.execute_statement(&statement.parsed.statement)).await;
        statement.located(result)
    }

    async fn execute_statement(&self, statement: &Statement) -> Result<StatementResult> {
        match statement {
            Statement::Query(query) => {
                let plan = self.plan(query).await?;
                refuse_stream(&plan)?;
                Ok(StatementResult::Rows(DataFrame::new(
                    self.context().state(),
                    plan,
                )))
            }
            Statement::CreateTable(create) => self.create_table(&create.table).await,
            Statement::CreateTableAs(create) => {
                refuse_stream(&self.plan(&create.query).await?)?;
                Err(not_supported("CREATE TABLE … AS SELECT"))
            }
            Statement::InsertInto(insert) => {
                refuse_stream(&self.plan(&insert.query).await?)?;
                Err(not_supported("INSERT INTO"))
            }
            Statement::CreateStreamingTable(create) => self.create_streaming_table(create).await,
            Statement::CreateView(view) => self.create_view(view).await,
            Statement::Set { key, value } => self.set_statement(key, value),
            Statement::ShowSetting { key } => self.show_setting(key),
            Statement::ShowSettings => self.show_settings(),
            Statement::SetTimeZone { zone } => self.set_statement(setting::TIME_ZONE, zone),
            Statement::Reset { key } => self.reset_statement(key.as_deref()),
            Statement::DropTable { name, if_exists } => self.drop_object(name, *if_exists, false).await,
            Statement::DropView { name, if_exists } => self.drop_object(name, *if_exists, true).await,
            Statement::ShowTables { pattern } => self.show_tables(pattern.as_ref(), false).await,
            Statement::ShowViews { pattern } => self.show_tables(pattern.as_ref(), true).await,
            Statement::ShowColumns { name } => self.show_columns(name).await,
            Statement::Describe { name, extended } => self.describe(name, *extended).await,
            Statement::DescribeQuery(query) => {
                self.describe_columns(self.plan(query).await?.schema().fields(), &[])
            }
            Statement::Explain { mode, statement } => self.explain(*mode, &statement.statement).await,
            _ => Err(not_supported("this statement")),
        }
    }

    /// The plan of a query under the session's settings.
    async fn plan(&self, query: &SqlQuery) -> Result<LogicalPlan> {
        let state = self.context().state();
        Ok(plan_query(&state, query, &self.conf().sql_settings()?).await?)
    }

    /// A DataFrame of columns made here.
    fn rows(&self, columns: Vec<(&str, ArrayRef)>) -> Result<StatementResult> {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, values)| Field::new(*name, values.data_type().clone(), true))
            .collect();
        let values = columns.into_iter().map(|(_, values)| values).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), values)
            .map_err(datafusion::error::DataFusionError::from)?;
        Ok(StatementResult::Rows(self.context().read_batch(batch)?))
    }
}

/// Waits for the end of a bounded streaming table.
async fn finish(result: &StatementResult) -> Result<()> {
    if let StatementResult::Started {
        query, bounded: true, ..
    } = result
    {
        query.await_termination(None).await?;
    }
    Ok(())
}

fn refuse_stream(plan: &LogicalPlan) -> Result<()> {
    if StreamingPlan::is_streaming(plan) {
        return Err(TidemillError::invalid(
            "STREAMING_SOURCE_IN_BATCH_QUERY",
            "Queries with streaming sources must be executed with writeStream.start(); in SQL, put the query into \
             CREATE STREAMING TABLE name USING format … AS SELECT …",
        ));
    }
    Ok(())
}

fn not_supported(what: &str) -> TidemillError {
    TidemillError::unsupported("UNSUPPORTED_FEATURE", format!("{what} is not supported."))
}

fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    let values: Vec<String> = values.into_iter().map(Into::into).collect();
    Arc::new(StringArray::from(values))
}

fn optional_texts(values: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn booleans(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values.into_iter().map(Some)))
}
