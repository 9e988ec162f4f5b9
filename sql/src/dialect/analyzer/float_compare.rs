//! Comparisons of floats: DataFusion's are in the total order of their bits, in which `-0.0` is less than `0.0` and a NaN with
//! a sign less than everything; Spark's know one zero and one NaN.
//!
//! A column beside a number stays a plain column wherever that gives the same, so that files can be passed over by it. A NaN
//! with a sign in such a column is then not seen.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::super::functions::float_key;

/// `left operator right`, both of this type, which holds floats.
pub(crate) fn compare(left: Expr, operator: Operator, right: Expr, common: &DataType) -> Expr {
    let (left, right) = match (is_zero(&left), is_zero(&right)) {
        (Some(_), Some(_)) | (None, None) => (float_key(left), float_key(right)),
        (None, Some(is_zero)) => beside(left, right, is_zero, operator, common),
        (Some(is_zero), None) => {
            let swapped = operator.swap().unwrap_or(operator);
            let (right, left) = beside(right, left, is_zero, swapped, common);
            (left, right)
        }
    };
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

/// An expression and the number that it is compared with.
fn beside(expr: Expr, number: Expr, is_zero: bool, operator: Operator, common: &DataType) -> (Expr, Expr) {
    if !is_column(&expr) {
        return (float_key(expr), float_key(number));
    }
    match operator {
        _ if !is_zero => (expr, number),
        // Whatever the sign of the column's zero, it is on the right side of this one.
        Operator::Lt | Operator::GtEq => (expr, zero(-0.0, common)),
        Operator::Gt | Operator::LtEq => (expr, zero(0.0, common)),
        _ => (float_key(expr), zero(0.0, common)),
    }
}

fn zero(zero: f64, data_type: &DataType) -> Expr {
    let value = match data_type {
        DataType::Float32 if zero.is_sign_negative() => ScalarValue::Float32(Some(-0.0)),
        DataType::Float32 => ScalarValue::Float32(Some(0.0)),
        _ => ScalarValue::Float64(Some(zero)),
    };
    Expr::Literal(value, None)
}

/// Whether the number that the expression is, is a zero; `None` for what is no number.
fn is_zero(expr: &Expr) -> Option<bool> {
    let constant = match expr {
        // A cast of Spark's, of a decimal.
        Expr::ScalarFunction(call) if call.name() == "spark_cast" => constant(call.args.first()?)?,
        other => constant(other)?,
    };
    match constant {
        ScalarValue::Float64(Some(value)) if !value.is_nan() => Some(value == 0.0),
        ScalarValue::Float32(Some(value)) if !value.is_nan() => Some(value == 0.0),
        ScalarValue::Decimal128(Some(value), ..) => Some(value == 0),
        _ => None,
    }
}

/// The literal that the expression is after its casts.
fn constant(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Cast(cast) => constant(&cast.expr)?.cast_to(cast.field.data_type()).ok(),
        _ => None,
    }
}

fn is_column(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) => true,
        Expr::Cast(cast) => is_column(&cast.expr),
        _ => false,
    }
}
