//! What DataFusion would coerce otherwise than Spark, refused: the branches of a UNION, IN over a subquery, LIKE, sum and avg.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use super::super::SqlSettings;
use super::super::statements::timestamp;
use super::{is_numeric, is_string, tightest};
use crate::{Result, SqlError};

/// Checks every node of a plan, subqueries too.
///
/// # Errors
/// UNSUPPORTED_FEATURE for operands whose common type in Spark is another than here.
pub(crate) fn check(plan: &LogicalPlan, settings: &SqlSettings) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Union(union) = node {
            for (at, field) in union.schema.fields().iter().enumerate() {
                let mut common = DataType::Null;
                for input in &union.inputs {
                    let Some(other) = input.schema().fields().get(at) else {
                        continue;
                    };
                    let what = || format!("column {} of a UNION", field.name());
                    common = tightest(&common, other.data_type())
                        .filter(|both| {
                            meets(&common, both, settings) && meets(other.data_type(), both, settings)
                        })
                        .ok_or_else(|| differ(&what(), &common, other.data_type()))?;
                }
            }
        }
        let mut schema = DFSchema::empty();
        for input in node.inputs() {
            schema.merge(input.schema());
        }
        if let LogicalPlan::TableScan(scan) = node {
            schema.merge(&scan.projected_schema);
        }
        node.apply_expressions(|expr| {
            expr.apply(|e| {
                of_expression(e, &schema, settings)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Refuses an interval as a column of a query: its type has no file format here.
///
/// # Errors
/// UNSUPPORTED_FEATURE with the column's name.
pub(crate) fn check_output(plan: &LogicalPlan) -> Result<()> {
    for field in plan.schema().fields() {
        if matches!(field.data_type(), DataType::Interval(_) | DataType::Duration(_)) {
            return Err(SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!(
                    "An interval as a column ({}) is not supported in the spark dialect yet.",
                    field.name()
                ),
            ));
        }
    }
    Ok(())
}

/// Whether DataFusion's cast to the common type is Spark's: local times become instants in UTC only.
fn meets(from: &DataType, common: &DataType, settings: &SqlSettings) -> bool {
    let becomes_instant =
        *common == timestamp() && matches!(from, DataType::Date32 | DataType::Timestamp(_, None));
    settings.is_utc() || !becomes_instant
}

fn of_expression(
    expr: &Expr,
    schema: &DFSchema,
    settings: &SqlSettings,
) -> std::result::Result<(), DataFusionError> {
    match expr {
        Expr::InSubquery(sub) => {
            let left = sub.expr.get_type(schema)?;
            if let Some(field) = sub.subquery.subquery.schema().fields().first()
                && tightest(&left, field.data_type())
                    .filter(|both| meets(&left, both, settings) && meets(field.data_type(), both, settings))
                    .is_none()
            {
                return Err(differ("IN over a subquery", &left, field.data_type()).into());
            }
        }
        Expr::Like(like) => {
            for side in [&like.expr, &like.pattern] {
                let data_type = side.get_type(schema)?;
                if !is_string(&data_type) && data_type != DataType::Null {
                    return Err(differ("LIKE", &data_type, &DataType::Utf8).into());
                }
            }
        }
        Expr::AggregateFunction(call) if matches!(call.func.name(), "spark_sum" | "avg") => {
            for arg in &call.params.args {
                let data_type = arg.get_type(schema)?;
                if !is_numeric(&data_type) && data_type != DataType::Null {
                    return Err(differ(call.func.name(), &data_type, &DataType::Float64).into());
                }
            }
        }
        _ => {}
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
