//! Binary operators: their operands' common type, their result's type, and the function that computes them.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result as DataFusionResult};
use datafusion::logical_expr::planner::RawBinaryExpr;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use datafusion::sql::sqlparser::ast::BinaryOperator as Op;

use super::super::SqlSettings;
use super::super::ast::INTERVAL_LITERAL;
use super::super::functions::{Arithmetic, arithmetic, coerce, concat, holds_floats};
use super::{
    adjusted, as_decimal, comparison, float_compare, is_float, is_integer, is_numeric, is_string, literal,
    temporal,
};
use crate::SqlError;
use crate::record::value::IntervalFields;

/// Plans `left op right`.
pub(super) fn plan(raw: RawBinaryExpr, schema: &DFSchema, settings: &SqlSettings) -> DataFusionResult<Expr> {
    let RawBinaryExpr { op, left, right } = raw;
    let left = Operand::new(left, schema)?;
    let right = Operand::new(right, schema)?;
    Ok(match op {
        Op::Custom(name) if name == INTERVAL_LITERAL => temporal::interval(&left.expr, &right.expr)?,
        Op::Plus => arithmetic_op(Arithmetic::Add, left, right, settings)?,
        Op::Minus => arithmetic_op(Arithmetic::Subtract, left, right, settings)?,
        Op::Multiply => arithmetic_op(Arithmetic::Multiply, left, right, settings)?,
        Op::Divide => arithmetic_op(Arithmetic::Divide, left, right, settings)?,
        Op::Modulo => arithmetic_op(Arithmetic::Remainder, left, right, settings)?,
        Op::MyIntegerDivide => arithmetic_op(Arithmetic::IntegerDivide, left, right, settings)?,
        Op::Eq => compare(Operator::Eq, left, right, settings)?,
        Op::NotEq => compare(Operator::NotEq, left, right, settings)?,
        Op::Lt => compare(Operator::Lt, left, right, settings)?,
        Op::LtEq => compare(Operator::LtEq, left, right, settings)?,
        Op::Gt => compare(Operator::Gt, left, right, settings)?,
        Op::GtEq => compare(Operator::GtEq, left, right, settings)?,
        Op::Spaceship => compare(Operator::IsNotDistinctFrom, left, right, settings)?,
        Op::And | Op::Or => {
            let operator = if op == Op::And {
                Operator::And
            } else {
                Operator::Or
            };
            for side in [&left, &right] {
                let is_condition = matches!(side.data_type, DataType::Boolean | DataType::Null)
                    || settings.ansi && is_string(&side.data_type);
                if !is_condition {
                    return Err(mismatch(&operator.to_string(), &left.data_type, &right.data_type).into());
                }
            }
            let (left, right) = (
                left.cast(&DataType::Boolean, settings)?,
                right.cast(&DataType::Boolean, settings)?,
            );
            native(left, operator, right)
        }
        Op::StringConcat => concat(vec![left.expr, right.expr], settings),
        Op::BitwiseAnd => bitwise(Operator::BitwiseAnd, left, right, settings)?,
        Op::BitwiseOr => bitwise(Operator::BitwiseOr, left, right, settings)?,
        Op::BitwiseXor => bitwise(Operator::BitwiseXor, left, right, settings)?,
        other => return Err(unsupported(&format!("The operator {other}")).into()),
    })
}

/// An operand with its type.
pub(super) struct Operand {
    pub(super) expr: Expr,
    pub(super) data_type: DataType,
    /// The fields of an interval.
    pub(super) interval: Option<IntervalFields>,
}

impl Operand {
    fn new(expr: Expr, schema: &DFSchema) -> DataFusionResult<Self> {
        let data_type = expr.get_type(schema)?;
        let interval = match IntervalFields::of_type(&data_type) {
            Some(_) => IntervalFields::of(expr.to_field(schema)?.1.as_ref()),
            None => None,
        };
        Ok(Self {
            expr,
            data_type,
            interval,
        })
    }

    /// The operand as another type.
    pub(super) fn cast(self, to: &DataType, settings: &SqlSettings) -> Result<Expr, SqlError> {
        coerce(self.expr, &self.data_type, to, settings)
    }
}

pub(super) fn native(left: Expr, operator: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

fn compare(
    operator: Operator,
    left: Operand,
    right: Operand,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    let equality = matches!(
        operator,
        Operator::Eq | Operator::NotEq | Operator::IsNotDistinctFrom
    );
    let common = comparison(&left.data_type, &right.data_type, settings.ansi).or_else(|| {
        (equality && !settings.ansi)
            .then(|| number_beside_boolean(&left.data_type, &right.data_type))
            .flatten()
    });
    let Some(common) = common else {
        return Err(mismatch(&operator.to_string(), &left.data_type, &right.data_type));
    };
    if matches!(common, DataType::Map(..)) {
        return Err(mismatch(&operator.to_string(), &left.data_type, &right.data_type));
    }
    let (left, right) = (left.cast(&common, settings)?, right.cast(&common, settings)?);
    if holds_floats(&common) {
        return Ok(float_compare::compare(left, operator, right, &common));
    }
    Ok(native(left, operator, right))
}

/// The number that a boolean is compared with for equality, without ANSI: true is 1, false 0.
fn number_beside_boolean(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        (DataType::Boolean, number) | (number, DataType::Boolean) if is_numeric(number) => {
            Some(number.clone())
        }
        _ => None,
    }
}

