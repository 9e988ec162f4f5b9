//! CREATE TABLE, CREATE VIEW, DROP, SHOW, DESCRIBE: the session's catalog, which lives as long as the session.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Fields, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::TableReference;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use tidemill_sql::StreamableTable;
use tidemill_sql::dialect::{
    COMMENT_KEY, CreateView, NamePattern, TableClauses, ViewDefinition, simple_type_of,
};

use super::options::table_options;
use super::{StatementResult, booleans, optional_texts, texts};
use crate::source::SourceDefinition;
use crate::{Options, Result, StreamingSession, TidemillError};

impl StreamingSession {
    pub(super) async fn create_table(&self, clauses: &TableClauses) -> Result<StatementResult> {
        if self.exists(&clauses.name, clauses.if_not_exists)? {
            return Ok(StatementResult::done());
        }
        check_partition_columns(clauses)?;
        let format = clauses.format.as_deref().unwrap_or("parquet");
        let table = self
            .streamable_table(
                format,
                clauses.columns.clone(),
                table_options(clauses)?,
                &clauses.partition_by,
            )
            .await?;
        self.context().register_table(clauses.name.clone(), table)?;
        Ok(StatementResult::done())
    }

    /// A source as a table that can be read both ways.
    pub(super) async fn streamable_table(
        &self,
        format: &str,
        schema: Option<SchemaRef>,
        options: Options,
        partition_by: &[String],
    ) -> Result<Arc<StreamableTable>> {
        let definition =
            SourceDefinition::resolve_table(format, schema, options, self.context(), &self.conf())
                .await?
                .partitioned_by(partition_by);
        let batch = match definition.batch_table() {
            Ok(batch) => batch,
            Err(error) => Arc::new(StreamOnly {
                schema: definition.schema(),
                error,
            }),
        };
        Ok(Arc::new(StreamableTable::new(batch, definition)))
    }

    /// Whether the name is taken; an error where it must not be.
    pub(super) fn exists(&self, name: &TableReference, allowed: bool) -> Result<bool> {
        let exists = self.context().table_exist(name.clone())?;
        if exists && !allowed {
            return Err(already_exists("TABLE_OR_VIEW_ALREADY_EXISTS", name));
        }
        Ok(exists)
    }

    pub(super) async fn create_view(&self, view: &CreateView) -> Result<StatementResult> {
        if self.exists(
            &view.name,
            view.if_not_exists || view.or_replace || view.temporary,
        )? {
            if view.if_not_exists {
                return Ok(StatementResult::done());
            }
            if !view.or_replace {
                return Err(already_exists("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", &view.name));
            }
        }
        let plan = self.plan(&view.query).await?;
        let definition = ViewDefinition::new(view, Arc::clone(plan.schema().inner()))?;
        if view.or_replace && self.exists(&view.name, true)? {
            self.check_kind(&view.name, true).await?;
            self.context().deregister_table(view.name.clone())?;
        }
        self.context()
            .register_table(view.name.clone(), Arc::new(definition))?;
        Ok(StatementResult::done())
    }

    /// DROP TABLE and DROP VIEW: the name goes, files and running queries stay.
    pub(super) async fn drop_object(
        &self,
        name: &TableReference,
        if_exists: bool,
        view: bool,
    ) -> Result<StatementResult> {
        if !self.context().table_exist(name.clone())? {
            if if_exists {
                return Ok(StatementResult::done());
            }
            return Err(crate::session::table_not_found(name.table()));
        }
        self.check_kind(name, view).await?;
        self.context().deregister_table(name.clone())?;
        Ok(StatementResult::done())
    }

    async fn check_kind(&self, name: &TableReference, view: bool) -> Result<()> {
        let provider = self.context().table_provider(name.clone()).await?;
        let is_view = as_view(provider.as_ref()).is_some();
        if is_view == view {
            return Ok(());
        }
        let (condition, is, wanted) = if is_view {
            ("EXPECT_TABLE_NOT_VIEW", "a view", "DROP VIEW")
        } else {
            ("WRONG_COMMAND_FOR_OBJECT_TYPE", "a table", "DROP TABLE")
        };
        Err(TidemillError::invalid(
            condition,
            format!("{name} is {is}; drop it with {wanted}."),
        ))
    }

