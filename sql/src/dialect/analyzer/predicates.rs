//! Operands that the planner hands on as they are: the two sides of `IN (subquery)`, the bounds of frames;
//! and the tests of subqueries outside of WHERE, which become counts.
//!
//! As in Spark such a test is never NULL: `x IN (subquery)` is whether some row equals `x`, `x NOT IN (subquery)` whether every
//! row is known to differ.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ExprSchema, Result as DataFusionResult};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Subquery, lit};

use super::super::SqlSettings;
use super::super::functions::{coerce, type_name};
use super::{comparison, windows};
use crate::{Result, SqlError};

/// The plan with these operands in Spark's types.
///
/// # Errors
/// DATATYPE_MISMATCH for types that Spark does not bring together.
pub(crate) fn settle(plan: LogicalPlan, settings: &SqlSettings) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let mut schema = DFSchema::empty();
        for input in node.inputs() {
            schema.merge(input.schema());
        }
        if let LogicalPlan::TableScan(scan) = &node {
            schema.merge(&scan.projected_schema);
        }
        let counts = matches!(node, LogicalPlan::Projection(_));
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            if !expr.exists(|e| Ok(is_concerned(e)))? {
                return Ok(Transformed::no(expr));
            }
            let name = names.save(&expr);
            let expr = expr.transform_up(|e| Ok(with_its_negation(e)))?.data;
            let settled = expr.transform_up(|e| one(e, &schema, counts, settings))?;
            Ok(settled.update_data(|e| name.restore(e)))
        })
    })?;
    Ok(plan.data)
}

fn is_concerned(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::InSubquery(_) | Expr::Exists(_) | Expr::WindowFunction(_)
    )
}

/// `NOT (x IN (subquery))` as `x NOT IN (subquery)`, which is what Spark takes it for.
fn with_its_negation(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(test) => Transformed::yes(Expr::InSubquery(InSubquery {
                negated: !test.negated,
                ..test
            })),
            other => Transformed::no(Expr::Not(Box::new(other))),
        },
        other => Transformed::no(other),
    }
}

fn one(
    expr: Expr,
    schema: &DFSchema,
    counts: bool,
    settings: &SqlSettings,
) -> DataFusionResult<Transformed<Expr>> {
    Ok(match expr {
        Expr::InSubquery(test) => {
            let test = in_one_type(test, schema, settings)?;
            Transformed::yes(if counts {
                in_counted(test, schema)?
            } else {
                Expr::InSubquery(test)
            })
        }
        Expr::Exists(Exists { subquery, negated }) if counts => {
            Transformed::yes(negated_if(negated, any_row(&subquery)?))
        }
        Expr::WindowFunction(call) => Transformed::yes(Expr::WindowFunction(Box::new(
            windows::in_order_type(*call, schema)?,
        ))),
        other => Transformed::no(other),
    })
}

/// `x IN (subquery)` with both sides in the type that they are compared in.
fn in_one_type(test: InSubquery, schema: &DFSchema, settings: &SqlSettings) -> DataFusionResult<InSubquery> {
    let InSubquery {
        expr,
        subquery,
        negated,
    } = test;
    let plan = subquery.subquery.as_ref();
    let Some(column) = plan.schema().columns().into_iter().next() else {
        return Err(SqlError::new("INTERNAL_ERROR", "a subquery without columns").into());
    };
    let left = expr.get_type(schema)?;
    let right = plan.schema().field_from_column(&column)?.data_type().clone();
    let common = comparison(&left, &right, settings.ansi).ok_or_else(|| {
        SqlError::new(
            "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH",
            format!(
                "The data type of one or more elements in the left hand side of an IN subquery is not compatible with \
                 the data type of the output of the subquery: \"{}\" and \"{}\".",
                type_name(&left),
                type_name(&right)
            ),
        )
    })?;
    let expr = Box::new(coerce(*expr, &left, &common, settings)?);
    let subquery = if right == common {
        subquery
    } else {
        let name = column.name.clone();
        let cast = coerce(Expr::Column(column), &right, &common, settings)?.alias(name);
        let plan = LogicalPlanBuilder::from(plan.clone())
            .project(vec![cast])?
            .build()?;
        subquery.with_plan(plan.into())
    };
    Ok(InSubquery {
        expr,
        subquery,
        negated,
    })
}

/// `x IN (subquery)` by counting rows.
fn in_counted(test: InSubquery, schema: &DFSchema) -> DataFusionResult<Expr> {
    let InSubquery {
        expr,
        subquery,
        negated,
    } = test;
    if !subquery.outer_ref_columns.is_empty() {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE",
            "IN over a subquery that names columns of the query around it, in the select list, is not supported in the \
             spark dialect yet: write EXISTS.",
        )
        .into());
    }
    // Under another name its columns are not taken for those of the query around, which may read the same table.
    let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone())
        .alias("__tested")?
        .build()?;
    let subquery = subquery.with_plan(plan.into());
    let Some(column) = subquery.subquery.schema().columns().into_iter().next() else {
        return Err(SqlError::new("INTERNAL_ERROR", "a subquery without columns").into());
    };
    let equal = Expr::Column(column.clone()).eq(seen_from_inside(&expr, schema)?);
    let found = any_row(&filtered(&subquery, equal, &expr)?)?;
    if !negated {
        return Ok(found);
    }
    let unknown = any_row(&filtered(&subquery, Expr::Column(column).is_null(), &lit(true))?)?;
    let nothing_known = expr.is_null().and(any_row(&subquery)?);
    Ok(Expr::Not(Box::new(found.or(unknown).or(nothing_known))))
}

/// The expression of the query around, as a subquery says it.
fn seen_from_inside(expr: &Expr, schema: &DFSchema) -> DataFusionResult<Expr> {
    let outer = expr.clone().transform_up(|e| match e {
        Expr::Column(column) => {
            let field = schema.field_from_column(&column)?;
            Ok(Transformed::yes(Expr::OuterReferenceColumn(
                field.clone(),
                column,
            )))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(outer.data)
}

/// The subquery's rows of which this is true; it names columns of `outer`.
fn filtered(subquery: &Subquery, predicate: Expr, outer: &Expr) -> DataFusionResult<Subquery> {
    let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone())
        .filter(predicate.clone())?
        .build()?;
    let mut filtered = subquery.with_plan(plan.into());
    if !outer.column_refs().is_empty() {
        predicate.apply(|e| {
            if matches!(e, Expr::OuterReferenceColumn(..)) && !filtered.outer_ref_columns.contains(e) {
                filtered.outer_ref_columns.push(e.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(filtered)
}

/// Whether the subquery has a row.
fn any_row(subquery: &Subquery) -> DataFusionResult<Expr> {
    let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone())
        .aggregate(Vec::<Expr>::new(), vec![count(lit(1_i64))])?;
    let counted: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let plan = plan
        .project(counted.into_iter().map(|column| column.alias("__rows")))?
        .build()?;
    let rows = Expr::ScalarSubquery(subquery.with_plan(plan.into()));
    Ok(Expr::IsTrue(Box::new(rows.gt(lit(0_i64)))))
}

fn negated_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}
