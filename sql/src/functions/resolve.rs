//! Makes nodes of the calls of `window(…)` in a plan.
//!
//! For a node with one input that calls `window(time, …)` the input becomes
//! * where windows tumble: the rows that have a time, with one more column for the window;
//! * where they slide: each such row once for every window that holds its time.
//!
//! The calls become that column. Schemas keep their names, types and marks, so nothing above changes. Plans without calls stay
//! as they are, so the pass can be run again.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result as DataFusionResult, UnnestOptions};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Projection, cast,
};
use datafusion::optimizer::AnalyzerRule;

use super::assign::assign;
use super::spec::WindowSpec;
use super::window::{arguments_of, time_type};
use super::window_time::window_time;
use crate::logical::RowSlices;
use crate::{Result, SqlError};

/// The column that holds a node's windows; no user's column is called so.
pub(crate) const WINDOW_COLUMN: &str = "__time_window";

/// How a time that is no timestamp (a date, a string) becomes one.
type ToTimestamp<'a> = &'a dyn Fn(Expr, &DataType, &DataType) -> Result<Expr>;

/// The plan with every `window(…)` resolved, also in subqueries.
///
/// # Errors
/// Spark's refusals of a call, of two different windows in one node, or a call where none can stand.
pub(crate) fn resolve_time_windows(plan: LogicalPlan) -> Result<LogicalPlan> {
    resolve_time_windows_with(plan, &|time, _, to| Ok(cast(time, to.clone())))
}

/// The same, with the dialect's conversion of dates and strings to timestamps.
pub(crate) fn resolve_time_windows_with(
    plan: LogicalPlan,
    to_timestamp: ToTimestamp<'_>,
) -> Result<LogicalPlan> {
    if !has_windows(&plan)? {
        return Ok(plan);
    }
    let resolved = plan.transform_up_with_subqueries(|node| {
        let calls = calls_of(&node)?;
        if calls.is_empty() {
            // An input's nullability may have changed.
            return Ok(Transformed::yes(node.recompute_schema()?));
        }
        Ok(Transformed::yes(resolve_node(node, calls, to_timestamp)?))
    })?;
    Ok(resolved.data)
}

/// The pass as a rule of DataFusion's analyzer, for plans that come from the builder.
#[derive(Debug, Default)]
pub(crate) struct ResolveTimeWindows;

impl AnalyzerRule for ResolveTimeWindows {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> DataFusionResult<LogicalPlan> {
        Ok(resolve_time_windows(plan)?)
    }

    fn name(&self) -> &str {
        "resolve_time_windows"
    }
}

fn has_windows(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= !calls_of(node)?.is_empty();
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })?;
    Ok(found)
}

/// The different calls of `window` in a node's expressions.
fn calls_of(node: &LogicalPlan) -> DataFusionResult<Vec<Expr>> {
    let mut calls: Vec<Expr> = Vec::new();
    node.apply_expressions(|expr| {
        expr.apply(|expr| {
            if arguments_of(expr).is_some() && !calls.contains(expr) {
                calls.push(expr.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(calls)
}

fn resolve_node(node: LogicalPlan, calls: Vec<Expr>, to_timestamp: ToTimestamp<'_>) -> Result<LogicalPlan> {
    let (input, call) = match (node.inputs().as_slice(), calls.as_slice()) {
        ([input], [call]) => (LogicalPlan::clone(input), call.clone()),
        ([_], _) => {
            return Err(SqlError::new(
                "MULTIPLE_TIME_WINDOWS",
                "Multiple time/session window expressions would result in a cartesian product of rows, therefore they are currently not supported.",
            ));
        }
        _ => {
            return Err(SqlError::new(
                "UNSUPPORTED_FEATURE.WINDOW_HERE",
                "window(…) in a join condition is not supported: compute it in a subquery.",
            ));
        }
    };
    let names = node.schema().columns();
    let passes_input = matches!(
        node,
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(_)
    );
    let Some((time, lengths)) = arguments_of(&call).and_then(<[Expr]>::split_first) else {
        return Err(super::spec::wrong_count(0));
    };
    let spec = WindowSpec::of_arguments(lengths)?;
    let time = time_of(time.clone(), &input, to_timestamp)?;
    let metadata = call.metadata(input.schema().as_ref())?;
    let input = with_windows(input, time, spec)?;
    let column = Expr::Column(Column::from_name(WINDOW_COLUMN));
    let column = if spec.is_tumbling() {
        column
    } else {
        // An unnested list has lost the marks.
        column.alias_with_metadata("window", Some(metadata))
    };
    let node = replaced(node, &call, &column, input)?;
    if passes_input {
        let columns: Vec<Expr> = names.into_iter().map(Expr::Column).collect();
        return Ok(LogicalPlanBuilder::from(node).project(columns)?.build()?);
    }
    Ok(node)
}

/// The node over the new input, with the column in place of the call.
fn replaced(node: LogicalPlan, call: &Expr, column: &Expr, input: LogicalPlan) -> Result<LogicalPlan> {
    let preserver = NamePreserver::new(&node);
    let key = match column {
        Expr::Alias(_) => column.clone(),
        _ => column.clone().alias("window"),
    };
    let expressions = node
        .expressions()
        .into_iter()
        .map(|expr| {
            // A key inside grouping sets keeps its name by itself; the sets have none.
            let (name, column) = match expr {
                Expr::GroupingSet(_) => (None, &key),
                _ => (Some(preserver.save(&expr)), column),
            };
            let expr = expr.transform_down(|expr| {
                Ok(if expr == *call {
                    Transformed::new(column.clone(), true, TreeNodeRecursion::Jump)
                } else {
                    Transformed::no(expr)
                })
            })?;
            Ok(match name {
                Some(name) => name.restore(expr.data),
                None => expr.data,
            })
        })
        .collect::<DataFusionResult<Vec<_>>>()?;
    Ok(node.with_new_exprs(expressions, vec![input])?)
}

/// The time as one of Spark's timestamp types; that of a window is its last microsecond.
fn time_of(time: Expr, input: &LogicalPlan, to_timestamp: ToTimestamp<'_>) -> Result<Expr> {
    let found = time.get_type(input.schema().as_ref())?;
    let Some(wanted) = time_type(&found) else {
        return Err(SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "The first argument of window(…) is no timestamp and no window.",
        ));
    };
    match found {
        DataType::Struct(_) => Ok(window_time(time)),
        DataType::Timestamp(..) if found != wanted => Ok(cast(time, wanted)),
        DataType::Timestamp(..) => Ok(time),
        _ => to_timestamp(time, &found, &wanted),
    }
}

/// The input's rows that have a time, each with its window, or once for each of its windows.
fn with_windows(input: LogicalPlan, time: Expr, spec: WindowSpec) -> Result<LogicalPlan> {
    let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let not_null = Expr::IsNotNull(Box::new(time.clone()));
    let input = LogicalPlan::Filter(Filter::try_new(not_null, Arc::new(input))?);
    let input = match spec.too_many_at_once() {
        Some(many) => RowSlices::plan(input, many),
        None => input,
    };
    columns.insert(0, assign(time, spec).alias(WINDOW_COLUMN));
    let projected = LogicalPlan::Projection(Projection::try_new(columns, Arc::new(input))?);
    if spec.is_tumbling() {
        return Ok(projected);
    }
    let options = UnnestOptions::new().with_preserve_nulls(false);
    Ok(LogicalPlanBuilder::from(projected)
        .unnest_column_with_options(Column::from_name(WINDOW_COLUMN), options)?
        .build()?)
}
