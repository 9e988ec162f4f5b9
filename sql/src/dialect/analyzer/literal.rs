//! Typed literals: the cast that carries a literal's type becomes the literal itself.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Cast, Expr, GroupingSet, LogicalPlan};

use crate::Result;

/// The literal in an expression that is one, or a cast of one.
pub(crate) fn value_of(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Cast(Cast { expr, field }) => match expr.as_ref() {
            Expr::Literal(value, _) => value.cast_to(field.data_type()).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The plan with its literals folded; names and types stay.
pub(crate) fn fold(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan
        .transform_up_with_subqueries(|node| {
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| match expr {
                // The set has no name; the expressions in it have.
                Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => {
                    let sets = sets
                        .into_iter()
                        .map(folded_set)
                        .collect::<DataFusionResult<_>>()?;
                    Ok(Transformed::yes(Expr::GroupingSet(GroupingSet::GroupingSets(
                        sets,
                    ))))
                }
                expr => folded(expr, &names),
            })
        })?
        .data)
}

fn folded_set(set: Vec<Expr>) -> DataFusionResult<Vec<Expr>> {
    let names = NamePreserver::new_for_projection();
    set.into_iter()
        .map(|expr| Ok(folded(expr, &names)?.data))
        .collect()
}

/// The expression with its literals folded, under its old name.
fn folded(expr: Expr, names: &NamePreserver) -> DataFusionResult<Transformed<Expr>> {
    let name = names.save(&expr);
    let folded = expr.transform_up(|e| match &e {
        Expr::Cast(_) => Ok(match value_of(&e) {
            Some(value) => Transformed::yes(Expr::Literal(value, None)),
            None => Transformed::no(e),
        }),
        _ => Ok(Transformed::no(e)),
    })?;
    Ok(folded.update_data(|e| name.restore(e)))
}
