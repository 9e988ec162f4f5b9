//! Plans generators: a column of arrays of rows is unnested, and its structs' fields become columns.

use datafusion::common::{
    Column, DataFusionError, ExprSchema, Result as DataFusionResult, TableReference, UnnestOptions,
};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, Join, JoinConstraint, JoinOperator, Query, SetExpr,
    TableFactor, TableFunctionArgs, TableWithJoins, Value, ValueWithSpan,
};

use arrow::datatypes::DataType;

use super::tokens::NAME_SEPARATOR;
use crate::SqlError;

/// The reserved table function over a query whose list has generators.
pub(crate) const GENERATE_FUNCTION: &str = "__tidemill_generate";

/// The reserved table function of a LATERAL VIEW: FROM as a query, the generator, the view's name, its columns' names.
pub(crate) const LATERAL_FUNCTION: &str = "__tidemill_lateral_view";

/// The start of the name of a column of generated rows; a number, and the names of its columns follow.
pub(crate) const GENERATED_COLUMN: &str = "__generated ";

/// Plans a query whose list has generators.
pub(crate) fn select_list(
    args: &TableFunctionArgs,
    context: &mut dyn RelationPlannerContext,
) -> DataFusionResult<LogicalPlan> {
    let [query] = args.args.as_slice() else {
        return Err(internal());
    };
    let mut plan = context.plan(TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query_of(query).ok_or_else(internal)?.clone()),
        alias: None,
        sample: None,
    })?;
    let generated: Vec<Column> = plan
        .schema()
        .columns()
        .into_iter()
        .filter(|c| c.name.starts_with(GENERATED_COLUMN))
        .collect();
    for column in generated {
        let names: Vec<String> = column
            .name
            .split(NAME_SEPARATOR)
            .skip(1)
            .map(str::to_owned)
            .collect();
        plan = expanded(plan, &column, None, &names)?;
    }
    Ok(plan)
}

/// Plans FROM with a LATERAL VIEW.
pub(crate) fn lateral_view(
    args: &TableFunctionArgs,
    context: &mut dyn RelationPlannerContext,
) -> DataFusionResult<LogicalPlan> {
    let [query, call, texts @ ..] = args.args.as_slice() else {
        return Err(internal());
    };
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(call)) = call else {
        return Err(internal());
    };
    let mut texts = texts.iter().filter_map(text_of);
    let view = texts.next().ok_or_else(internal)?;
    let names: Vec<String> = texts.collect();
    let from = match query_of(query).map(|q| q.body.as_ref()) {
        Some(SetExpr::Select(select)) => select.from.clone(),
        _ => return Err(internal()),
    };
    let plan = match joined(from) {
        Some(from) => context.plan(TableFactor::NestedJoin {
            table_with_joins: Box::new(from),
            alias: None,
        })?,
        None => LogicalPlanBuilder::empty(true).build()?,
    };
    let rows = context.sql_to_expr(call.clone(), plan.schema())?;
    let column = Column::from_name(GENERATED_COLUMN);
    let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(rows.alias(GENERATED_COLUMN));
    let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
    expanded(plan, &column, Some(TableReference::bare(view)), &names)
}

/// The relations of FROM as one, in their order.
fn joined(from: Vec<TableWithJoins>) -> Option<TableWithJoins> {
    let mut from = from.into_iter();
    let mut first = from.next()?;
    first.joins.extend(from.map(|other| Join {
        relation: TableFactor::NestedJoin {
            table_with_joins: Box::new(other),
            alias: None,
        },
        global: false,
        join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
    }));
    Some(first)
}

/// Makes a row of each element of the column, and columns of its fields, in the column's place.
fn expanded(
    plan: LogicalPlan,
    column: &Column,
    view: Option<TableReference>,
    names: &[String],
) -> DataFusionResult<LogicalPlan> {
    let options = UnnestOptions::new().with_preserve_nulls(false);
    let plan = LogicalPlanBuilder::from(plan)
        .unnest_column_with_options(column.clone(), options)?
        .build()?;
    let DataType::Struct(fields) = plan.schema().field_from_column(column)?.data_type().clone() else {
        return Err(internal());
    };
    if !names.is_empty() && names.len() != fields.len() {
        return Err(SqlError::new(
            "UDTF_ALIAS_NUMBER_MISMATCH",
            format!(
                "The number of aliases supplied in the AS clause does not match the number of columns output by the \
                 UDTF. Expected {} aliases, but got {}.",
                fields.len(),
                names.join(",")
            ),
        )
        .into());
    }
    let mut out = Vec::new();
    for other in plan.schema().columns() {
        if other != *column {
            out.push(Expr::Column(other));
            continue;
        }
        for (at, field) in fields.iter().enumerate() {
            let name = names
                .get(at)
                .cloned()
                .unwrap_or_else(|| field.name().to_lowercase());
            let value = get_field(Expr::Column(other.clone()), field.name().as_str());
            out.push(value.alias_qualified(view.clone(), name));
        }
    }
    LogicalPlanBuilder::from(plan).project(out)?.build()
}

/// The query among the arguments of a reserved table function.
pub(crate) fn query_of(arg: &FunctionArg) -> Option<&Query> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(SqlExpr::Subquery(query))) => Some(query),
        _ => None,
    }
}

fn text_of(arg: &FunctionArg) -> Option<String> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(SqlExpr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(text),
            ..
        }))) => Some(text.clone()),
        _ => None,
    }
}

fn internal() -> DataFusionError {
    DataFusionError::Internal("a generator without its parts".to_owned())
}
