//! GROUP BY with sets: `ROLLUP`, `CUBE`, `GROUPING SETS`, `WITH ROLLUP`, mixed and with repeats, as one list of sets.
//!
//! The list has Spark's order, left to right with the fullest sets first, since the place of a set among repeated ones is a
//! key of a stream's state. Within a set every expression stands once, in the order of the bits of `grouping_id`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, GroupByWithModifier, Query, Select, SelectItem, Value, VisitorMut,
};

use super::super::walk::walk_mut;
use crate::{Result, SqlError};

/// How many grouping sets a query may have.
const MAX_SETS: usize = 4096;

/// Makes one `GROUPING SETS` of every GROUP BY with sets.
///
/// # Errors
/// UNSUPPORTED_FEATURE for sets whose order of columns cannot be told, and for too many of them.
pub(super) fn expand(query: &mut Query) -> Result<()> {
    walk_mut(query, &mut Expander).break_value().map_or(Ok(()), Err)
}

struct Expander;

impl VisitorMut for Expander {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        match expanded(select) {
            Ok(Some(sets)) => {
                select.group_by = GroupByExpr::Expressions(vec![Expr::GroupingSets(sets)], Vec::new());
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// The sets of a GROUP BY that has any.
fn expanded(select: &Select) -> Result<Option<Vec<Vec<Expr>>>> {
    let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
        return Ok(None);
    };
    let by_position = |expr: &Expr| selected(expr, &select.projection).unwrap_or_else(|| expr.clone());
    let single = || exprs.iter().map(|expr| vec![by_position(expr)]).collect();
    let factors: Vec<Vec<Vec<Expr>>> = match modifiers.as_slice() {
        [] if !exprs.iter().any(is_set) => return Ok(None),
        [] => exprs
            .iter()
            .map(|expr| sets_of(expr, &by_position))
            .collect::<Result<_>>()?,
        [GroupByWithModifier::Rollup] => vec![rollup(single())],
        [GroupByWithModifier::Cube] => vec![cube(&single())?],
        [GroupByWithModifier::GroupingSets(Expr::GroupingSets(sets))] => {
            return in_order(single(), positioned(sets, &by_position)).map(Some);
        }
        _ => return Err(unsupported("This modifier of GROUP BY")),
    };
    let mut order: Vec<Vec<Expr>> = Vec::new();
    for factor in &factors {
        order.extend(factor.iter().cloned());
    }
    let product = factors.into_iter().try_fold(vec![Vec::new()], |left, right| {
        if left.len().saturating_mul(right.len()) > MAX_SETS {
            return Err(too_many());
        }
        let pairs = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
        Ok(pairs
            .map(|(l, r): (&Vec<Expr>, _)| [l.clone(), Vec::clone(r)].concat())
            .collect())
    })?;
    in_order(order, product).map(Some)
}

fn is_set(expr: &Expr) -> bool {
    matches!(expr, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_))
}

/// The select item that a whole number stands for.
fn selected(expr: &Expr, items: &[SelectItem]) -> Option<Expr> {
    let Expr::Value(value) = expr else {
        return None;
    };
    let Value::Number(digits, _) = &value.value else {
        return None;
    };
    let place = digits.parse::<usize>().ok()?.checked_sub(1)?;
    match items.get(place)? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr.clone()),
        _ => None,
    }
}

fn positioned(sets: &[Vec<Expr>], by_position: &dyn Fn(&Expr) -> Expr) -> Vec<Vec<Expr>> {
    sets.iter()
        .map(|set| set.iter().map(by_position).collect())
        .collect()
}

/// The sets that one expression of GROUP BY stands for.
fn sets_of(expr: &Expr, by_position: &dyn Fn(&Expr) -> Expr) -> Result<Vec<Vec<Expr>>> {
    Ok(match expr {
        Expr::Rollup(parts) => rollup(positioned(parts, by_position)),
        Expr::Cube(parts) => cube(&positioned(parts, by_position))?,
        Expr::GroupingSets(sets) => positioned(sets, by_position),
        other => vec![vec![by_position(other)]],
    })
}

fn rollup(parts: Vec<Vec<Expr>>) -> Vec<Vec<Expr>> {
    (0..=parts.len())
        .rev()
        .map(|count| parts.iter().take(count).flatten().cloned().collect())
        .collect()
}

fn cube(parts: &[Vec<Expr>]) -> Result<Vec<Vec<Expr>>> {
    let Some((first, rest)) = parts.split_first() else {
        return Ok(vec![Vec::new()]);
    };
    let without = cube(rest)?;
    if without.len() * 2 > MAX_SETS {
        return Err(too_many());
    }
    let with = without.iter().map(|set| [first.clone(), set.clone()].concat());
    Ok(with
        .collect::<Vec<_>>()
        .into_iter()
        .chain(without.iter().cloned())
        .collect())
}

/// The sets with their expressions once each and in the order in which `order` has them first.
fn in_order(order: Vec<Vec<Expr>>, sets: Vec<Vec<Expr>>) -> Result<Vec<Vec<Expr>>> {
    let all = distinct(order.into_iter().chain(sets.iter().cloned()).flatten());
    let sets: Vec<Vec<Expr>> = sets
        .iter()
        .map(|set| all.iter().filter(|expr| set.contains(expr)).cloned().collect())
        .collect();
    // The planner knows only the sets: their columns in the order in which they come.
    if distinct(sets.iter().flatten().cloned()) != all {
        return Err(unsupported(
            "GROUPING SETS of which the first has not the first columns of GROUP BY (write the fullest set first)",
        ));
    }
    Ok(sets)
}

fn distinct(exprs: impl Iterator<Item = Expr>) -> Vec<Expr> {
    let mut out: Vec<Expr> = Vec::new();
    for expr in exprs {
        if !out.contains(&expr) {
            out.push(expr);
        }
    }
    out
}

fn too_many() -> SqlError {
    unsupported(&format!("More than {MAX_SETS} grouping sets"))
}

fn unsupported(what: &str) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!("{what} is not supported in the spark dialect yet."),
    )
}
