//! Which expressions may be dates, times or intervals: adding to them has other names.

use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::spark_name::{NameScope, strip};

/// Whether the expression may be a date, a time or an interval.
pub(super) fn is_temporal(expr: &Expr, scope: &NameScope) -> bool {
    match strip(expr) {
        Expr::Interval(_) | Expr::TypedString(_) | Expr::Subquery(_) => true,
        Expr::Identifier(ident) => scope.temporal.contains(&ident.value.to_lowercase()),
        Expr::CompoundIdentifier(idents) => idents
            .iter()
            .any(|i| scope.temporal.contains(&i.value.to_lowercase())),
        Expr::Cast { data_type, .. } => {
            let name = data_type.to_string().to_uppercase();
            name.starts_with("DATE") || name.starts_with("TIMESTAMP")
        }
        Expr::Function(function) => {
            let name = function.name.to_string().to_lowercase();
            [
                "date", "time", "now", "trunc", "day", "month", "min", "max", "coalesce", "nvl", "if",
                "greatest", "least",
            ]
            .iter()
            .any(|part| name.contains(part))
                && function_args(function).iter().any(|a| is_temporal(a, scope))
                || [
                    "to_date",
                    "to_timestamp",
                    "now",
                    "current_timestamp",
                    "current_date",
                    "localtimestamp",
                    "date_add",
                    "date_sub",
                    "date_trunc",
                    "trunc",
                ]
                .contains(&name.as_str())
        }
        Expr::Case {
            conditions,
            else_result,
            ..
        } => {
            conditions.iter().any(|w| is_temporal(&w.result, scope))
                || else_result.as_deref().is_some_and(|e| is_temporal(e, scope))
        }
        Expr::BinaryOp { left, right, .. } => is_temporal(left, scope) || is_temporal(right, scope),
        _ => false,
    }
}

fn function_args(function: &Function) -> Vec<&Expr> {
    match &function.args {
        FunctionArguments::List(list) => list
            .args
            .iter()
            .filter_map(|a| match a {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
