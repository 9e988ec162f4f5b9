//! Spark's expressions as calls of functions that carry its meaning: casts, CASE, IN, BETWEEN, RLIKE, `f(x).field` and others.
//!
//! A call keeps arguments lazy where Spark's expression is (CASE, coalesce): such a function becomes DataFusion's own
//! expression again when the plan is simplified, after its types are settled.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, Interval, LimitClause, ObjectName,
    OrderByKind, Query, Select, TrimWhereField, TypedString, UnaryOperator, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};

use super::super::functions::{self, CAST_PREFIX, TRY_CAST_PREFIX};
use super::arguments::{MAP_FUNCTION, fields_of_parameters, name_arrays, order_as_arguments, spread_options};
use super::{datetime_calls, like, literal};
use crate::record::value::{parse_date, parse_timestamp_local};
use crate::{Result, SqlError};

/// Rewrites every expression of the query.
pub(crate) fn rewrite(query: &mut Query) -> Result<()> {
    match query.visit(&mut Desugar) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Desugar;

impl VisitorMut for Desugar {
    type Break = SqlError;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        let taken = std::mem::replace(expr, Expr::Value(Value::Null.into()));
        match one(taken) {
            Ok(new) => {
                *expr = new;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
            exprs.iter_mut().for_each(literal::bare);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order.kind
        {
            exprs.iter_mut().for_each(|e| literal::bare(&mut e.expr));
        }
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter_mut().for_each(literal::bare);
                offset.iter_mut().for_each(|o| literal::bare(&mut o.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                literal::bare(offset);
                literal::bare(limit);
            }
            None => {}
        }
        ControlFlow::Continue(())
    }
}

/// One expression whose parts are already rewritten.
fn one(expr: Expr) -> Result<Expr> {
    Ok(match expr {
        Expr::Value(ValueWithSpan {
            value: Value::Number(digits, _),
            ..
        }) => literal::typed(&digits, false)?,
        Expr::Cast {
            kind: CastKind::DoubleColon,
            expr,
            data_type,
            ..
        } if matches!(expr.as_ref(), Expr::Value(_)) => Expr::Cast {
            kind: CastKind::Cast,
            expr,
            data_type,
            array: false,
            format: None,
        },
        Expr::Cast {
            kind,
            expr,
            data_type,
            ..
        } => {
            let prefix = match kind {
                CastKind::Cast | CastKind::DoubleColon => CAST_PREFIX,
                CastKind::TryCast | CastKind::SafeCast => TRY_CAST_PREFIX,
            };
            cast(prefix, *expr, &data_type)
        }
        Expr::TypedString(typed) => typed_string(typed)?,
        Expr::UnaryOp { op, expr } => unary(op, *expr)?,
        Expr::Extract { field, expr, .. } => {
            call(datetime_calls::field_function(&field.to_string())?, vec![*expr])
        }
        Expr::Function(function) => match datetime_calls::part(&function)? {
            Some((field, time)) => call(datetime_calls::field_function(&field)?, vec![time]),
            None => infallible(Expr::Function(function)),
        },
        Expr::Like {
            negated,
            any,
            expr,
            pattern,
            escape_char,
        } => Expr::Like {
            negated,
            any,
            expr: Box::new(text_of(*expr)),
            pattern: Box::new(escaped(*pattern, escape_char)?),
            escape_char: None,
        },
        Expr::ILike {
            negated,
            any,
            expr,
            pattern,
            escape_char,
        } => Expr::ILike {
            negated,
            any,
            expr: Box::new(text_of(*expr)),
            pattern: Box::new(escaped(*pattern, escape_char)?),
            escape_char: None,
        },
        other => infallible(other),
    })
}

/// The expressions whose rewriting cannot fail.
fn infallible(expr: Expr) -> Expr {
    match expr {
        Expr::Between {
            expr,
            negated,
            low,
            high,
        } => {
            let both = binary(
                binary(*expr.clone(), BinaryOperator::GtEq, *low),
                BinaryOperator::And,
                binary(*expr, BinaryOperator::LtEq, *high),
            );
            negate(negated, both)
        }
        Expr::InList { expr, list, negated } => in_list(*expr, list, negated),
        Expr::RLike {
            negated,
            expr,
            pattern,
            ..
        } => negate(negated, call("__rlike", vec![*expr, *pattern])),
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => case(operand, conditions, else_result),
        Expr::Ceil { expr, .. } => call("ceil", vec![*expr]),
        Expr::Floor { expr, .. } => call("floor", vec![*expr]),
        Expr::Position { expr, r#in } => call("locate", vec![*expr, *r#in]),
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            let mut args = vec![*expr];
            args.extend(substring_from.map(|e| *e));
            args.extend(substring_for.map(|e| *e));
            call("substring", args)
        }
        Expr::Trim {
            trim_where,
            trim_what,
            expr,
            ..
        } => trim(trim_where, trim_what, *expr),
        Expr::Struct { values, fields } if fields.is_empty() => named_struct(values),
        Expr::CompoundFieldAccess {
            root,
            mut access_chain,
        } => {
            access_chain.iter_mut().for_each(name_field);
            Expr::CompoundFieldAccess { root, access_chain }
        }
        Expr::Lambda(mut lambda) => {
            fields_of_parameters(&mut lambda);
            Expr::Lambda(lambda)
        }
        // The fields only name a column.
        Expr::Interval(interval) => Expr::Interval(Interval {
            leading_field: None,
            last_field: None,
            ..interval
        }),
        Expr::Function(function) => operator_of(&function).unwrap_or_else(|| of_function(function)),
        other => other,
    }
}

/// The pattern of a LIKE as a string, escaped by backslashes.
fn escaped(pattern: Expr, escape: Option<ValueWithSpan>) -> Result<Expr> {
    match escape {
        Some(escape) => like::with_backslashes(pattern, &escape),
        None => Ok(text_of(pattern)),
    }
}

/// An operand of LIKE as a string; a string in the text is one.
fn text_of(expr: Expr) -> Expr {
    match expr {
        Expr::Value(_) => expr,
        other => cast(CAST_PREFIX, other, &DataType::String(None)),
    }
}

/// `.field` as the planner takes it: the field's name as a string.
fn name_field(access: &mut AccessExpr) {
    if let AccessExpr::Dot(field) = access
        && let Expr::Identifier(name) = field
    {
        *field = Expr::Value(Value::SingleQuotedString(name.value.clone()).into());
    }
}

/// `DATE '…'`, `TIMESTAMP '…'`.
fn typed_string(typed: TypedString) -> Result<Expr> {
    let Value::SingleQuotedString(text) = &typed.value.value else {
        return Err(unsupported_literal(&typed.data_type));
    };
    let bytes = text.as_bytes();
    let (data_type, fits) = match &typed.data_type {
        DataType::Date => (typed.data_type.clone(), parse_date(bytes).is_some()),
        DataType::TimestampNtz(None) => (typed.data_type.clone(), parse_timestamp_local(bytes).is_some()),
        DataType::Timestamp(None, _) => (typed.data_type.clone(), parse_timestamp_local(bytes).is_some()),
        other => return Err(unsupported_literal(other)),
    };
    if !fits {
        return Err(SqlError::new(
            "INVALID_TYPED_LITERAL",
            format!("The value of the typed literal \"{data_type}\" is invalid: '{text}'."),
        ));
    }
    Ok(cast(CAST_PREFIX, Expr::Value(typed.value), &data_type))
}

fn unsupported_literal(data_type: &DataType) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_TYPED_LITERAL",
        format!("Literals of the type \"{data_type}\" are not supported."),
    )
}

