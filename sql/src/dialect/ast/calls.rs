//! Calls of functions: how a call is written for the planner, and which calls are operators or other calls.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, Query, Value, Visitor,
};

use super::super::functions::{self, CAST_PREFIX};
use super::super::walk::walk;
use super::arguments::{MAP_FUNCTION, name_arrays, order_as_arguments, spread_options};
use super::{datetime_calls, literal, window_calls};

/// Whether one of these calls is in the expression, those in its subqueries aside.
pub(super) fn holds_call(expr: &Expr, is_it: &dyn Fn(&Function) -> bool) -> bool {
    struct Finder<'a> {
        is_it: &'a dyn Fn(&Function) -> bool,
        depth: usize,
    }
    impl Visitor for Finder<'_> {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(call) if self.depth == 0 && (self.is_it)(call) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    walk(expr, &mut Finder { is_it, depth: 0 }).is_break()
}

/// The cast that a prefix names, to this type.
pub(super) fn cast(prefix: &str, expr: Expr, data_type: &DataType) -> Expr {
    let data_type = data_type.to_string();
    call(&format!("{prefix}{}", data_type.trim_matches('`')), vec![expr])
}

/// `(left op right)`.
pub(super) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }))
}

/// A call of the function of this name.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let function = Function {
        name: ObjectName::from(vec![Ident::with_quote('`', name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args
                .into_iter()
                .map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e)))
                .collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    };
    of_function(function)
}

/// The operator or other call that a call stands for.
pub(super) fn operator_of(function: &Function) -> Option<Expr> {
    let name = function.name.to_string().trim_matches('`').to_lowercase();
    let args: Vec<Expr> = match &function.args {
        FunctionArguments::List(list) => list
            .args
            .iter()
            .filter_map(|a| match a {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    if let Some((name, args)) = datetime_calls::with_unit(function) {
        return Some(call(name, args));
    }
    Some(match (name.as_str(), args.as_slice()) {
        (to, [x]) if functions::CASTS.contains(&to) => {
            call(&format!("{CAST_PREFIX}{}", to.to_uppercase()), vec![x.clone()])
        }
        ("map", args) => call(MAP_FUNCTION, args.to_vec()),
        ("isnull", [x]) => Expr::IsNull(Box::new(x.clone())),
        ("isnotnull", [x]) => Expr::IsNotNull(Box::new(x.clone())),
        // The characters come first here, last in the layers below.
        ("ltrim", [chars, text]) => call("__ltrim", vec![text.clone(), chars.clone()]),
        ("rtrim", [chars, text]) => call("__rtrim", vec![text.clone(), chars.clone()]),
        ("mod", [a, b]) => binary(a.clone(), BinaryOperator::Modulo, b.clone()),
        ("pmod", [a, b]) => {
            let remainder = binary(a.clone(), BinaryOperator::Modulo, b.clone());
            call("__pmod", vec![remainder, b.clone()])
        }
        ("try_add", [a, b]) => tried(a, BinaryOperator::Plus, b),
        ("try_subtract", [a, b]) => tried(a, BinaryOperator::Minus, b),
        ("try_multiply", [a, b]) => tried(a, BinaryOperator::Multiply, b),
        ("try_divide", [a, b]) => tried(a, BinaryOperator::Divide, b),
        ("try_mod", [a, b]) => tried(a, BinaryOperator::Modulo, b),
        ("equal_null", [a, b]) => binary(a.clone(), BinaryOperator::Spaceship, b.clone()),
        ("nullifzero", [x]) => {
            let is_zero = binary(x.clone(), BinaryOperator::Eq, zero());
            call(
                "__case",
                vec![is_zero, Expr::Value(Value::Null.into()), x.clone()],
            )
        }
        ("zeroifnull", [x]) => call("coalesce", vec![x.clone(), zero()]),
        ("like", [text, pattern]) => Expr::Like {
            negated: false,
            any: false,
            expr: Box::new(text.clone()),
            pattern: Box::new(pattern.clone()),
            escape_char: None,
        },
        ("ilike", [text, pattern]) => Expr::ILike {
            negated: false,
            any: false,
            expr: Box::new(text.clone()),
            pattern: Box::new(pattern.clone()),
            escape_char: None,
        },
        ("decode", [value, cases @ ..]) if cases.len() > 1 => decode(value, cases),
        // DataFusion's digest is a view of a string.
        ("md5", [_]) => cast(
            CAST_PREFIX,
            of_function(function.clone()),
            &DataType::String(None),
        ),
        _ => return None,
    })
}

/// `try_add` and its like: the operator, marked.
fn tried(a: &Expr, op: BinaryOperator, b: &Expr) -> Expr {
    call("__try", vec![binary(a.clone(), op, b.clone())])
}

/// A typed 0.
fn zero() -> Expr {
    cast(
        CAST_PREFIX,
        Expr::Value(Value::Number("0".to_owned(), false).into()),
        &DataType::Int(None),
    )
}

/// `decode(value, case, result, …[, default])`: NULL is a case like others.
fn decode(value: &Expr, cases: &[Expr]) -> Expr {
    let mut args = Vec::new();
    for pair in cases.chunks(2) {
        match pair {
            [case, result] => {
                args.push(binary(value.clone(), BinaryOperator::Spaceship, case.clone()));
                args.push(result.clone());
            }
            default => args.extend(default.iter().cloned()),
        }
    }
    call("__case", args)
}

/// A call with its name folded and the whole numbers among its parameters bare.
pub(super) fn of_function(mut function: Function) -> Expr {
    let name = function.name.to_string().trim_matches('`').to_owned();
    let name = if name.starts_with("__") {
        name
    } else {
        name.to_lowercase()
    };
    order_as_arguments(&name, &mut function);
    window_calls::bare_frame(&mut function);
    if let FunctionArguments::List(list) = &mut function.args {
        if name == "named_struct" || name == "struct" {
            let values: Vec<Expr> = list
                .args
                .iter()
                .filter_map(|a| match a {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
                    _ => None,
                })
                .collect();
            if name == "struct" {
                return named_struct(values);
            }
        }
        if name == "arrays_zip" {
            name_arrays(&mut list.args);
        }
        if matches!(name.as_str(), "from_json" | "to_json" | "schema_of_json") {
            spread_options(&mut list.args);
        }
        if !functions::types_follow_arguments(&name) {
            for arg in list.args.iter_mut().skip(1) {
                if let FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) = arg {
                    literal::bare(e);
                }
            }
        }
    } else if matches!(function.args, FunctionArguments::None) {
        function.args = FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        });
    }
    function.name = ObjectName::from(vec![Ident::with_quote('`', name)]);
    Expr::Function(function)
}

/// `struct(a, b AS x, 1)`: the names are those of the columns, else `col1`, `col2`.
pub(super) fn named_struct(values: Vec<Expr>) -> Expr {
    let mut args = Vec::new();
    for (at, value) in values.into_iter().enumerate() {
        let (name, value) = match value {
            Expr::Named { expr, name } => (name.value, *expr),
            Expr::Identifier(ident) => (ident.value.clone(), Expr::Identifier(ident)),
            Expr::CompoundIdentifier(idents) => (
                idents.last().map(|i| i.value.clone()).unwrap_or_default(),
                Expr::CompoundIdentifier(idents),
            ),
            other => (format!("col{}", at + 1), other),
        };
        args.push(Expr::Value(Value::SingleQuotedString(name).into()));
        args.push(value);
    }
    call("named_struct", args)
}
