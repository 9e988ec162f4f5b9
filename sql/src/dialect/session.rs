//! Setting up a session for a dialect: functions, planners, names of the default catalog.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;

use super::{SqlDialect, SqlSettings, functions};
use crate::functions::ResolveTimeWindows;

/// Spark's name for the catalog of a session.
const CATALOG: &str = "spark_catalog";

/// Spark's name for the schema that is there from the start.
const SCHEMA: &str = "default";

/// The builder with the dialect's functions and planners.
///
/// `window(…)` is resolved in both, also in plans of the builder. In `datafusion` everything of DataFusion is there; in `spark` only the checked list, and what is registered later.
/// The settings are those at the start: [`plan_query`](super::plan_query) takes its own with each statement.
#[must_use]
pub fn configure(builder: SessionStateBuilder, settings: &SqlSettings) -> SessionStateBuilder {
    let mut builder = builder.with_default_features();
    let config = builder.config().take().unwrap_or_default();
    let mut config = config
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(true);
    let options = config.options_mut();
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.time_zone = Some(settings.time_zone.clone());
    if settings.dialect == SqlDialect::Spark {
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.default_null_ordering = "nulls_min".to_owned();
        let functions = functions::of(settings);
        *builder.scalar_functions() = Some(functions.all_scalar());
        *builder.aggregate_functions() = Some(functions.all_aggregate());
        *builder.window_functions() = Some(Vec::new());
        *builder.higher_order_functions() = Some(Vec::new());
        *builder.table_functions() = Some(HashMap::new());
    }
    builder
        .with_config(config)
        .with_analyzer_rule(Arc::new(ResolveTimeWindows))
}
