//! The columns of the query around that a subquery names, which Spark shows in its name: `exists(i)` for `EXISTS (SELECT 1 FROM u
//! WHERE u.a = t.i)`.
//!
//! Only those with their relation's name before them are known as such.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, Select, Visitor};

use super::super::walk::walk;
use super::relation_names;
use super::spark_name::NameScope;

/// The columns, with commas between; `None` where one is named twice, for which Spark's text is not known.
pub(super) fn of(query: &Query, scope: &NameScope) -> Option<String> {
    let mut own = Relations(HashSet::new());
    let _ = walk(query, &mut own);
    let outer = scope.relations.difference(&own.0).cloned().collect();
    let mut columns = Columns {
        relations: outer,
        found: Vec::new(),
    };
    let _ = walk(query, &mut columns);
    let distinct: HashSet<String> = columns.found.iter().map(|c| c.to_lowercase()).collect();
    (distinct.len() == columns.found.len()).then(|| columns.found.join(", "))
}

/// The relations of a query and its parts.
struct Relations(HashSet<String>);

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.0.extend(relation_names(select));
        ControlFlow::Continue(())
    }
}

/// The columns of these relations, in the order of the text.
struct Columns {
    relations: HashSet<String>,
    found: Vec<String>,
}

impl Visitor for Columns {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [relation, column, ..] = parts.as_slice()
            && self.relations.contains(&relation.value.to_lowercase())
        {
            self.found.push(column.value.clone());
        }
        ControlFlow::Continue(())
    }
}
