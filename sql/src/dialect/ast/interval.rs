//! Interval literals: for the planner they are an operator between a count of months or microseconds and their fields, because
//! DataFusion's own literal knows no fields.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Interval, Value, Values};

use crate::record::value::IntervalFields;
use crate::{Result, SqlError};

/// The operator of an interval literal.
pub(crate) const INTERVAL_LITERAL: &str = "__interval";

/// The count and the fields of a literal that the tokens layer has read.
pub(super) fn read(literal: &Interval) -> Option<(i64, IntervalFields)> {
    let Expr::Value(value) = literal.value.as_ref() else {
        return None;
    };
    let Value::SingleQuotedString(text) = &value.value else {
        return None;
    };
    let (count, _unit) = text.split_once(' ')?;
    let first = literal.leading_field.as_ref()?;
    let last = literal.last_field.as_ref().unwrap_or(first);
    let fields = IntervalFields::parse(&format!("{first} TO {last}"))?;
    Some((count.parse().ok()?, fields))
}

/// The literal for the planner.
pub(super) fn literal(interval: &Interval) -> Result<Expr> {
    let wrong = || SqlError::new("INTERNAL_ERROR", "an interval literal without its fields");
    let (count, fields) = read(interval).ok_or_else(wrong)?;
    Ok(marked(Value::SingleQuotedString(count.to_string()), fields))
}

fn marked(count: Value, fields: IntervalFields) -> Expr {
    Expr::BinaryOp {
        left: Box::new(Expr::Value(count.into())),
        op: BinaryOperator::Custom(INTERVAL_LITERAL.to_owned()),
        right: Box::new(Expr::Value(Value::SingleQuotedString(fields.to_string()).into())),
    }
}

/// The count and the fields of a literal for the planner.
fn parts(expr: &Expr) -> Option<(&Value, IntervalFields)> {
    let Expr::BinaryOp { left, op, right } = expr else {
        return None;
    };
    match (left.as_ref(), op, right.as_ref()) {
        (Expr::Value(count), BinaryOperator::Custom(name), Expr::Value(fields))
            if name == INTERVAL_LITERAL =>
        {
            match &fields.value {
                Value::SingleQuotedString(fields) => Some((&count.value, IntervalFields::parse(fields)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A literal for the planner as a bound of a frame, which only takes DataFusion's own.
pub(super) fn frame_bound(expr: &Expr) -> Option<Expr> {
    let (Value::SingleQuotedString(count), fields) = parts(expr)? else {
        return None;
    };
    let unit = if fields.is_year_month() {
        "months"
    } else {
        "microseconds"
    };
    Some(Expr::Interval(Interval {
        value: Box::new(Expr::Value(
            Value::SingleQuotedString(format!("{count} {unit}")).into(),
        )),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

/// Gives the literals in a column of VALUES the same fields, and NULLs beside them their type.
pub(super) fn unite(values: &mut Values) {
    let width = values.rows.first().map_or(0, |row| row.content.len());
    for column in 0..width {
        let cells = values.rows.iter().filter_map(|row| row.content.get(column));
        let fields = cells.filter_map(|cell| Some(parts(cell)?.1));
        let Some(fields) = fields.reduce(IntervalFields::union) else {
            continue;
        };
        for cell in values
            .rows
            .iter_mut()
            .filter_map(|row| row.content.get_mut(column))
        {
            let count = match (parts(cell), &*cell) {
                (Some((count, of)), _) if of.is_year_month() == fields.is_year_month() => count.clone(),
                (None, Expr::Value(value)) if value.value == Value::Null => Value::Null,
                _ => continue,
            };
            *cell = marked(count, fields);
        }
    }
}
