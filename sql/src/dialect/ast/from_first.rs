//! `FROM t SELECT a` and `FROM t` as the SELECT that they are.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Query, Select, SelectFlavor, SelectItem, VisitorMut, WildcardAdditionalOptions,
};

use super::super::walk::walk_mut;

/// Puts the SELECT first, with `*` where there is none.
pub(super) fn put_select_first(query: &mut Query) {
    let ControlFlow::Continue(()) = walk_mut(query, &mut Rewriter);
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = std::convert::Infallible;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
        }
        select.flavor = SelectFlavor::Standard;
        ControlFlow::Continue(())
    }
}
