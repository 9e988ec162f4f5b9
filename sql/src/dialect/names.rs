//! Names without regard to case: plans hold lower-case names, the outermost query gives back the text's spelling.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{GroupByExpr, Query, Select, Visitor};

use super::SqlSettings;
use super::ast::{GENERATED, KnownColumns, output_names};
use super::walk::walk;
use crate::{Result, SqlError};

/// The names of a plan's columns.
pub(crate) fn columns_of(plan: &LogicalPlan) -> Vec<String> {
    plan.schema().fields().iter().map(|f| f.name().clone()).collect()
}

/// What names of columns depend on, beside the text.
pub(crate) fn known_columns(plans: &[Arc<LogicalPlan>], settings: &SqlSettings) -> KnownColumns {
    let named = |is: fn(&DataType) -> bool| {
        let fields = plans.iter().flat_map(|plan| plan.schema().fields().iter());
        let chosen = fields.filter(|f| is(f.data_type()));
        chosen.map(|f| f.name().to_lowercase()).collect()
    };
    let mut types: HashMap<String, DataType> = HashMap::new();
    for field in plans.iter().flat_map(|plan| plan.schema().fields().iter()) {
        let data_type = types
            .entry(field.name().to_lowercase())
            .or_insert_with(|| field.data_type().clone());
        if data_type != field.data_type() {
            // What it is depends on the relation that is meant.
            *data_type = DataType::Null;
        }
    }
    KnownColumns {
        types,
        ansi: settings.ansi,
        dates: named(|t| *t == DataType::Date32),
        times: named(|t| t.is_temporal() && *t != DataType::Date32),
        zone: settings.zone(),
    }
}

/// The relation with its columns' names in lower case; the source below keeps its own.
///
/// # Errors
/// COLUMN_ALREADY_EXISTS for two columns that differ in case only.
pub(crate) fn fold_columns(plan: LogicalPlan) -> Result<LogicalPlan> {
    let names = columns_of(&plan);
    let lower: Vec<String> = names.iter().map(|n| n.to_lowercase()).collect();
    for (at, name) in lower.iter().enumerate() {
        if lower.iter().skip(at + 1).any(|other| other == name) {
            return Err(SqlError::new(
                "COLUMN_ALREADY_EXISTS",
                format!(
                    "The column `{name}` already exists. Choose another name or rename the existing column."
                ),
            ));
        }
    }
    if names == lower {
        return Ok(plan);
    }
    rename(plan, &lower)
}

/// The plan with other names for its columns.
pub(crate) fn rename(plan: LogicalPlan, names: &[String]) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    let qualified = columns
        .into_iter()
        .zip(names)
        .map(|(column, name)| {
            let relation = column.relation.clone();
            if column.name == *name {
                Expr::Column(column)
            } else {
                match relation {
                    Some(relation) => Expr::Column(column).alias_qualified(Some(relation), name),
                    None => Expr::Column(column).alias(name),
                }
            }
        })
        .collect::<Vec<_>>();
    Ok(LogicalPlanBuilder::from(plan).project(qualified)?.build()?)
}

/// The plan with the columns' names as the text spells them, those under `*` as their tables do.
pub(crate) fn restore(
    plan: LogicalPlan,
    spelled: &Query,
    tables: &[Vec<String>],
    known: &KnownColumns,
) -> Result<LogicalPlan> {
    let names = columns_of(&plan);
    let Some(wanted) = output_names(spelled, tables, known) else {
        return Ok(plan);
    };
    let Some(wanted) = with_generated(wanted, names.len()) else {
        return Ok(plan);
    };
    // A spelling is only taken for the very name the plan has.
    let fits = wanted.len() == names.len()
        && wanted.iter().zip(&names).enumerate().all(|(at, (w, n))| {
            // VALUES: DataFusion's own names for its columns.
            let values = *n == format!("column{}", at + 1) && w.as_ref() == Some(&format!("col{}", at + 1));
            values || w.as_ref().is_none_or(|w| w.to_lowercase() == n.to_lowercase())
        });
    if !fits {
        return Ok(plan);
    }
    let wanted: Vec<String> = wanted
        .into_iter()
        .zip(&names)
        .map(|(w, n)| w.unwrap_or_else(|| n.clone()))
        .collect();
    if wanted == names {
        return Ok(plan);
    }
    rename(plan, &wanted)
}