    pub(super) async fn show_tables(
        &self,
        pattern: Option<&NamePattern>,
        views_only: bool,
    ) -> Result<StatementResult> {
        let catalog = self
            .context()
            .copied_config()
            .options()
            .catalog
            .default_catalog
            .clone();
        let (mut namespaces, mut names, mut temporary) = (Vec::new(), Vec::new(), Vec::new());
        let Some(catalog) = self.context().catalog(&catalog) else {
            return Err(TidemillError::internal("the session has no catalog"));
        };
        for namespace in catalog.schema_names() {
            let Some(schema) = catalog.schema(&namespace) else {
                continue;
            };
            let mut tables = schema.table_names();
            tables.retain(|name| pattern.is_none_or(|pattern| pattern.matches(name)));
            tables.sort_unstable();
            for table in tables {
                let Some(provider) = schema.table(&table).await? else {
                    continue;
                };
                let view = as_view(provider.as_ref());
                if views_only && view.is_none() {
                    continue;
                }
                let is_temporary = view.is_some_and(ViewDefinition::is_temporary);
                temporary.push(is_temporary);
                names.push(table);
                namespaces.push(if is_temporary {
                    String::new()
                } else {
                    namespace.clone()
                });
            }
        }
        let name = if views_only { "viewName" } else { "tableName" };
        self.rows(vec![
            ("namespace", texts(namespaces)),
            (name, texts(names)),
            ("isTemporary", booleans(temporary)),
        ])
    }

    pub(super) async fn describe(&self, name: &TableReference, extended: bool) -> Result<StatementResult> {
        let provider = self.provider(name).await?;
        let mut more = Vec::new();
        if extended {
            more.push((String::new(), String::new()));
            more.push(("# Detailed Table Information".to_owned(), String::new()));
            more.extend(details(provider.as_ref()));
        }
        self.describe_columns(provider.schema().fields(), &more)
    }

    pub(super) async fn show_columns(&self, name: &TableReference) -> Result<StatementResult> {
        let schema = self.provider(name).await?.schema();
        let names = schema.fields().iter().map(|f| f.name().clone());
        self.rows(vec![("col_name", texts(names))])
    }

    async fn provider(&self, name: &TableReference) -> Result<Arc<dyn TableProvider>> {
        if !self.context().table_exist(name.clone())? {
            return Err(crate::session::table_not_found(name.table()));
        }
        Ok(self.context().table_provider(name.clone()).await?)
    }

    /// A row for each column: name, type and comment; and more rows of two texts.
    pub(super) fn describe_columns(
        &self,
        fields: &Fields,
        more: &[(String, String)],
    ) -> Result<StatementResult> {
        let column = |field: &FieldRef| {
            let comment = field.metadata().get(COMMENT_KEY).cloned();
            (field.name().clone(), simple_type_of(field), comment)
        };
        let mut rows: Vec<(String, String, Option<String>)> = fields.iter().map(column).collect();
        rows.extend(more.iter().map(|(key, value)| (key.clone(), value.clone(), None)));
        self.rows(vec![
            ("col_name", texts(rows.iter().map(|r| r.0.clone()))),
            ("data_type", texts(rows.iter().map(|r| r.1.clone()))),
            ("comment", optional_texts(rows.into_iter().map(|r| r.2))),
        ])
    }
}

fn already_exists(condition: &'static str, name: &TableReference) -> TidemillError {
    let text = format!(
        "Cannot create table or view {name} because it already exists. Choose another name, or drop it first."
    );
    TidemillError::invalid(condition, text)
}

fn as_view(provider: &dyn TableProvider) -> Option<&ViewDefinition> {
    (provider as &dyn Any).downcast_ref()
}

/// What DESCRIBE EXTENDED adds.
fn details(provider: &dyn TableProvider) -> Vec<(String, String)> {
    let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    if let Some(view) = as_view(provider) {
        return vec![own("Type", "VIEW"), own("View Text", view.text())];
    }
    let mut out = vec![own("Type", "EXTERNAL")];
    let Some(table) = (provider as &dyn Any).downcast_ref::<StreamableTable>() else {
        return out;
    };
    if let Some(source) = crate::source::definition(table.stream().as_ref()) {
        out.push(own("Provider", source.format()));
        if let Some(path) = source.path() {
            out.push(("Location".to_owned(), path.to_description()));
        }
    }
    out
}

fn check_partition_columns(clauses: &TableClauses) -> Result<()> {
    let Some(columns) = &clauses.columns else {
        return Ok(());
    };
    for name in &clauses.partition_by {
        if !columns
            .fields()
            .iter()
            .any(|f| f.name().eq_ignore_ascii_case(name))
        {
            return Err(TidemillError::invalid(
                "COLUMN_NOT_DEFINED_IN_TABLE",
                format!(
                    "The column {name} of PARTITIONED BY is not defined in table {}.",
                    clauses.name
                ),
            ));
        }
    }
    Ok(())
}

/// The batch side of a source that can only be streamed.
#[derive(Debug)]
struct StreamOnly {
    schema: SchemaRef,
    error: TidemillError,
}

#[async_trait]
impl TableProvider for StreamOnly {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Err(self.error.clone().into())
    }
}
