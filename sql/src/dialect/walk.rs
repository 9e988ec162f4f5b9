//! Walks over syntax trees.
//!
//! The parser compiles hundreds of functions for every type of visitor that it is given. Behind a trait object all
//! visitors are one type, and one more costs no more than its own methods.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, Statement, TableFactor, ValueWithSpan, Visit, VisitMut, Visitor,
    VisitorMut,
};

/// Shows `visitor` a tree.
pub(super) fn walk<B>(tree: &impl Visit, visitor: &mut dyn Visitor<Break = B>) -> ControlFlow<B> {
    tree.visit(&mut AnyVisitor(visitor))
}

/// Lets `visitor` change a tree.
pub(super) fn walk_mut<B>(
    tree: &mut impl VisitMut,
    visitor: &mut dyn VisitorMut<Break = B>,
) -> ControlFlow<B> {
    tree.visit(&mut AnyVisitorMut(visitor))
}

struct AnyVisitor<'v, B>(&'v mut dyn Visitor<Break = B>);

struct AnyVisitorMut<'v, B>(&'v mut dyn VisitorMut<Break = B>);

/// Passes every call on.
macro_rules! pass_on {
    ($($method:ident($node:ty);)*) => {
        $(fn $method(&mut self, node: $node) -> ControlFlow<B> {
            self.0.$method(node)
        })*
    };
}

impl<B> Visitor for AnyVisitor<'_, B> {
    type Break = B;

    pass_on! {
        pre_visit_query(&Query);
        post_visit_query(&Query);
        pre_visit_select(&Select);
        post_visit_select(&Select);
        pre_visit_relation(&ObjectName);
        post_visit_relation(&ObjectName);
        pre_visit_table_factor(&TableFactor);
        post_visit_table_factor(&TableFactor);
        pre_visit_expr(&Expr);
        post_visit_expr(&Expr);
        pre_visit_statement(&Statement);
        post_visit_statement(&Statement);
        pre_visit_value(&ValueWithSpan);
        post_visit_value(&ValueWithSpan);
    }
}

impl<B> VisitorMut for AnyVisitorMut<'_, B> {
    type Break = B;

    pass_on! {
        pre_visit_query(&mut Query);
        post_visit_query(&mut Query);
        pre_visit_select(&mut Select);
        post_visit_select(&mut Select);
        pre_visit_relation(&mut ObjectName);
        post_visit_relation(&mut ObjectName);
        pre_visit_table_factor(&mut TableFactor);
        post_visit_table_factor(&mut TableFactor);
        pre_visit_expr(&mut Expr);
        post_visit_expr(&mut Expr);
        pre_visit_statement(&mut Statement);
        post_visit_statement(&mut Statement);
        pre_visit_value(&mut ValueWithSpan);
        post_visit_value(&mut ValueWithSpan);
    }
}
