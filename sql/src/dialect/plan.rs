//! From a parsed query to a logical plan: relations first, then the dialect's rules, then DataFusion's planner, then names.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;

use super::context::StatementContext;
use super::relations::{self, PreparedRelations, RelationRequest};
use super::tokens::StreamClause;
use super::{SqlDialect, SqlQuery, SqlSettings, Statement, ViewDefinition, ast, names, parse_script};
use crate::{Result, SourceId, SqlError, StreamableTable, StreamingRelation, mark_statement_repeats};

/// How deep views may stand on views; more is taken for a loop.
const MAX_VIEW_DEPTH: usize = 100;

/// Plans a query with the session's tables and functions.
///
/// The plan's columns have the names of the text (those of the schema under `*`). Every `STREAM` in it, also inside
/// views, is a [`StreamingRelation`] with a new [`SourceId`](crate::SourceId).
///
/// # Errors
/// What Spark refuses, and what of Spark is not supported, by name; a position where one is known.
pub async fn plan_query(
    state: &SessionState,
    query: &SqlQuery,
    settings: &SqlSettings,
) -> Result<LogicalPlan> {
    // Every source of this statement, views included, has a later id than this one.
    let since = SourceId::next();
    let plan = plan_at_depth(state, query, settings, 0).await?;
    mark_statement_repeats(plan, since)
}

async fn plan_at_depth(
    state: &SessionState,
    query: &SqlQuery,
    settings: &SqlSettings,
    depth: usize,
) -> Result<LogicalPlan> {
    let settings = SqlSettings {
        dialect: query.dialect(),
        ..settings.clone()
    };
    let mut folded = query.folded.clone();
    let requests = relations::take(&mut folded, &query.streams, settings.dialect)?;
    let mut plans = Vec::with_capacity(requests.len());
    let mut columns = Vec::with_capacity(requests.len());
    for request in &requests {
        let plan = relation(state, request, &query.streams, &settings, depth).await?;
        columns.push(names::columns_of(&plan));
        plans.push(Arc::new(match settings.dialect {
            SqlDialect::Spark => names::fold_columns(plan)?,
            SqlDialect::DataFusion => plan,
        }));
    }
    let known = names::known_columns(&plans, &settings);
    if settings.dialect == SqlDialect::Spark {
        let own = ast::OwnFunctions {
            scalar: state.scalar_functions(),
            aggregate: state.aggregate_functions(),
        };
        ast::rewrite(&mut folded, &known, &own)?;
    }
    let planner: Arc<PreparedRelations> = Arc::new(PreparedRelations::new(plans, &settings));
    let context = StatementContext::new(state, &settings, planner);
    let to_relation = SqlToRel::new_with_options(&context, parser_options(state, &settings));
    let plan = to_relation
        .sql_statement_to_plan(SqlStatement::Query(folded))
        .map_err(|e| names::planning_error(&e, &query.spelled))?;
    match settings.dialect {
        SqlDialect::Spark => {
            let plan = super::analyzer::finish(plan, &settings)?;
            let mut spelled = query.spelled.clone();
            relations::take(&mut spelled, &query.streams, settings.dialect)?;
            names::restore(plan, &spelled, &columns, &known)
        }
        SqlDialect::DataFusion => Ok(plan),
    }
}

fn parser_options(state: &SessionState, settings: &SqlSettings) -> ParserOptions {
    let options =
        ParserOptions::from(&state.config_options().sql_parser).with_map_string_types_to_utf8view(false);
    match settings.dialect {
        SqlDialect::Spark => options
            .with_enable_ident_normalization(true)
            .with_parse_float_as_decimal(true)
            .with_default_null_ordering(datafusion::sql::planner::NullOrdering::NullsMin),
        SqlDialect::DataFusion => options,
    }
}

