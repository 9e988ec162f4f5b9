//! `FROM t, LATERAL explode(x) AS v(a)` as `FROM t LATERAL VIEW explode(x) v AS a`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, LateralView, ObjectName, Query, Select,
    TableFactor, TableWithJoins, VisitorMut,
};

use super::super::walk::walk_mut;
use super::generators::generator_of;

/// Turns the generators that end a FROM list into lateral views.
pub(super) fn make_views(query: &mut Query) {
    let ControlFlow::Continue(()) = walk_mut(query, &mut Rewriter);
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = std::convert::Infallible;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        let views: Vec<Option<LateralView>> = select.from.iter().map(lateral_view).collect();
        // What follows a view in the list would have to be joined to its rows.
        let first = views.iter().rposition(Option::is_none).map_or(0, |last| last + 1);
        let views: Vec<LateralView> = views.into_iter().skip(first).flatten().collect();
        select.from.truncate(first);
        select.lateral_views.splice(0..0, views);
        ControlFlow::Continue(())
    }
}

fn lateral_view(item: &TableWithJoins) -> Option<LateralView> {
    let TableFactor::Function {
        lateral: true,
        name,
        args,
        with_ordinality: false,
        alias,
    } = &item.relation
    else {
        return None;
    };
    let call = Expr::Function(Function {
        name: name.clone(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.clone(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    });
    if !item.joins.is_empty() || generator_of(&call).is_none() {
        return None;
    }
    let columns = alias.iter().flat_map(|a| &a.columns);
    let view = alias
        .as_ref()
        .map_or_else(|| Ident::new(name.to_string()), |a| a.name.clone());
    Some(LateralView {
        lateral_view: call,
        lateral_view_name: ObjectName::from(vec![view]),
        lateral_col_alias: columns.map(|c| c.name.clone()).collect(),
        outer: false,
    })
}
