//! Puts a watermark over a plan, with Spark's checks of the column.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, ExprSchema};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};

use super::{is_event_time_type, parse_delay_ms};
use crate::dialect::spark_type_name;
use crate::logical::EventTimeWatermark;
use crate::{Result, SqlError, StreamingPlan};

/// The plan with a watermark: `column` carries the event time, and a row may be late by `delay` (such as `10 minutes`).
///
/// A plan that reads no stream stays as it is; the column's type is then not looked at, as in Spark.
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
    if !StreamingPlan::is_streaming(&plan) {
        return Ok(plan);
    }
    check_type(plan.schema().field_from_column(&column)?)?;
    Ok(EventTimeWatermark::try_new(Arc::new(plan), column, delay_ms)?.into_plan())
}

/// The plan with a watermark on the column that SQL names so: `a`, `relation.a`, or the field of a struct, which becomes the
/// first column.
pub(crate) fn watermark_of_path(plan: LogicalPlan, path: &[&str], delay_ms: i64) -> Result<LogicalPlan> {
    let lower: Vec<String> = path.iter().map(|part| part.to_lowercase()).collect();
    let known = |column: &Column| column.name.to_lowercase();
    let qualified = |column: &Column| {
        let relation = column
            .relation
            .as_ref()
            .map(|relation| relation.table().to_lowercase());
        relation.as_ref() == lower.first() && Some(&known(column)) == lower.get(1)
    };
    let columns = plan.schema().columns();
    let (base, fields) = match (lower.as_slice(), columns.iter().find(|column| qualified(column))) {
        ([_, _, fields @ ..], Some(column)) => (column.clone(), fields),
        ([first, fields @ ..], _) => (resolve(&plan, first)?, fields),
        ([], _) => return Err(SqlError::new("INTERNAL_ERROR", "a watermark without a column")),
    };
    let Some(last) = fields.last() else {
        return watermark_on(plan, base, delay_ms);
    };
    let mut value = Expr::Column(base);
    for field in fields {
        let found = match value.get_type(plan.schema().as_ref())? {
            DataType::Struct(known) => known
                .iter()
                .find(|known| known.name().to_lowercase() == *field)
                .cloned(),
            _ => None,
        };
        let found = found.ok_or_else(|| {
            SqlError::new(
                "FIELD_NOT_FOUND",
                format!("No such struct field `{field}` in {}.", path.join(".")),
            )
        })?;
        value = get_field(value, found.name().as_str());
    }
    let mut exprs = vec![value.alias(last)];
    exprs.extend(columns.into_iter().map(Expr::Column));
    let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
    watermark_on(plan, Column::from_name(last), delay_ms)
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
