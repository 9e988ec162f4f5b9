//! `window` and `window.start` beside `GROUP BY window(…)`: they mean the call, as Spark's analysis makes a column of it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, OrderByKind, Query,
    Select, SetExpr, Visitor, VisitorMut,
};

use super::super::walk::{walk, walk_mut};
use crate::SqlError;

/// Puts the call of `window` in GROUP BY in the place of the names that mean it.
pub(super) fn address(query: &mut Query) {
    // The visitor never breaks.
    let _ = walk_mut(query, &mut Addresser);
}

/// Whether the expression is a call of `window`.
pub(super) fn is_window(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) => function
            .name
            .to_string()
            .trim_matches('`')
            .eq_ignore_ascii_case("window"),
        Expr::Nested(inner) => is_window(inner),
        _ => false,
    }
}

struct Addresser;

impl VisitorMut for Addresser {
    type Break = SqlError;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if let SetExpr::Select(select) = query.body.as_ref()
            && let Some(call) = grouped_window(select)
            && let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order.kind
        {
            for expr in exprs {
                let _ = walk_mut(&mut expr.expr, &mut Replace { call: &call });
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if let Some(call) = grouped_window(select) {
            let mut replace = Replace { call: &call };
            let _ = walk_mut(&mut select.projection, &mut replace);
            let _ = walk_mut(&mut select.having, &mut replace);
        }
        ControlFlow::Continue(())
    }
}

/// The one call of `window` in GROUP BY, unless `window` is a column of the input there.
fn grouped_window(select: &Select) -> Option<Expr> {
    let GroupByExpr::Expressions(exprs, _) = &select.group_by else {
        return None;
    };
    let mut calls: Vec<&Expr> = Vec::new();
    for expr in exprs {
        match expr {
            Expr::Cube(sets) | Expr::Rollup(sets) | Expr::GroupingSets(sets) => {
                calls.extend(sets.iter().flatten().filter(|expr| is_window(expr)));
            }
            expr if is_window(expr) => calls.push(expr),
            expr if is_column(expr) => return None,
            _ => {}
        }
    }
    calls.dedup();
    match calls.as_slice() {
        [call] if !is_over_column(call) => Some(Expr::clone(call)),
        _ => None,
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.value.eq_ignore_ascii_case("window"))
}

/// Whether the call's own time is a column `window`.
fn is_over_column(call: &Expr) -> bool {
    let Expr::Function(function) = call else {
        return false;
    };
    let FunctionArguments::List(list) = &function.args else {
        return false;
    };
    match list.args.first() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(time))) => walk(time, &mut Find).is_break(),
        _ => false,
    }
}

/// Stops at a column `window`, or one of a relation `window`.
struct Find;

impl Visitor for Find {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let is_it = is_column(expr)
            || matches!(expr, Expr::CompoundIdentifier(parts)
                if parts.iter().any(|part| part.value.eq_ignore_ascii_case("window")));
        if is_it {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

struct Replace<'a> {
    call: &'a Expr,
}

impl VisitorMut for Replace<'_> {
    type Break = SqlError;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match expr {
            expr if is_column(expr) => *expr = self.call.clone(),
            Expr::CompoundIdentifier(parts)
                if parts
                    .first()
                    .is_some_and(|part| part.value.eq_ignore_ascii_case("window")) =>
            {
                let fields = parts.iter().skip(1).cloned();
                *expr = Expr::CompoundFieldAccess {
                    root: Box::new(self.call.clone()),
                    access_chain: fields
                        .map(|field| AccessExpr::Dot(Expr::Identifier(field)))
                        .collect(),
                };
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
