//! The analyzer layer: the types and errors that operators have in Spark, given when an expression's operands are known.

mod check;
mod common_type;
mod distinct;
mod field_access;
mod float_compare;
mod float_keys;
mod grouping;
mod interval_fields;
mod literal;
mod operators;
mod predicates;
mod temporal;
mod windows;

use datafusion::common::{DFSchema, Result as DataFusionResult, TableReference};
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr, RawWindowExpr,
};
use datafusion::logical_expr::{Expr, LogicalPlan};

use arrow::datatypes::Field;

pub(crate) use common_type::{
    adjusted, as_decimal, comparison, is_float, is_integer, is_numeric, is_string, tightest, tightest_under,
    widest,
};
pub(crate) use float_compare::compare as compare_floats;

use super::SqlSettings;
use super::functions::spark_cast;
use crate::Result;
use crate::analyze::mark_unions;
use crate::functions::resolve_time_windows_with;

/// Plans operators and field accesses with Spark's meaning.
#[derive(Debug)]
pub(crate) struct SparkExprPlanner {
    settings: SqlSettings,
}

impl SparkExprPlanner {
    /// The planner for a statement under these settings.
    pub(crate) fn new(settings: &SqlSettings) -> Self {
        Self {
            settings: settings.clone(),
        }
    }
}

impl ExprPlanner for SparkExprPlanner {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> DataFusionResult<PlannerResult<RawBinaryExpr>> {
        Ok(PlannerResult::Planned(operators::plan(
            expr,
            schema,
            &self.settings,
        )?))
    }

    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> DataFusionResult<PlannerResult<RawFieldAccessExpr>> {
        Ok(PlannerResult::Planned(field_access::plan(
            expr,
            schema,
            &self.settings,
        )?))
    }

    fn plan_window(&self, expr: RawWindowExpr) -> DataFusionResult<PlannerResult<RawWindowExpr>> {
        windows::plan(expr)
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> DataFusionResult<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(field_access::nested(
            field,
            qualifier,
            nested_names,
        )?))
    }
}

/// Settles the literals, predicates, grouping functions, windows and float keys of a planned query, and refuses what would not mean what it
/// means in Spark.
pub(crate) fn finish(plan: LogicalPlan, settings: &SqlSettings) -> Result<LogicalPlan> {
    let plan = literal::fold(plan)?;
    let plan = predicates::settle(plan, settings)?;
    let plan = mark_unions(plan)?;
    let plan = grouping::resolve(plan)?;
    let plan = resolve_time_windows_with(plan, &|time, from, to| spark_cast(time, from, to, settings))?;
    let plan = distinct::as_aggregation(plan)?;
    let plan = float_keys::normalize(plan)?;
    let plan = interval_fields::keep_of_subqueries(plan)?;
    check::check(&plan)?;
    check::check_output(&plan)?;
    Ok(plan)
}
