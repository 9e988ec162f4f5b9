//! Floats in keys and in order as Spark has them: `-0.0` is `0.0`, and NaN is NaN, whatever its bits.
//!
//! Keys of groups, DISTINCT, joins and IN over a subquery are compared after both are made one; so are the keys of ORDER BY. Over
//! a stream the stateful operators see to groups and DISTINCT themselves.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, JoinConstraint, Result as DataFusionResult};
use datafusion::logical_expr::expr::{AggregateFunction, InSubquery};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, ExprSchemable, GroupingSet, LogicalPlan, LogicalPlanBuilder, Subquery,
};

use super::super::functions::{float_key, holds_floats};
use crate::Result;
use crate::analyze::reads_stream;

/// The plan with its float keys in one form.
pub(super) fn normalize(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let node = in_subqueries(node)?;
        Ok(match node {
            LogicalPlan::Aggregate(aggregate) if !reads_stream(&aggregate.input) => {
                Transformed::yes(of_aggregate(aggregate)?)
            }
            LogicalPlan::Distinct(Distinct::All(input)) if !reads_stream(&input) => {
                let input = of_columns(Arc::unwrap_or_clone(input))?;
                Transformed::yes(LogicalPlan::Distinct(Distinct::All(Arc::new(input))))
            }
            LogicalPlan::Join(mut join) => {
                let mut changed = false;
                for (left, right) in &mut join.on {
                    changed |= replace(left, join.left.schema())? | replace(right, join.right.schema())?;
                }
                if changed {
                    // The names that USING merges are resolved by now, and its keys must be columns.
                    join.join_constraint = JoinConstraint::On;
                }
                Transformed::yes(LogicalPlan::Join(join))
            }
            LogicalPlan::Sort(mut sort) => {
                for key in &mut sort.expr {
                    replace(&mut key.expr, sort.input.schema())?;
                }
                Transformed::yes(LogicalPlan::Sort(sort))
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(plan.data)
}

/// Puts the normalised expression in place of one that holds floats; gives whether it did.
fn replace(expr: &mut Expr, schema: &DFSchema) -> DataFusionResult<bool> {
    if !holds_floats(&expr.get_type(schema)?) {
        return Ok(false);
    }
    *expr = float_key(expr.clone());
    Ok(true)
}

/// The expression normalised under its old name.
fn renamed(expr: &Expr, schema: &DFSchema) -> DataFusionResult<Expr> {
    let mut key = expr.clone().unalias();
    if !replace(&mut key, schema)? {
        return Ok(expr.clone());
    }
    let (relation, name) = expr.qualified_name();
    Ok(key.alias_qualified(relation, name))
}

fn of_aggregate(aggregate: Aggregate) -> DataFusionResult<LogicalPlan> {
    let schema = Arc::clone(aggregate.input.schema());
    let all = |exprs: &[Expr]| -> DataFusionResult<Vec<Expr>> {
        exprs.iter().map(|expr| renamed(expr, &schema)).collect()
    };
    let groups = match aggregate.group_expr.as_slice() {
        [Expr::GroupingSet(GroupingSet::GroupingSets(sets))] => {
            let sets = sets.iter().map(|set| all(set)).collect::<DataFusionResult<_>>()?;
            vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets))]
        }
        [Expr::GroupingSet(_)] => aggregate.group_expr.clone(),
        groups => all(groups)?,
    };
    let mut aggregates = Vec::with_capacity(aggregate.aggr_expr.len());
    for expr in &aggregate.aggr_expr {
        let (relation, name) = expr.qualified_name();
        let distinct = of_distinct(expr.clone(), &schema)?;
        aggregates.push(match distinct == *expr {
            true => distinct,
            false => distinct.unalias().alias_qualified(relation, name),
        });
    }
    if groups == aggregate.group_expr && aggregates == aggregate.aggr_expr {
        return Ok(LogicalPlan::Aggregate(aggregate));
    }
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(
        aggregate.input,
        groups,
        aggregates,
    )?))
}

/// The aggregate with the distinct values that it is over normalised.
fn of_distinct(expr: Expr, schema: &DFSchema) -> DataFusionResult<Expr> {
    let distinct = expr.transform_up(|e| {
        let Expr::AggregateFunction(AggregateFunction { func, mut params }) = e else {
            return Ok(Transformed::no(e));
        };
        let mut changed = false;
        if params.distinct {
            for argument in &mut params.args {
                changed |= replace(argument, schema)?;
            }
        }
        let call = Expr::AggregateFunction(AggregateFunction { func, params });
        Ok(match changed {
            true => Transformed::yes(call),
            false => Transformed::no(call),
        })
    })?;
    Ok(distinct.data)
}

/// The input's columns, those with floats normalised.
fn of_columns(input: LogicalPlan) -> DataFusionResult<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let columns: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
    let outputs = columns
        .iter()
        .map(|column| renamed(column, &schema))
        .collect::<DataFusionResult<Vec<_>>>()?;
    if outputs == columns {
        return Ok(input);
    }
    LogicalPlanBuilder::from(input).project(outputs)?.build()
}

/// The node with both sides of IN over a subquery normalised.
fn in_subqueries(node: LogicalPlan) -> DataFusionResult<LogicalPlan> {
    let mut schema = DFSchema::empty();
    for input in node.inputs() {
        schema.merge(input.schema());
    }
    let node = node.map_expressions(|expr| {
        expr.transform_up(|e| {
            let Expr::InSubquery(mut sub) = e else {
                return Ok(Transformed::no(e));
            };
            if !replace(&mut sub.expr, &schema)? {
                return Ok(Transformed::no(Expr::InSubquery(sub)));
            }
            let plan = of_columns(LogicalPlan::clone(&sub.subquery.subquery))?;
            let subquery = Subquery {
                subquery: Arc::new(plan),
                ..sub.subquery
            };
            Ok(Transformed::yes(Expr::InSubquery(InSubquery { subquery, ..sub })))
        })
    })?;
    Ok(node.data)
}
