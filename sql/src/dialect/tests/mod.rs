//! Whole queries through DataFusion, over tables in memory.

mod event_time;
mod floats;
mod generators;
mod grouping;
mod intervals;
mod names;
mod queries;
mod settings;
mod streams;
mod windows;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{DataFrame, SessionContext};

use super::{SqlQuery, SqlSettings, Statement, ViewDefinition, configure, parse_script, plan_query};
use crate::{Result, SqlError};

/// A session of the settings' dialect.
pub(crate) fn context(settings: &SqlSettings) -> SessionContext {
    SessionContext::new_with_state(configure(SessionStateBuilder::new(), settings).build())
}

/// The one query of a text.
pub(crate) fn query(text: &str, settings: &SqlSettings) -> Result<SqlQuery> {
    match parse_script(text, settings.dialect)?.pop().map(|s| s.statement) {
        Some(Statement::Query(query)) => Ok(*query),
        other => panic!("no query: {other:?}"),
    }
}

/// The rows of a query, as one batch.
pub(crate) async fn run(context: &SessionContext, text: &str, settings: &SqlSettings) -> Result<RecordBatch> {
    let state = context.state();
    let plan = plan_query(&state, &query(text, settings)?, settings).await?;
    let frame = DataFrame::new(state, plan);
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await.map_err(SqlError::from)?;
    concat_batches(&schema, &batches).map_err(|e| SqlError::new("TEST", e.to_string()))
}

/// Registers a view of this statement.
pub(crate) async fn create_view(context: &SessionContext, text: &str, settings: &SqlSettings) -> Result<()> {
    let Some(Statement::CreateView(view)) = parse_script(text, settings.dialect)?.pop().map(|s| s.statement)
    else {
        panic!("no view: {text}");
    };
    let plan = plan_query(&context.state(), &view.query, settings).await?;
    let definition = ViewDefinition::new(&view, Arc::clone(plan.schema().inner()))?;
    context
        .register_table(view.name.clone(), Arc::new(definition))
        .unwrap();
    Ok(())
}

/// Registers a table of the rows of a query.
pub(crate) async fn create_table(context: &SessionContext, name: &str, text: &str) {
    let batch = run(context, text, &SqlSettings::default()).await.unwrap();
    let table = datafusion::catalog::MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    context.register_table(name, Arc::new(table)).unwrap();
}

/// The names of a batch's columns.
pub(crate) fn columns(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|f| f.name().clone()).collect()
}

/// The rows as text, one a line, values with `|` between them.
pub(crate) fn lines(batch: &RecordBatch) -> Vec<String> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|c| ArrayFormatter::try_new(c, &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            columns
                .iter()
                .map(|c| c.value(row).to_string())
                .collect::<Vec<_>>()
                .join("|")
        })
        .collect()
}
