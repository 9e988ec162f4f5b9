//! A view kept as text: every use plans it anew, so that each use of a stream in it is a source of its own.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::{CreateView, SqlDialect};
use crate::SqlError;

/// A view's text, registered in the catalog under its name.
///
/// Only [`plan_query`](crate::dialect::plan_query) can read it; its schema is the one it had when it was made.
#[derive(Debug)]
pub struct ViewDefinition {
    text: String,
    dialect: SqlDialect,
    columns: Vec<String>,
    temporary: bool,
    schema: SchemaRef,
}

impl ViewDefinition {
    /// The view of a statement; `schema` is that of its query's plan, before the statement's own column names.
    ///
    /// # Errors
    /// CREATE_VIEW_COLUMN_ARITY_MISMATCH where the statement names more or fewer columns than the query has.
    pub fn new(view: &CreateView, schema: SchemaRef) -> Result<Self, SqlError> {
        let count = schema.fields().len();
        if !view.columns.is_empty() && view.columns.len() != count {
            return Err(SqlError::new(
                match view.columns.len() < count {
                    true => "CREATE_VIEW_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS",
                    false => "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
                },
                format!(
                    "Cannot create view {}: it names {} columns, and its query has {count}.",
                    view.name,
                    view.columns.len()
                ),
            ));
        }
        let schema = if view.columns.is_empty() {
            schema
        } else {
            let fields: Vec<_> = schema
                .fields()
                .iter()
                .zip(&view.columns)
                .map(|(f, name)| f.as_ref().clone().with_name(name))
                .collect();
            Arc::new(arrow::datatypes::Schema::new(fields))
        };
        Ok(Self {
            text: view.query.text().to_owned(),
            dialect: view.query.dialect(),
            columns: view.columns.clone(),
            temporary: view.temporary,
            schema,
        })
    }

    /// The query's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The dialect of the text.
    pub fn dialect(&self) -> SqlDialect {
        self.dialect
    }

    /// The names the view gives to its columns; empty for the query's own.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether it was made with TEMPORARY.
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}

#[async_trait]
impl TableProvider for ViewDefinition {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Err(SqlError::new(
            "VIEW_NEEDS_PLANNING",
            "A SQL view is read through the session's sql(), which plans its text anew at each use",
        )
        .into())
    }
}
