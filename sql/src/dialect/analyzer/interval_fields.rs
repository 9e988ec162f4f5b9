//! Intervals of some fields only (`INTERVAL DAY`) where their fields would get lost, refused: their text would be another.

use arrow::datatypes::FieldRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result as DataFusionResult};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use super::super::functions::with_fields;
use crate::record::value::{INTERVAL_FIELDS_KEY, IntervalFields};
use crate::{Result, SqlError};

/// The functions that give intervals their fields, or have other results whatever the fields.
const KEEPING: [&str; 21] = [
    "__try",
    "abs",
    "avg",
    "count",
    "first",
    "hash",
    "last",
    "max_by",
    "min_by",
    "mode",
    "negative",
    "sign",
    "signum",
    "spark_max",
    "spark_min",
    "spark_sum",
    "timestamp_add_interval",
    "try_avg",
    "try_sum",
    "typeof",
    "xxhash64",
];

/// What the names of other such functions begin with.
const KEEPING_PREFIXES: [&str; 12] = [
    "__extract_",
    "interval_",
    "spark_case",
    "spark_cast",
    "spark_coalesce",
    "spark_greatest",
    "spark_if",
    "spark_in",
    "spark_least",
    "spark_nullif",
    "spark_nvl2",
    "spark_try_cast",
];

/// The plan with the fields of what its subqueries in expressions give, which DataFusion drops when it runs them.
pub(super) fn keep_of_subqueries(plan: LogicalPlan) -> Result<LogicalPlan> {
    let kept = plan.transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let kept = expr.transform_up(|e| Ok(of_subquery(e)))?;
            Ok(if kept.transformed {
                kept.update_data(|e| name.restore(e))
            } else {
                kept
            })
        })
    });
    Ok(kept?.data)
}

fn of_subquery(expr: Expr) -> Transformed<Expr> {
    let fields = match &expr {
        Expr::ScalarSubquery(subquery) => {
            let column = subquery.subquery.schema().fields().first();
            column.and_then(|column| IntervalFields::of(column))
        }
        _ => None,
    };
    match fields {
        Some(fields) if !fields.is_all() => Transformed::yes(with_fields(expr, fields)),
        _ => Transformed::no(expr),
    }
}

/// Checks a node of a plan, whose inputs have this schema.
///
/// # Errors
/// UNSUPPORTED_FEATURE with the function's name.
pub(super) fn check(node: &LogicalPlan, schema: &DFSchema) -> DataFusionResult<()> {
    if let LogicalPlan::Union(union) = node {
        let inputs: Vec<_> = union.inputs.iter().map(|input| input.schema().fields()).collect();
        for at in 0..union.schema.fields().len() {
            let mut fields = inputs
                .iter()
                .filter_map(|input| input.get(at))
                .map(|field| IntervalFields::of(field));
            if let Some(first) = fields.next()
                && fields.any(|other| other != first)
            {
                return Err(refused("UNION", first.or(fields.next().flatten())).into());
            }
        }
    }
    let marked = |field: &FieldRef| field.metadata().contains_key(INTERVAL_FIELDS_KEY);
    let from_input = schema.fields().iter().any(marked);
    node.apply_expressions(|expr| {
        if !from_input && !expr.exists(|e| Ok(makes_fields(e)))? {
            return Ok(TreeNodeRecursion::Continue);
        }
        expr.apply(|e| {
            of_expression(e, schema)?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(())
}

/// Whether the expression may have intervals of some fields only, whatever is in it.
fn makes_fields(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, metadata) => {
            metadata.is_some() && IntervalFields::of_type(&value.data_type()).is_some()
        }
        Expr::ScalarFunction(call) => {
            matches!(
                call.func.name(),
                "time_difference" | "spark_cast" | "spark_try_cast"
            )
        }
        Expr::ScalarSubquery(_) | Expr::OuterReferenceColumn(..) => true,
        _ => false,
    }
}

fn of_expression(expr: &Expr, schema: &DFSchema) -> DataFusionResult<()> {
    let (name, args) = match expr {
        Expr::ScalarFunction(call) => (call.func.name(), &call.args),
        Expr::HigherOrderFunction(call) => (call.func.name(), &call.args),
        Expr::AggregateFunction(call) => (call.func.name(), &call.params.args),
        Expr::WindowFunction(call) if call.fun.name() != "count" => {
            ("A function over a window", &call.params.args)
        }
        _ => return Ok(()),
    };
    if KEEPING.contains(&name) || KEEPING_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Ok(());
    }
    for arg in args {
        // What a lambda gives may be the element of an array.
        let given = match arg {
            Expr::Lambda(lambda) => lambda.body.as_ref(),
            other => other,
        };
        let fields = IntervalFields::of(given.to_field(schema)?.1.as_ref());
        if fields.is_some_and(|fields| !fields.is_all()) {
            return Err(refused(name, fields).into());
        }
    }
    Ok(())
}

fn refused(what: &str, fields: Option<IntervalFields>) -> SqlError {
    let of = fields.map_or(String::new(), |fields| format!(" with INTERVAL {fields}"));
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!(
            "{what}{of} is not supported in the spark dialect yet: cast it to INTERVAL DAY TO SECOND or YEAR TO MONTH."
        ),
    )
}