/// The plan of one relation, with the table's own column names.
async fn relation(
    state: &SessionState,
    request: &RelationRequest,
    streams: &[StreamClause],
    settings: &SqlSettings,
    depth: usize,
) -> Result<LogicalPlan> {
    match request {
        RelationRequest::Table { name, position } => {
            let at = |e: SqlError| e.at(position.0, position.1);
            let provider = find_table(state, name)
                .await?
                .ok_or_else(|| at(not_found(name)))?;
            if let Some(view) = provider.downcast_ref::<ViewDefinition>() {
                return Box::pin(view_plan(state, name, view, settings, depth))
                    .await
                    .map_err(at);
            }
            Ok(LogicalPlanBuilder::scan(name.clone(), provider_as_source(provider), None)?.build()?)
        }
        RelationRequest::Range(range) => range.plan(),
        RelationRequest::Stream(number) => {
            let clause = streams
                .get(*number)
                .ok_or_else(|| SqlError::new("INTERNAL_ERROR", "a STREAM without its clause"))?;
            stream(state, clause).await.map_err(|e| match e.position {
                Some(_) => e,
                None => e.at(clause.position.0, clause.position.1),
            })
        }
    }
}

async fn stream(state: &SessionState, clause: &StreamClause) -> Result<LogicalPlan> {
    let parts: Vec<String> = clause.table.iter().map(|p| p.to_lowercase()).collect();
    let name = super::statements::table_reference(&parts)?;
    let provider = find_table(state, &name).await?.ok_or_else(|| not_found(&name))?;
    let Some(table) = provider.downcast_ref::<StreamableTable>() else {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE.STREAM_OF_TABLE",
            format!(
                "{name} cannot be read as a stream: only a table made with CREATE TABLE … USING can; \
                 a view that reads a stream is used without STREAM."
            ),
        ));
    };
    let definition = if clause.options.is_empty() {
        Arc::clone(table.stream())
    } else {
        table.stream().with_options(&clause.options)?
    };
    let relation = StreamingRelation::new(definition, clause.name.clone());
    Ok(LogicalPlanBuilder::scan(
        TableReference::bare(name.table()),
        provider_as_source(Arc::new(relation)),
        None,
    )?
    .build()?)
}

async fn view_plan(
    state: &SessionState,
    name: &TableReference,
    view: &ViewDefinition,
    settings: &SqlSettings,
    depth: usize,
) -> Result<LogicalPlan> {
    if depth >= MAX_VIEW_DEPTH {
        return Err(SqlError::new(
            "VIEW_EXCEED_MAX_NESTED_DEPTH",
            format!("The depth of view {name} exceeds the maximum view resolution depth ({MAX_VIEW_DEPTH})."),
        ));
    }
    let mut statements = parse_script(view.text(), view.dialect())?;
    let Some(Statement::Query(query)) = statements.pop().map(|s| s.statement) else {
        return Err(SqlError::new(
            "INTERNAL_ERROR",
            format!("view {name} is no query"),
        ));
    };
    let mut plan = plan_at_depth(state, &query, settings, depth + 1)
        .await
        .map_err(|e| SqlError::new(e.condition, format!("{} (in view {name})", e.message)))?;
    if !view.columns().is_empty() {
        plan = names::rename(plan, view.columns())?;
    }
    Ok(LogicalPlanBuilder::from(plan)
        .alias(TableReference::bare(name.table()))?
        .build()?)
}

/// The table of this name, found without regard to case.
async fn find_table(state: &SessionState, name: &TableReference) -> Result<Option<Arc<dyn TableProvider>>> {
    let Ok(schema) = state.schema_for_ref(name.clone()) else {
        return Ok(None);
    };
    if let Some(table) = schema.table(name.table()).await? {
        return Ok(Some(table));
    }
    let wanted = name.table().to_lowercase();
    let Some(other) = schema
        .table_names()
        .into_iter()
        .find(|n| n.to_lowercase() == wanted)
    else {
        return Ok(None);
    };
    Ok(schema.table(&other).await?)
}

fn not_found(name: &TableReference) -> SqlError {
    SqlError::new(
        "TABLE_OR_VIEW_NOT_FOUND",
        format!(
            "The table or view `{name}` cannot be found. Make it with CREATE TABLE or CREATE VIEW before it is used."
        ),
    )
}
