//! `UNION`, `INTERSECT` and `EXCEPT`: their branches meet in Spark's types before anything above them is planned.
//!
//! DataFusion settles the types of branches after all else, when expressions over a union have already been planned with the
//! types of its first branch. So every set operation is put into a `FROM`, whose planner is asked for it.

use std::collections::HashSet;
use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ExprSchema, Result as DataFusionResult};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::ExprFunctionExt;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, Ident, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, TableFactor,
    TableWithJoins, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::SqlSettings;
use super::analyzer::widest;
use super::functions::{coerce, type_name};
use super::walk::walk_mut;
use crate::{Result, SqlError};

/// Puts every set operation into the `FROM` of a `SELECT *`.
///
/// # Errors
/// PARSE_SYNTAX_ERROR for `BY NAME`, which Spark's SQL does not have.
pub(crate) fn put_into_from(query: &mut Query) -> Result<()> {
    walk_mut(query, &mut Wrapper).break_value().map_or(Ok(()), Err)
}

struct Wrapper;

impl VisitorMut for Wrapper {
    type Break = SqlError;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if !matches!(query.body.as_ref(), SetExpr::SetOperation { .. }) {
            return ControlFlow::Continue(());
        }
        match wrapped(query) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn wrapped(query: &mut Query) -> Result<()> {
    name_apart(&mut query.body, true)?;
    let star = star()?;
    let operation = std::mem::replace(&mut query.body, star.body.clone());
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(internal());
    };
    let inner = Query {
        body: operation,
        ..star
    };
    select.from = vec![TableWithJoins {
        relation: derived(inner),
        joins: Vec::new(),
    }];
    Ok(())
}

/// `SELECT *`.
fn star() -> Result<Query> {
    Parser::new(&GenericDialect {})
        .try_with_sql("SELECT *")
        .and_then(|mut parser| parser.parse_query())
        .map(|query| *query)
        .map_err(|_| internal())
}

fn derived(subquery: Query) -> TableFactor {
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(subquery),
        alias: None,
        sample: None,
    }
}

fn internal() -> SqlError {
    SqlError::new("INTERNAL_ERROR", "a set operation in another form")
}