/// The names with as many places for a generator's columns as the plan has more; `None` for several such generators.
fn with_generated(wanted: Vec<Option<String>>, count: usize) -> Option<Vec<Option<String>>> {
    let is_generated = |name: &Option<String>| name.as_deref() == Some(GENERATED);
    let Some(at) = wanted.iter().position(is_generated) else {
        return Some(wanted);
    };
    let more = (count + 1).checked_sub(wanted.len())?;
    let mut out = wanted;
    out.splice(at..=at, std::iter::repeat_n(None, more));
    (!out.iter().any(is_generated)).then_some(out)
}

/// An error of DataFusion's planner on a query, with Spark's condition where it has one.
pub(crate) fn planning_error(error: &DataFusionError, query: &Query) -> SqlError {
    if let Some(ours) = SqlError::find(error) {
        return ours.clone();
    }
    match error.find_root() {
        DataFusionError::SchemaError(schema_error, _) => match schema_error.as_ref() {
            SchemaError::AmbiguousReference { field } => SqlError::new(
                "AMBIGUOUS_REFERENCE",
                format!(
                    "Reference `{}` is ambiguous: it fits more than one column.",
                    field.flat_name()
                ),
            ),
            SchemaError::FieldNotFound { field, valid_fields } => {
                let names: Vec<String> = valid_fields.iter().map(|c| format!("`{}`", c.name)).collect();
                SqlError::new(
                    "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                    format!(
                        "A column, variable, or function parameter with name `{}` cannot be resolved. Columns: [{}].",
                        field.flat_name(),
                        names.join(", ")
                    ),
                )
            }
            other => SqlError::new("PLANNING_ERROR", other.to_string()),
        },
        root => {
            let text = root.strip_backtrace();
            match text.find("No function matches").and_then(|at| text.get(at..)) {
                Some(rest) => SqlError::new(
                    "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                    rest.lines().next().unwrap_or(rest),
                ),
                None => SqlError::new(condition_of(&text, query), text),
            }
        }
    }
}

/// Whether any SELECT of the query groups.
fn holds_group_by(query: &Query) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();

        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
            match &select.group_by {
                GroupByExpr::Expressions(keys, _) if keys.is_empty() => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        }
    }
    walk(query, &mut Finder).is_break()
}

/// Spark's condition for an error of the planner that has nothing but its words.
fn condition_of(text: &str, query: &Query) -> &'static str {
    const CONDITIONS: [(&str, &str); 10] = [
        (
            "must be in GROUP BY or an aggregate function",
            "MISSING_AGGREGATION",
        ),
        (
            "filter with non-boolean predicate",
            "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
        ),
        ("queries have different number of columns", "NUM_COLUMNS_MISMATCH"),
        ("Cannot find column with position", "GROUP_BY_POS_OUT_OF_RANGE"),
        ("Order by column out of bounds", "ORDER_BY_POS_OUT_OF_RANGE"),
        ("Order by index starts at 1", "ORDER_BY_POS_OUT_OF_RANGE"),
        ("specified more than once", "DUPLICATED_CTE_NAMES"),
        (
            "Unary operator 'NOT' requires a boolean",
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        (
            "QUALIFY clause requires window functions",
            "QUALIFY_REQUIRES_WINDOW_FUNCTION",
        ),
        (
            "subquery should only return one column",
            "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
        ),
    ];
    let known = CONDITIONS.iter().find(|(words, _)| text.contains(words));
    match known.map_or("PLANNING_ERROR", |(_, condition)| *condition) {
        "MISSING_AGGREGATION" if !holds_group_by(query) => "MISSING_GROUP_BY",
        condition => condition,
    }
}