fn bitwise(
    operator: Operator,
    left: Operand,
    right: Operand,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    let (l, r) = (&left.data_type, &right.data_type);
    let common = match (is_string(l), is_string(r)) {
        (true, false) | (false, true) if !settings.ansi => None,
        _ => comparison(l, r, true),
    };
    let common = match common {
        Some(DataType::Null) => DataType::Int32,
        Some(common) if is_integer(&common) => common,
        _ => return Err(mismatch(&operator.to_string(), l, r)),
    };
    Ok(native(
        left.cast(&common, settings)?,
        operator,
        right.cast(&common, settings)?,
    ))
}

fn arithmetic_op(
    op: Arithmetic,
    left: Operand,
    right: Operand,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    if temporal::concerns(op, &left, &right) {
        return temporal::plan(op, left, right, settings);
    }
    let (l, r) = (&left.data_type, &right.data_type);
    // A string takes the kind of the other side.
    let (l, r) = match (is_string(l), is_string(r)) {
        (false, false) => (l.clone(), r.clone()),
        _ if !settings.ansi && op == Arithmetic::IntegerDivide => return Err(mismatch(op.symbol(), l, r)),
        _ if !settings.ansi => (DataType::Float64, DataType::Float64),
        (true, true) => return Err(wrong_type(op.symbol(), l)),
        (true, false) if is_integer(r) => (DataType::Int64, DataType::Int64),
        (false, true) if is_integer(l) => (DataType::Int64, DataType::Int64),
        _ => (DataType::Float64, DataType::Float64),
    };
    let (l, r) = match (&l, &r) {
        (DataType::Null, DataType::Null) => (DataType::Float64, DataType::Float64),
        (DataType::Null, other) | (other, DataType::Null) => (other.clone(), other.clone()),
        _ => (l, r),
    };
    if !is_numeric(&l) || !is_numeric(&r) {
        return Err(mismatch(op.symbol(), &l, &r));
    }
    let is_decimal = |t: &DataType| matches!(t, DataType::Decimal128(..));
    if (is_decimal(&l) || is_decimal(&r)) && !is_float(&l) && !is_float(&r) {
        return decimal(op, left, right, &l, &r, settings);
    }
    let common = match op {
        Arithmetic::Divide => DataType::Float64,
        Arithmetic::IntegerDivide if is_integer(&l) && is_integer(&r) => DataType::Int64,
        Arithmetic::IntegerDivide => return Err(mismatch(op.symbol(), &l, &r)),
        _ => super::tightest_under(&l, &r, settings.ansi).ok_or_else(|| mismatch(op.symbol(), &l, &r))?,
    };
    Ok(arithmetic(
        op,
        left.cast(&common, settings)?,
        right.cast(&common, settings)?,
        common,
        settings,
    ))
}

/// Decimal arithmetic: the result's precision and scale are Spark's.
fn decimal(
    op: Arithmetic,
    left: Operand,
    right: Operand,
    l: &DataType,
    r: &DataType,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    let wrong = || mismatch(op.symbol(), l, r);
    let (p1, s1) = decimal_of(&left, l).ok_or_else(wrong)?;
    let (p2, s2) = decimal_of(&right, r).ok_or_else(wrong)?;
    let result = match op {
        Arithmetic::Add | Arithmetic::Subtract => {
            let scale = s1.max(s2);
            adjusted((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Arithmetic::Multiply => adjusted(p1 + p2 + 1, s1 + s2),
        Arithmetic::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            adjusted(p1 - s1 + s2 + scale, scale)
        }
        Arithmetic::Remainder => {
            let scale = s1.max(s2);
            adjusted((p1 - s1).min(p2 - s2) + scale, scale)
        }
        Arithmetic::IntegerDivide => DataType::Int64,
    };
    let (left_type, right_type) = (adjusted(p1, s1), adjusted(p2, s2));
    Ok(arithmetic(
        op,
        left.cast(&left_type, settings)?,
        right.cast(&right_type, settings)?,
        result,
        settings,
    ))
}

/// The decimal an operand counts as: a whole-number literal has as many digits as it is written with.
fn decimal_of(operand: &Operand, data_type: &DataType) -> Option<(i32, i32)> {
    if is_integer(data_type)
        && let Some(value) = literal::value_of(&operand.expr)
    {
        let digits = value.to_string().trim_start_matches('-').len();
        return Some((i32::try_from(digits).ok()?.max(1), 0));
    }
    as_decimal(data_type)
}

/// The error for operands of one type that the operator does not take.
fn wrong_type(operator: &str, data_type: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
        format!(
            "Cannot resolve an expression with `{operator}` due to data type mismatch: the operator takes numbers, not {}.",
            super::super::functions::type_name(data_type)
        ),
    )
}

pub(super) fn mismatch(operator: &str, left: &DataType, right: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        format!(
            "Cannot resolve an expression with `{operator}` due to data type mismatch: the left and right operands have \
             incompatible types ({} and {}).",
            super::super::functions::type_name(left),
            super::super::functions::type_name(right)
        ),
    )
}

fn unsupported(what: &str) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!("{what} is not supported in the spark dialect yet."),
    )
}
