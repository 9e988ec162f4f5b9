//! What DataFusion would coerce otherwise than Spark, refused: LIKE, sum and avg.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use super::{interval_fields, is_numeric, is_string};
use crate::record::value::IntervalFields;
use crate::{Result, SqlError};

/// Checks every node of a plan, subqueries too.
///
/// # Errors
/// UNSUPPORTED_FEATURE for operands whose common type in Spark is another than here.
pub(crate) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let mut schema = DFSchema::empty();
        for input in node.inputs() {
            schema.merge(input.schema());
        }
        if let LogicalPlan::TableScan(scan) = node {
            schema.merge(&scan.projected_schema);
        }
        interval_fields::check(node, &schema)?;
        node.apply_expressions(|expr| {
            expr.apply(|e| {
                of_expression(e, &schema)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Refuses an interval of a kind that Spark does not have as a column of a query.
///
/// # Errors
/// UNSUPPORTED_FEATURE with the column's name.
pub(crate) fn check_output(plan: &LogicalPlan) -> Result<()> {
    for field in plan.schema().fields() {
        let is_interval = matches!(field.data_type(), DataType::Interval(_) | DataType::Duration(_));
        if is_interval && IntervalFields::of_type(field.data_type()).is_none() {
            return Err(SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!(
                    "A column ({}) of the type {} is not supported in the spark dialect yet.",
                    field.name(),
                    field.data_type()
                ),
            ));
        }
    }
    Ok(())
}

fn of_expression(expr: &Expr, schema: &DFSchema) -> std::result::Result<(), DataFusionError> {
    match expr {
        Expr::Like(like) => {
            for side in [&like.expr, &like.pattern] {
                let data_type = side.get_type(schema)?;
                if !is_string(&data_type) && data_type != DataType::Null {
                    return Err(differ("LIKE", &data_type, &DataType::Utf8).into());
                }
            }
        }
        Expr::AggregateFunction(call) => of_numbers(call.func.name(), &call.params.args, schema)?,
        Expr::WindowFunction(call) => of_numbers(call.fun.name(), &call.params.args, schema)?,
        _ => {}
    }
    Ok(())
}

/// Refuses a sum or an average of what is no number and no interval.
fn of_numbers(function: &str, args: &[Expr], schema: &DFSchema) -> std::result::Result<(), DataFusionError> {
    if !matches!(function, "spark_sum" | "avg") {
        return Ok(());
    }
    for arg in args {
        let data_type = arg.get_type(schema)?;
        let is_summed = is_numeric(&data_type) || IntervalFields::of_type(&data_type).is_some();
        if !is_summed && data_type != DataType::Null {
            return Err(differ(function, &data_type, &DataType::Float64).into());
        }
    }
    Ok(())
}

fn differ(what: &str, a: &DataType, b: &DataType) -> SqlError {
    let name = super::super::functions::type_name;
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!(
            "{what} with {} and {} is not supported in the spark dialect yet: cast them to one type.",
            name(a),
            name(b)
        ),
    )
}
