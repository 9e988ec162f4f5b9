//! `GROUP BY ALL`: by the places of all items of the select list that hold no aggregate.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Query, Select, SelectItem, Spanned, Value, VisitorMut,
};

use super::super::walk::walk_mut;
use super::calls::holds_call;
use crate::{Result, SqlError};

/// Writes out every `GROUP BY ALL`; `is_aggregate` knows the aggregate functions by name.
///
/// # Errors
/// UNSUPPORTED_FEATURE where the items are not known yet (`*`).
pub(super) fn expand(query: &mut Query, is_aggregate: &dyn Fn(&str) -> bool) -> Result<()> {
    walk_mut(query, &mut Expander { is_aggregate })
        .break_value()
        .map_or(Ok(()), Err)
}

struct Expander<'a> {
    is_aggregate: &'a dyn Fn(&str) -> bool,
}

impl VisitorMut for Expander<'_> {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        let GroupByExpr::All(modifiers) = &select.group_by else {
            return ControlFlow::Continue(());
        };
        let mut places = Vec::new();
        for (item, place) in select.projection.iter().zip(1_u64..) {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
                let start = item.span().start;
                let text = format!("GROUP BY ALL beside {item} is not supported: name the columns.");
                return ControlFlow::Break(
                    SqlError::new("UNSUPPORTED_FEATURE", text).at(start.line, start.column),
                );
            };
            if !holds_aggregate(expr, self.is_aggregate) {
                places.push(Expr::value(Value::Number(place.to_string(), false)));
            }
        }
        select.group_by = GroupByExpr::Expressions(places, modifiers.clone());
        ControlFlow::Continue(())
    }
}

fn holds_aggregate(expr: &Expr, is_aggregate: &dyn Fn(&str) -> bool) -> bool {
    holds_call(expr, &|call| {
        is_aggregate(&call.name.to_string().trim_matches('`').to_lowercase())
    })
}
