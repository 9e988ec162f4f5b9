//! What of a query has no assured meaning here, refused by name before anything else looks at it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Select,
    SelectItem, Spanned, TableFactor, VisitorMut,
};

use super::super::functions;
use super::super::walk::walk_mut;
use super::datetime_calls;
use super::generators::generator_of;
use super::window_calls;
use crate::{Result, SqlError};

/// Refuses what is not supported.
///
/// # Errors
/// UNSUPPORTED_FEATURE, UNSUPPORTED_ROUTINE or UNRESOLVED_ROUTINE with the position in the text.
pub(crate) fn check(query: &mut Query, is_registered: &dyn Fn(&str) -> bool) -> Result<()> {
    walk_mut(query, &mut Refuser { is_registered })
        .break_value()
        .map_or(Ok(()), Err)
}

struct Refuser<'a> {
    is_registered: &'a dyn Fn(&str) -> bool,
}

fn refuse(what: &str, node: &impl Spanned) -> ControlFlow<SqlError> {
    let start = node.span().start;
    let error = SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!("{what} is not supported in the spark dialect yet."),
    );
    ControlFlow::Break(if start.line > 0 {
        error.at(start.line, start.column)
    } else {
        error
    })
}

impl VisitorMut for Refuser<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if query.fetch.is_some()
            || query.for_clause.is_some()
            || !query.locks.is_empty()
            || !query.pipe_operators.is_empty()
        {
            return refuse("FETCH, FOR UPDATE or a pipe operator", query);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if !select.sort_by.is_empty() || !select.cluster_by.is_empty() || !select.distribute_by.is_empty() {
            return refuse("SORT BY, CLUSTER BY or DISTRIBUTE BY", select);
        }
        if !select.connect_by.is_empty() {
            return refuse("CONNECT BY", select);
        }
        if let Err(error) = window_calls::check_clauses(select) {
            let start = select.span().start;
            return ControlFlow::Break(error.at(start.line, start.column));
        }
        if select.top.is_some()
            || select.into.is_some()
            || select.prewhere.is_some()
            || select.value_table_mode.is_some()
        {
            return refuse("this form of SELECT", select);
        }
        if select.exclude.is_some() {
            return refuse("EXCLUDE (write * EXCEPT (…))", select);
        }
        for item in &select.projection {
            if let SelectItem::ExprWithAliases { expr, .. } = item
                && generator_of(expr).is_none()
            {
                return refuse("an alias of several names", item);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        match factor {
            TableFactor::Table { .. } | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            TableFactor::Derived {
                lateral: false,
                sample: None,
                ..
            } => ControlFlow::Continue(()),
            TableFactor::Derived { .. } => refuse("LATERAL or TABLESAMPLE", factor),
            _ => refuse("this form of relation in FROM", factor),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match expr {
            Expr::Function(function) => self.call(function),
            Expr::BinaryOp { op, .. } if !is_known_operator(op) => {
                let what = format!("The operator {op}");
                refuse(&what, expr)
            }
            other if is_known(other) => ControlFlow::Continue(()),
            other => {
                let what = format!("The expression {other}");
                refuse(&what, other)
            }
        }
    }
}

impl Refuser<'_> {
    fn call(&self, function: &Function) -> ControlFlow<SqlError> {
        if let FunctionArguments::List(list) = &function.args
            && (!list.clauses.is_empty() || list.args.iter().any(|a| !matches!(a, FunctionArg::Unnamed(_))))
        {
            return refuse(
                "A named argument or a clause inside a function's parentheses",
                function,
            );
        }
        let name = function.name.to_string().trim_matches('`').to_lowercase();
        if name.starts_with("__") || !(functions::is_listed(&name) || (self.is_registered)(&name)) {
            let start = function.span().start;
            return ControlFlow::Break(functions::not_listed(&name).at(start.line, start.column));
        }
        let arguments = match &function.args {
            FunctionArguments::List(list) => list.args.len(),
            _ => 0,
        };
        if datetime_calls::with_unit(function).is_none()
            && let Err(error) = functions::check_argument_count(&name, arguments)
        {
            let start = function.span().start;
            return ControlFlow::Break(error.at(start.line, start.column));
        }
        if let Err(error) = window_calls::check(&name, function) {
            let start = function.span().start;
            return ControlFlow::Break(error.at(start.line, start.column));
        }
        if matches!(name.as_str(), "like" | "ilike") && arguments > 2 {
            return refuse("LIKE with an escape character", function);
        }
        if let Err(error) = check_lambdas(&name, function) {
            let start = function.span().start;
            return ControlFlow::Break(error.at(start.line, start.column));
        }
        let takes_nulls = matches!(
            name.as_str(),
            "first" | "first_value" | "last" | "last_value" | "any_value" | "lag" | "lead" | "nth_value"
        );
        if function.null_treatment.is_some() && !takes_nulls {
            return refuse("IGNORE NULLS or RESPECT NULLS of this function", function);
        }
        if !function.within_group.is_empty() && !is_ordered(&name, function) {
            return refuse("This WITHIN GROUP", function);
        }
        ControlFlow::Continue(())
    }
}

/// Refuses lambdas that the function does not take.
fn check_lambdas(name: &str, function: &Function) -> Result<()> {
    let FunctionArguments::List(list) = &function.args else {
        return Ok(());
    };
    let lambdas = list.args.iter().filter_map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Lambda(lambda))) => Some(lambda),
        _ => None,
    });
    for (place, lambda) in lambdas.enumerate() {
        functions::lambdas::check_lambda(name, place, lambda.params.iter().count())?;
    }
    Ok(())
}

/// Whether the function takes the order that its call has.
fn is_ordered(name: &str, function: &Function) -> bool {
    let [order] = function.within_group.as_slice() else {
        return false;
    };
    let is_plain = order.options.nulls_first.is_none() && order.with_fill.is_none();
    is_plain
        && match name {
            "percentile_cont" | "percentile_disc" | "listagg" | "string_agg" => true,
            "mode" => order.options.asc.is_none(),
            _ => false,
        }
}

fn is_known_operator(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::Plus
            | B::Minus
            | B::Multiply
            | B::Divide
            | B::Modulo
            | B::MyIntegerDivide
            | B::Eq
            | B::NotEq
            | B::Lt
            | B::LtEq
            | B::Gt
            | B::GtEq
            | B::Spaceship
            | B::And
            | B::Or
            | B::StringConcat
            | B::BitwiseAnd
            | B::BitwiseOr
            | B::BitwiseXor
    )
}

/// Whether a later layer gives the expression Spark's meaning.
fn is_known(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::CompoundFieldAccess { .. }
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::BinaryOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Cast {
                array: false,
                format: None,
                ..
            }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim {
                trim_characters: None,
                ..
            }
            | Expr::Nested(_)
            | Expr::Lambda(_)
            | Expr::Value(_)
            | Expr::TypedString(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Struct { .. }
            | Expr::Named { .. }
            | Expr::Interval(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
            | Expr::RLike { .. }
            | Expr::Like { any: false, .. }
            | Expr::ILike { any: false, .. }
    )
}
