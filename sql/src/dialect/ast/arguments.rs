//! What a call has beside its plain arguments, made arguments: the order of WITHIN GROUP, maps of options, names; and the
//! parameters of lambdas.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LambdaFunction,
    Value, VisitorMut,
};

use super::super::walk::walk_mut;

/// How a call of `map` is written once its own arguments are done: DataFusion has a rule of its own for that name.
pub(super) const MAP_FUNCTION: &str = "__map";

/// `f(x, map('k', 'v'))` as `f(x, 'k', 'v')`: options are literals, which a map's value is not.
pub(super) fn spread_options(args: &mut Vec<FunctionArg>) {
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(last)))) = args.last() else {
        return;
    };
    if let FunctionArguments::List(options) = &last.args
        && last.name.to_string().trim_matches('`') == MAP_FUNCTION
        && args.len() > 1
    {
        let options = options.args.clone();
        args.pop();
        args.extend(options);
    }
}

/// `arrays_zip(a, array(1))` as `arrays_zip('a', a, '1', array(1))`: a column's name, else the argument's place.
pub(super) fn name_arrays(args: &mut Vec<FunctionArg>) {
    let given = std::mem::take(args);
    for (at, arg) in given.into_iter().enumerate() {
        let name = match &arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(ident))) => ident.value.clone(),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::CompoundIdentifier(parts))) => {
                parts.last().map(|part| part.value.clone()).unwrap_or_default()
            }
            _ => at.to_string(),
        };
        let name = Expr::Value(Value::SingleQuotedString(name).into());
        args.extend([FunctionArg::Unnamed(FunctionArgExpr::Expr(name)), arg]);
    }
}

/// Makes the order of WITHIN GROUP arguments: `percentile_cont(x, part, descending)`, `mode(x)`, and
/// `listagg(text, delimiter, x, descending)`, with NULL for `x` where it is the text.
pub(super) fn order_as_arguments(name: &str, function: &mut Function) {
    let Some(order) = function.within_group.pop() else {
        return;
    };
    let FunctionArguments::List(list) = &mut function.args else {
        return;
    };
    let argument = |e: Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(e));
    let descending = Expr::Value(Value::Boolean(order.options.asc == Some(false)).into());
    match name {
        "mode" => list.args.insert(0, argument(order.expr)),
        "listagg" | "string_agg" => {
            if list.args.len() == 1 {
                let nothing = Value::SingleQuotedString(String::new());
                list.args.push(argument(Expr::Value(nothing.into())));
            }
            // The texts order themselves.
            let by_text = list.args.first() == Some(&argument(order.expr.clone()));
            let ordering = if by_text {
                Expr::Value(Value::Null.into())
            } else {
                order.expr
            };
            list.args.extend([argument(ordering), argument(descending)]);
        }
        _ => {
            list.args.insert(0, argument(order.expr));
            list.args.push(argument(descending));
        }
    }
}

/// `x.a` of a lambda's parameter `x` as the access to a field: the planner would look for a table `x`.
pub(super) fn fields_of_parameters(lambda: &mut LambdaFunction) {
    let mut accesses = ParameterFields {
        parameters: lambda.params.iter().map(|p| p.name.value.clone()).collect(),
    };
    let ControlFlow::Continue(()) = walk_mut(&mut lambda.body, &mut accesses);
}

struct ParameterFields {
    parameters: Vec<String>,
}

impl VisitorMut for ParameterFields {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let Some((first, fields)) = parts.split_first()
            && self
                .parameters
                .iter()
                .any(|p| p.eq_ignore_ascii_case(&first.value))
        {
            let field = |name: &Ident| {
                AccessExpr::Dot(Expr::Value(Value::SingleQuotedString(name.value.clone()).into()))
            };
            *expr = Expr::CompoundFieldAccess {
                root: Box::new(Expr::Identifier(first.clone())),
                access_chain: fields.iter().map(field).collect(),
            };
        }
        ControlFlow::Continue(())
    }
}