fn case(operand: Option<Box<Expr>>, conditions: Vec<CaseWhen>, otherwise: Option<Box<Expr>>) -> Expr {
    let mut args = Vec::new();
    for when in conditions {
        args.push(match &operand {
            Some(operand) => binary(operand.as_ref().clone(), BinaryOperator::Eq, when.condition),
            None => when.condition,
        });
        args.push(when.result);
    }
    args.extend(otherwise.map(|e| *e));
    call("__case", args)
}

fn trim(side: Option<TrimWhereField>, chars: Option<Box<Expr>>, expr: Expr) -> Expr {
    let name = match side {
        None | Some(TrimWhereField::Both) => "__trim",
        Some(TrimWhereField::Leading) => "__ltrim",
        Some(TrimWhereField::Trailing) => "__rtrim",
    };
    let mut args = vec![expr];
    args.extend(chars.map(|e| *e));
    call(name, args)
}

fn unary(op: UnaryOperator, expr: Expr) -> Result<Expr> {
    Ok(match op {
        UnaryOperator::Minus => match literal::negated(&expr) {
            Some(literal) => literal?,
            None => call("negative", vec![expr]),
        },
        UnaryOperator::Plus => expr,
        UnaryOperator::BangNot => negate(true, expr),
        UnaryOperator::BitwiseNot => call("__bit_not", vec![expr]),
        op => Expr::UnaryOp {
            op,
            expr: Box::new(expr),
        },
    })
}

/// `x IN (a, b)` as a call, whose operands meet in one type; DataFusion makes a list of it again.
fn in_list(expr: Expr, list: Vec<Expr>, negated: bool) -> Expr {
    let operands = std::iter::once(expr).chain(list).collect();
    negate(negated, call("__in", operands))
}

fn cast(prefix: &str, expr: Expr, data_type: &DataType) -> Expr {
    let data_type = data_type.to_string();
    call(&format!("{prefix}{}", data_type.trim_matches('`')), vec![expr])
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }))
}

fn negate(negated: bool, expr: Expr) -> Expr {
    if negated {
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: Box::new(expr),
        }
    } else {
        expr
    }
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
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
fn operator_of(function: &Function) -> Option<Expr> {
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
fn of_function(mut function: Function) -> Expr {
    let name = function.name.to_string().trim_matches('`').to_owned();
    let name = if name.starts_with("__") {
        name
    } else {
        name.to_lowercase()
    };
    order_as_arguments(&name, &mut function);
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
fn named_struct(values: Vec<Expr>) -> Expr {
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
