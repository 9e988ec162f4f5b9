//! `ORDER BY ALL`: by every column of the result, from left to right.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, OrderByExpr, OrderByKind, Query, SelectItem, SetExpr, Spanned, Value, VisitorMut,
};

use super::super::walk::walk_mut;
use crate::{Result, SqlError};

/// Writes out every `ORDER BY ALL` as places.
///
/// # Errors
/// UNSUPPORTED_FEATURE where the number of columns is not known yet (`*`, a table).
pub(super) fn expand(query: &mut Query) -> Result<()> {
    walk_mut(query, &mut Expander).break_value().map_or(Ok(()), Err)
}

struct Expander;

impl VisitorMut for Expander {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        let count = column_count(&query.body);
        let start = query.span().start;
        let Some(order_by) = &mut query.order_by else {
            return ControlFlow::Continue(());
        };
        let OrderByKind::All(options) = &order_by.kind else {
            return ControlFlow::Continue(());
        };
        let Some(count) = count else {
            let text = "ORDER BY ALL beside * is not supported: name the columns.";
            return ControlFlow::Break(
                SqlError::new("UNSUPPORTED_FEATURE", text).at(start.line, start.column),
            );
        };
        let place = |place: usize| OrderByExpr {
            expr: Expr::value(Value::Number(place.to_string(), false)),
            options: *options,
            with_fill: None,
        };
        order_by.kind = OrderByKind::Expressions((1..=count).map(place).collect());
        ControlFlow::Continue(())
    }
}

/// How many columns a query has, where the text tells.
fn column_count(body: &SetExpr) -> Option<usize> {
    match body {
        SetExpr::Select(select) => {
            let is_one = |item: &SelectItem| {
                matches!(
                    item,
                    SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
                )
            };
            select
                .projection
                .iter()
                .all(is_one)
                .then_some(select.projection.len())
        }
        SetExpr::Query(query) => column_count(&query.body),
        SetExpr::SetOperation { left, .. } => column_count(left),
        SetExpr::Values(values) => values.rows.first().map(|row| row.len()),
        _ => None,
    }
}
