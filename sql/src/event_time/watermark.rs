//! Puts a watermark over a plan, with Spark's checks of the column.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, ExprSchema};
use datafusion::logical_expr::LogicalPlan;

use super::{is_event_time_type, parse_delay_ms};
use crate::dialect::spark_type_name;
use crate::logical::EventTimeWatermark;
use crate::{Result, SqlError, StreamingPlan};

/// The plan with a watermark: `column` carries the event time, and a row may be late by `delay` (such as `10 minutes`).
///
/// Over a plan that reads no stream the arguments are checked and the plan stays as it is.
///
/// # Errors
/// CANNOT_PARSE_INTERVAL or NEGATIVE_WATERMARK_DELAY for the delay; UNRESOLVED_COLUMN.WITH_SUGGESTION,
/// AMBIGUOUS_REFERENCE, EVENT_TIME_MUST_BE_TOP_LEVEL_COLUMN or EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE for the column.
pub fn with_watermark(plan: LogicalPlan, column: &str, delay: &str) -> Result<LogicalPlan> {
    let delay_ms = parse_delay_ms(delay)?;
    let column = resolve(&plan, column)?;
    watermark_on(plan, column, delay_ms)
}

/// The plan with a watermark on a column of its schema.
pub(crate) fn watermark_on(plan: LogicalPlan, column: Column, delay_ms: i64) -> Result<LogicalPlan> {
    let field = plan.schema().field_from_column(&column)?;
    check_type(field)?;
    if !StreamingPlan::is_streaming(&plan) {
        return Ok(plan);
    }
    Ok(EventTimeWatermark::try_new(Arc::new(plan), column, delay_ms)?.into_plan())
}

fn check_type(field: &Field) -> Result<()> {
    if is_event_time_type(field.data_type()) {
        return Ok(());
    }
    Err(SqlError::new(
        "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
        format!(
            "The event time `{}` has the invalid type \"{}\", but expected \"TIMESTAMP\".",
            field.name(),
            spark_type_name(field.data_type())
        ),
    ))
}

/// The one column of this name, in any case, with its qualifier or without.
fn resolve(plan: &LogicalPlan, name: &str) -> Result<Column> {
    let schema = plan.schema();
    let matching = |wanted: &dyn Fn(&Column) -> bool| -> Vec<Column> {
        schema.columns().into_iter().filter(wanted).collect()
    };
    let lower = name.to_lowercase();
    for found in [
        matching(&|column| column.name == name),
        matching(&|column| column.name.to_lowercase() == lower),
        matching(&|column| column.flat_name().to_lowercase() == lower),
    ] {
        match found.as_slice() {
            [] => {}
            [only] => return Ok(only.clone()),
            _ => {
                return Err(SqlError::new(
                    "AMBIGUOUS_REFERENCE",
                    format!("Reference `{name}` is ambiguous: it fits more than one column."),
                ));
            }
        }
    }
    let nested = name.split_once('.').is_some_and(|(first, _)| {
        schema.fields().iter().any(|field| {
            field.name().eq_ignore_ascii_case(first) && matches!(field.data_type(), DataType::Struct(_))
        })
    });
    if nested {
        return Err(SqlError::new(
            "EVENT_TIME_MUST_BE_TOP_LEVEL_COLUMN",
            format!(
                "The event time in withWatermark must be a top-level column, but '{name}' is a nested field. To use it, alias it to a top-level column in a select before withWatermark."
            ),
        ));
    }
    let names: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("`{}`", field.name()))
        .collect();
    Err(SqlError::new(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        format!(
            "A column, variable, or function parameter with name `{name}` cannot be resolved. Columns: [{}].",
            names.join(", ")
        ),
    ))
}
