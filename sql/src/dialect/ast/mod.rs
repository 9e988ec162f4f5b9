//! The AST layer, before names are resolved: Spark's column names, and constructs of Spark's that become others.

mod arguments;
mod calls;
mod comparison;
mod datetime_calls;
mod desugar;
mod from_first;
mod generators;
mod group_by_all;
mod grouping_sets;
mod interval;
mod kind;
mod lateral_function;
mod like;
mod literal;
mod named_windows;
mod order_by_all;
mod outer_columns;
mod output_names;
mod refuse;
mod spark_name;
mod temporal;
mod window_address;
mod window_calls;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, VisitorMut,
};

pub(crate) use interval::INTERVAL_LITERAL;
pub(crate) use output_names::{GENERATED, output_names};
pub(crate) use spark_name::KnownColumns;
use spark_name::{NameScope, spark_name};

use super::walk::walk_mut;
use super::{functions, set_operation};
use crate::{Result, SqlError};

/// The start of the name of a column whose name in Spark is not known; a sink that writes names must refuse it.
pub const UNNAMED_COLUMN_PREFIX: &str = "__unnamed_";

/// Brings the forms of Spark's that are another way to write a SELECT into one.
pub(crate) fn normalize(query: &mut Query) {
    from_first::put_select_first(query);
    lateral_function::make_views(query);
    named_windows::write_out(query);
}

/// The functions that a session holds, by name.
pub(crate) struct OwnFunctions<'a> {
    /// The scalar functions.
    pub(crate) scalar: &'a HashMap<String, Arc<ScalarUDF>>,
    /// The aggregate functions.
    pub(crate) aggregate: &'a HashMap<String, Arc<AggregateUDF>>,
}

/// Rewrites a query of the Spark dialect into what DataFusion's planner reads with Spark's meaning.
///
/// `known` is what of the relations and the session the names depend on; `own` are the functions of the session under names
/// that are not on the checked list.
///
/// # Errors
/// UNSUPPORTED_FEATURE for what has no assured meaning here; UNRESOLVED_ROUTINE and UNSUPPORTED_ROUTINE for functions.
pub(crate) fn rewrite(query: &mut Query, known: &KnownColumns, own: &OwnFunctions<'_>) -> Result<()> {
    refuse::check(query, &|name| {
        own.scalar.contains_key(name) || own.aggregate.contains_key(name)
    })?;
    let mut names = Namer {
        known,
        unnamed_relations: 0,
    };
    if let ControlFlow::Break(error) = walk_mut(query, &mut names) {
        return Err(error);
    }
    group_by_all::expand(query, &|name| {
        functions::is_aggregate(name) || own.aggregate.contains_key(name)
    })?;
    order_by_all::expand(query)?;
    grouping_sets::expand(query)?;
    window_address::address(query);
    generators::rewrite(query)?;
    set_operation::put_into_from(query)?;
    desugar::rewrite(query)
}

/// Gives every select item without an alias Spark's name for it.
struct Namer<'a> {
    known: &'a KnownColumns,
    unnamed_relations: usize,
}

impl VisitorMut for Namer<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        for cte in query.with.iter_mut().flat_map(|w| &mut w.cte_tables) {
            name_values(&cte.query, &mut cte.alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        if let TableFactor::Derived { subquery, alias, .. } = factor {
            let alias = alias.get_or_insert_with(|| {
                self.unnamed_relations += 1;
                TableAlias {
                    explicit: true,
                    name: Ident::with_quote('`', format!("__relation_{}", self.unnamed_relations)),
                    columns: Vec::new(),
                    at: None,
                }
            });
            name_values(subquery, alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        let scope = NameScope {
            relations: relation_names(select),
            known: self.known.clone(),
            tables_only: select.from.iter().all(is_of_tables),
            variables: HashSet::new(),
        };
        let mut unnamed = 0;
        for item in &mut select.projection {
            if let SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) = item
                && let Some(except) = &mut options.opt_except
            {
                // The planner compares these names as they are.
                let names = std::iter::once(&mut except.first_element).chain(&mut except.additional_elements);
                names.for_each(|name| name.value = name.value.to_lowercase());
            }
            let SelectItem::UnnamedExpr(expr) = item else {
                continue;
            };
            if generators::generator_of(expr).is_some() {
                // Its columns are known with its argument's type.
                continue;
            }
            if matches!(
                expr,
                Expr::Identifier(_) | Expr::Wildcard(_) | Expr::QualifiedWildcard(..)
            ) || is_plain_column(expr, &scope)
            {
                continue;
            }
            let name = spark_name(expr, &scope).unwrap_or_else(|| {
                unnamed += 1;
                format!("{UNNAMED_COLUMN_PREFIX}{unnamed}")
            });
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::with_quote('`', name.to_lowercase()),
            };
        }
        ControlFlow::Continue(())
    }
}

/// Gives the columns of VALUES without names Spark's: `col1`, `col2`.
fn name_values(query: &Query, alias: &mut TableAlias) {
    if let SetExpr::Values(values) = query.body.as_ref()
        && alias.columns.is_empty()
        && let Some(row) = values.rows.first()
    {
        alias.columns = (1..=row.content.len())
            .map(|n| TableAliasColumnDef::from_name(format!("col{n}")))
            .collect();
    }
}

/// Whether the expression is `relation.column`, whose name is the column's.
fn is_plain_column(expr: &Expr, scope: &NameScope) -> bool {
    match expr {
        Expr::CompoundIdentifier(parts) => {
            parts.len() == 2
                && parts
                    .first()
                    .is_some_and(|p| scope.relations.contains(&p.value.to_lowercase()))
        }
        _ => false,
    }
}

/// Whether a FROM item is tables and joins of tables.
pub(super) fn is_of_tables(from: &TableWithJoins) -> bool {
    let is_table = |factor: &TableFactor| matches!(factor, TableFactor::Table { args: Some(_), .. });
    is_table(&from.relation) && from.joins.iter().all(|join| is_table(&join.relation))
}

fn relation_names(select: &Select) -> HashSet<String> {
    let mut out = HashSet::new();
    let mut add = |factor: &TableFactor| match factor {
        TableFactor::Table { name, alias, .. } => {
            out.extend(alias.as_ref().map(|a| a.name.value.to_lowercase()));
            out.extend(
                name.0
                    .last()
                    .and_then(|p| p.as_ident())
                    .map(|i| i.value.to_lowercase()),
            );
        }
        TableFactor::Derived {
            alias: Some(alias), ..
        } => {
            out.insert(alias.name.value.to_lowercase());
        }
        _ => {}
    };
    for from in &select.from {
        add(&from.relation);
        from.joins.iter().for_each(|j| add(&j.relation));
    }
    let views = select.lateral_views.iter();
    out.extend(views.filter_map(|v| Some(v.lateral_view_name.0.last()?.as_ident()?.value.to_lowercase())));
    out
}
