//! Spark's expressions as calls of functions that carry its meaning: casts, CASE, IN, BETWEEN, RLIKE, `f(x).field` and others.
//!
//! A call keeps arguments lazy where Spark's expression is (CASE, coalesce): such a function becomes DataFusion's own
//! expression again when the plan is simplified, after its types are settled.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, Expr, GroupByExpr, LimitClause, OrderByKind,
    Query, Select, SetExpr, TrimWhereField, TypedString, UnaryOperator, Value, ValueWithSpan, VisitorMut,
};

use super::super::functions::{CAST_PREFIX, TRY_CAST_PREFIX};
use super::super::walk::walk_mut;
use super::arguments::fields_of_parameters;
use super::calls::{binary, call, cast, named_struct, of_function, operator_of};
use super::{datetime_calls, interval, like, literal};
use crate::record::value::{parse_date, parse_timestamp_local};
use crate::{Result, SqlError};

/// Rewrites every expression of the query.
pub(crate) fn rewrite(query: &mut Query) -> Result<()> {
    walk_mut(query, &mut Desugar).break_value().map_or(Ok(()), Err)
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
        if let SetExpr::Values(values) = query.body.as_mut() {
            interval::unite(values);
        }
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
        Expr::Interval(literal) => interval::literal(&literal)?,
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
