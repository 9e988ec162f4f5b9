//! `OVER w` with its specification in the place of the name that `WINDOW w AS (…)` gives it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, NamedWindowDefinition, NamedWindowExpr, Query, Select, VisitorMut, WindowSpec, WindowType,
};

use super::super::walk::walk_mut;

/// Writes out the named windows of every SELECT; a name that is not defined stays.
pub(super) fn write_out(query: &mut Query) {
    let ControlFlow::Continue(()) = walk_mut(query, &mut Selects);
}

struct Selects;

impl VisitorMut for Selects {
    type Break = std::convert::Infallible;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        let mut named = Named(HashMap::new());
        for NamedWindowDefinition(name, definition) in std::mem::take(&mut select.named_window) {
            let spec = match definition {
                NamedWindowExpr::WindowSpec(spec) => Some(spec),
                NamedWindowExpr::NamedWindow(other) => named.0.get(&other.value).cloned(),
            };
            if let Some(spec) = spec {
                named.0.insert(name.value, spec);
            }
        }
        if named.0.is_empty() {
            return ControlFlow::Continue(());
        }
        walk_mut(&mut select.projection, &mut named)?;
        walk_mut(&mut select.qualify, &mut named)
    }
}

/// The windows of a SELECT by name.
struct Named(HashMap<String, WindowSpec>);

impl VisitorMut for Named {
    type Break = std::convert::Infallible;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Function(Function { over: Some(over), .. }) = expr {
            let name = match over {
                WindowType::NamedWindow(name) => Some(&*name),
                WindowType::WindowSpec(spec) if is_name_alone(spec) => spec.window_name.as_ref(),
                WindowType::WindowSpec(_) => None,
            };
            if let Some(spec) = name.and_then(|name| self.0.get(&name.value)) {
                *over = WindowType::WindowSpec(spec.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether this is `(w)`.
fn is_name_alone(spec: &WindowSpec) -> bool {
    spec.partition_by.is_empty() && spec.order_by.is_empty() && spec.window_frame.is_none()
}
