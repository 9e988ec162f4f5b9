//! Number literals with Spark's types: `1` is INT, `3000000000` BIGINT, `0.908` DECIMAL(3,3), `1e3` DOUBLE.
//!
//! A literal becomes a cast of its digits; the marker tells it from a cast in the text where a bare number is wanted (LIMIT,
//! ordinals, the later arguments of functions).

use datafusion::sql::sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, Value, ValueWithSpan};

use super::super::tokens::decimal_shape;
use crate::{Result, SqlError};

/// The typed literal of these digits.
///
/// # Errors
/// DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION for more than 38 digits.
pub(crate) fn typed(digits: &str, negative: bool) -> Result<Expr> {
    let signed = if negative {
        format!("-{digits}")
    } else {
        digits.to_owned()
    };
    let data_type = if digits.contains(['e', 'E']) {
        DataType::Double(ExactNumberInfo::None)
    } else if digits.contains('.') {
        decimal(digits)?
    } else if signed.parse::<i32>().is_ok() {
        DataType::Int(None)
    } else if signed.parse::<i64>().is_ok() {
        DataType::BigInt(None)
    } else {
        decimal(digits)?
    };
    let text = match data_type {
        DataType::Int(_) | DataType::BigInt(_) => Value::Number(signed, false),
        _ => Value::SingleQuotedString(signed),
    };
    Ok(Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(text.into())),
        data_type,
        // The parser never sets this with CAST in this dialect: it marks a literal.
        array: false,
        format: None,
    })
}

fn decimal(digits: &str) -> Result<DataType> {
    let (precision, scale) = decimal_shape(digits);
    if precision > 38 {
        return Err(SqlError::new(
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            format!("Decimal precision {precision} exceeds max precision 38."),
        ));
    }
    let precision = u64::try_from(precision).unwrap_or(38);
    let scale = i64::try_from(scale).unwrap_or(0);
    Ok(DataType::Decimal(ExactNumberInfo::PrecisionAndScale(
        precision, scale,
    )))
}

/// The digits of a whole-number literal made by [`typed`].
pub(crate) fn whole_digits(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Cast {
            kind: CastKind::Cast,
            expr,
            data_type: DataType::Int(None) | DataType::BigInt(None),
            ..
        } => match expr.as_ref() {
            Expr::Value(ValueWithSpan {
                value: Value::Number(digits, _),
                ..
            }) => Some(digits),
            _ => None,
        },
        _ => None,
    }
}

/// Turns a literal made by [`typed`] back into a bare number; other expressions stay.
pub(crate) fn bare(expr: &mut Expr) {
    if let Some(digits) = whole_digits(expr) {
        *expr = Expr::Value(Value::Number(digits.to_owned(), false).into());
    }
}

/// The digits of the one number that is a DECIMAL without its sign and a BIGINT with it.
const LEAST_BIGINT: &str = "9223372036854775808";

/// The negated literal, if this is a literal made by [`typed`].
pub(crate) fn negated(expr: &Expr) -> Option<Result<Expr>> {
    match expr {
        Expr::Cast {
            kind: CastKind::Cast,
            expr: inner,
            ..
        } => match inner.as_ref() {
            Expr::Value(ValueWithSpan {
                value: Value::Number(digits, _),
                ..
            }) if !digits.starts_with('-') => Some(typed(digits, true)),
            Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(digits),
                ..
            }) if digits == LEAST_BIGINT => Some(typed(digits, true)),
            Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(digits),
                ..
            }) if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && digits.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c)) =>
            {
                let mut out = expr.clone();
                if let Expr::Cast { expr: inner, .. } = &mut out {
                    **inner = Expr::Value(Value::SingleQuotedString(format!("-{digits}")).into());
                }
                Some(Ok(out))
            }
            _ => None,
        },
        _ => None,
    }
}
