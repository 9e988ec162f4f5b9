//! The names of comparisons. Spark prints some as its analyzer has changed them: a whole number beside a decimal literal is
//! compared with the next whole number (`(i > 1)` for `i > 1.5`), and `b = 1` is `b`.

use datafusion::sql::sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr, UnaryOperator, Value};

use super::super::analyzer::is_integer;
use super::kind;
use super::spark_name::{NameScope, strip};

/// The name of `left op right`, whose names are known; `None` where it is not.
pub(super) fn name(
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
    (l, r): (&str, &str),
    scope: &NameScope,
) -> Option<String> {
    if let Some(text) = of_boolean(left, op, right, (l, r), scope) {
        return Some(text);
    }
    let symbol = match op {
        BinaryOperator::Eq => "=",
        BinaryOperator::Spaceship => "<=>",
        BinaryOperator::NotEq => return Some(format!("(NOT ({l} = {r}))")),
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        _ => return None,
    };
    if matches!(op, BinaryOperator::Eq | BinaryOperator::Spaceship) {
        return Some(format!("({l} {symbol} {r})"));
    }
    // Towards which whole number the literal goes, seen from the left side.
    let up = matches!(op, BinaryOperator::Lt | BinaryOperator::GtEq);
    let l = beside(right, left, l, !up, scope)?;
    let r = beside(left, right, r, up, scope)?;
    Some(format!("({l} {symbol} {r})"))
}

/// The name of one side: of a decimal literal the next whole number, where the other side is one.
fn beside(other: &Expr, side: &Expr, text: &str, up: bool, scope: &NameScope) -> Option<String> {
    let Some(literal) = decimal_literal(side) else {
        // A sign before a literal is no part of it.
        let unclear = matches!(strip(side), Expr::UnaryOp { op: UnaryOperator::Plus, expr } if decimal_literal(expr).is_some());
        return (!unclear).then(|| text.to_owned());
    };
    if is_integer(&kind::of(other, scope)?) {
        literal.whole(up).map(|whole| whole.to_string())
    } else {
        Some(text.to_owned())
    }
}

struct DecimalLiteral<'a> {
    negative: bool,
    digits: &'a str,
}

impl DecimalLiteral<'_> {
    /// The next whole number up or down; `None` beyond BIGINT, where Spark knows the result.
    fn whole(&self, up: bool) -> Option<i64> {
        let (whole, fraction) = self.digits.split_once('.').unwrap_or((self.digits, ""));
        let whole = if whole.is_empty() {
            0
        } else {
            whole.parse::<i128>().ok()?
        };
        let rest = fraction.contains(|digit| digit != '0');
        let whole = match (self.negative, rest) {
            (false, true) if up => whole + 1,
            (true, true) if !up => -whole - 1,
            (true, _) => -whole,
            (false, _) => whole,
        };
        i64::try_from(whole).ok()
    }
}

/// A decimal in the text: digits with a point or of more than BIGINT, or with the suffix BD.
fn decimal_literal(expr: &Expr) -> Option<DecimalLiteral<'_>> {
    let (negative, number) = match strip(expr) {
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => (true, strip(expr)),
        other => (false, other),
    };
    let digits = match number {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _)
                if !digits.contains(['e', 'E'])
                    && (digits.contains('.') || digits.parse::<i64>().is_err()) =>
            {
                digits
            }
            _ => return None,
        },
        Expr::Cast {
            kind: CastKind::DoubleColon,
            expr,
            data_type: DataType::Decimal(_),
            ..
        } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(digits) => digits,
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain.then_some(DecimalLiteral { negative, digits })
}

/// Without ANSI a boolean equals 1 where it is true.
fn of_boolean(
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
    (l, r): (&str, &str),
    scope: &NameScope,
) -> Option<String> {
    if scope.known.ansi {
        return None;
    }
    let is_boolean = |expr: &Expr| kind::of(expr, scope) == Some(arrow::datatypes::DataType::Boolean);
    let (text, truth) = match (truth(left), truth(right)) {
        (None, Some(truth)) if is_boolean(left) => (l, truth),
        (Some(truth), None) if is_boolean(right) => (r, truth),
        _ => return None,
    };
    let equal = if truth {
        text.to_owned()
    } else {
        format!("(NOT {text})")
    };
    match op {
        BinaryOperator::Eq => Some(equal),
        BinaryOperator::NotEq => Some(format!("(NOT {equal})")),
        BinaryOperator::Spaceship => Some(format!("(({text} IS NOT NULL) AND {equal})")),
        _ => None,
    }
}

/// What a 1 or a 0 in the text stands for.
fn truth(expr: &Expr) -> Option<bool> {
    let digits = match strip(expr) {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if !digits.contains(['e', 'E']) => digits,
            _ => return None,
        },
        Expr::Cast {
            kind: CastKind::DoubleColon,
            expr,
            data_type:
                DataType::BigInt(_) | DataType::SmallInt(_) | DataType::TinyInt(_) | DataType::Decimal(_),
            ..
        } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) | Value::SingleQuotedString(digits) => digits,
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_whole = fraction.chars().all(|c| c == '0');
    match whole {
        "1" if is_whole => Some(true),
        "0" if is_whole => Some(false),
        _ => None,
    }
}