/// Gives the columns of all branches but the first names of their own where two would be called alike: nobody sees them.
fn name_apart(body: &mut SetExpr, first: bool) -> Result<()> {
    match body {
        SetExpr::SetOperation {
            left,
            right,
            set_quantifier,
            ..
        } => {
            if matches!(
                set_quantifier,
                SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName
            ) {
                return Err(SqlError::new(
                    "PARSE_SYNTAX_ERROR",
                    "Syntax error at or near 'BY'.",
                ));
            }
            name_apart(left, first)?;
            name_apart(right, false)
        }
        SetExpr::Select(select) if !first => {
            rename_repeated(select);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn rename_repeated(select: &mut Select) {
    let mut seen = HashSet::new();
    for (at, item) in select.projection.iter_mut().enumerate() {
        let (expr, name) = match &*item {
            SelectItem::UnnamedExpr(expr) => {
                let last = match expr {
                    SqlExpr::Identifier(ident) => Some(ident),
                    SqlExpr::CompoundIdentifier(parts) => parts.last(),
                    _ => None,
                };
                match last {
                    Some(last) => (expr.clone(), last.value.to_lowercase()),
                    None => continue,
                }
            }
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), alias.value.to_lowercase()),
            _ => continue,
        };
        if !seen.insert(name) {
            let alias = Ident::with_quote('`', format!("__branch_{at}"));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }
}

/// Whether the query is a set operation and nothing else.
pub(crate) fn is_set_operation(query: &Query) -> bool {
    matches!(query.body.as_ref(), SetExpr::SetOperation { .. })
        && query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
}

/// Plans a set operation and its branches.
///
/// # Errors
/// NUM_COLUMNS_MISMATCH and INCOMPATIBLE_COLUMN_TYPE, and what the branches give.
pub(crate) fn plan(
    body: SetExpr,
    context: &mut dyn RelationPlannerContext,
    settings: &SqlSettings,
) -> DataFusionResult<LogicalPlan> {
    let SetExpr::SetOperation {
        op,
        set_quantifier,
        left,
        right,
    } = body
    else {
        return Err(DataFusionError::from(internal()));
    };
    let left = context.plan(derived(query_of(*left)?))?;
    let right = context.plan(derived(query_of(*right)?))?;
    let types = meeting_types(op, &left, &right, settings)?;
    let left = cast_to(left, &types, settings)?;
    let right = cast_to(right, &types, settings)?;
    let all = set_quantifier == SetQuantifier::All;
    match (op, all) {
        (SetOperator::Union, true) => LogicalPlanBuilder::from(left).union(right)?.build(),
        (SetOperator::Union, false) => LogicalPlanBuilder::from(left).union_distinct(right)?.build(),
        (SetOperator::Intersect, false) => LogicalPlanBuilder::intersect(left, right, false),
        (SetOperator::Except | SetOperator::Minus, false) => LogicalPlanBuilder::except(left, right, false),
        (op, true) => {
            let count = left.schema().fields().len();
            let (left, right) = (numbered(left)?, numbered(right)?);
            let plan = if op == SetOperator::Intersect {
                LogicalPlanBuilder::intersect(left, right, true)?
            } else {
                LogicalPlanBuilder::except(left, right, true)?
            };
            let kept = plan.schema().columns().into_iter().take(count);
            let kept: Vec<Expr> = kept.map(Expr::Column).collect();
            LogicalPlanBuilder::from(plan).project(kept)?.build()
        }
    }
}

/// The plan with a last column that numbers the rows that are alike: with it no two rows are.
fn numbered(plan: LogicalPlan) -> DataFusionResult<LogicalPlan> {
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let number = row_number().partition_by(columns.clone()).build()?;
    let builder = LogicalPlanBuilder::from(plan).window(vec![number])?;
    let number = builder.schema().columns().pop().map(Expr::Column);
    let number = number.ok_or_else(internal)?.alias("__number");
    builder.project(columns.into_iter().chain([number]))?.build()
}

/// A branch as a query of its own.
fn query_of(body: SetExpr) -> Result<Query> {
    match body {
        SetExpr::Query(query) => Ok(*query),
        body => Ok(Query {
            body: Box::new(body),
            ..star()?
        }),
    }
}

/// The types that the columns of both branches meet in.
fn meeting_types(
    op: SetOperator,
    left: &LogicalPlan,
    right: &LogicalPlan,
    settings: &SqlSettings,
) -> Result<Vec<DataType>> {
    let (left, right) = (left.schema().fields(), right.schema().fields());
    if left.len() != right.len() {
        return Err(SqlError::new(
            "NUM_COLUMNS_MISMATCH",
            format!(
                "{op} can only be performed on inputs with the same number of columns, but the first has {} and the \
                 second {}.",
                left.len(),
                right.len()
            ),
        ));
    }
    let both = left.iter().zip(right).enumerate();
    both.map(|(at, (l, r))| {
        let (l, r) = (l.data_type(), r.data_type());
        widest(l, r, settings.ansi).ok_or_else(|| {
            SqlError::new(
                "INCOMPATIBLE_COLUMN_TYPE",
                format!(
                    "{op} can only be performed on tables with compatible column types. Column {} is \"{}\" in the first \
                     and \"{}\" in the second (a cast makes them one).",
                    at + 1,
                    type_name(l),
                    type_name(r)
                ),
            )
        })
    })
    .collect()
}

/// The plan with its columns in these types, under their names.
fn cast_to(plan: LogicalPlan, types: &[DataType], settings: &SqlSettings) -> DataFusionResult<LogicalPlan> {
    let settled = plan
        .schema()
        .fields()
        .iter()
        .zip(types)
        .all(|(f, t)| f.data_type() == t);
    if settled {
        return Ok(plan);
    }
    let columns = plan.schema().columns();
    let exprs = columns.into_iter().zip(types).map(|(column, to)| {
        let from = plan.schema().field_from_column(&column)?.data_type().clone();
        if from == *to {
            return Ok(Expr::Column(column));
        }
        let name = column.name.clone();
        Ok(coerce(Expr::Column(column), &from, to, settings)?.alias(name))
    });
    let exprs = exprs.collect::<DataFusionResult<Vec<_>>>()?;
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}
