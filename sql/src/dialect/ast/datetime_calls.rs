//! Calls with units and fields of time: `timestampadd(HOUR, 1, ts)`, `extract(DOW FROM ts)`, `date_part('year', ts)`.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value,
};

use crate::{Result, SqlError};

/// The function that gives a field of a time.
///
/// # Errors
/// INVALID_EXTRACT_FIELD for a field that a time does not have.
pub(super) fn field_function(field: &str) -> Result<&'static str> {
    Ok(match field.to_lowercase().as_str() {
        "year" | "y" | "years" | "yr" | "yrs" => "__extract_year",
        "yearofweek" => "__year_of_week",
        "quarter" | "qtr" => "quarter",
        "month" | "mon" | "mons" | "months" => "__extract_month",
        "week" | "w" | "weeks" => "weekofyear",
        "day" | "d" | "days" => "__extract_day",
        "dayofweek" | "dow" => "dayofweek",
        "dayofweek_iso" | "dow_iso" => "__day_of_week_iso",
        "doy" => "dayofyear",
        "hour" | "h" | "hours" | "hr" | "hrs" => "__extract_hour",
        "minute" | "m" | "min" | "mins" | "minutes" => "__extract_minute",
        "second" | "s" | "sec" | "seconds" | "secs" => "__extract_second",
        other => {
            return Err(SqlError::new(
                "INVALID_EXTRACT_FIELD",
                format!("Cannot extract `{other}` from a date or time."),
            ));
        }
    })
}

/// The field and the time of `date_part('field', time)`; `None` for another call.
///
/// # Errors
/// NON_FOLDABLE_ARGUMENT for a field that is no string in the text.
pub(super) fn part(function: &Function) -> Result<Option<(String, Expr)>> {
    if !matches!(name_of(function).as_str(), "date_part" | "datepart") {
        return Ok(None);
    }
    match arguments(function).as_slice() {
        [Expr::Value(field), time] => match &field.value {
            Value::SingleQuotedString(field) => Ok(Some((field.clone(), (*time).clone()))),
            _ => Ok(None),
        },
        _ => Err(SqlError::new(
            "NON_FOLDABLE_ARGUMENT",
            "The field that date_part takes must be a string in the text.",
        )),
    }
}

/// The call with its unit as a string, under the name that Spark gives it; `None` where the first argument is no unit.
pub(super) fn with_unit(function: &Function) -> Option<(&'static str, Vec<Expr>)> {
    let name = match name_of(function).as_str() {
        "timestampadd" | "dateadd" | "date_add" => "timestampadd",
        "timestampdiff" | "datediff" | "date_diff" => "timestampdiff",
        _ => return None,
    };
    match arguments(function).as_slice() {
        [Expr::Identifier(unit), a, b] => {
            let unit = Expr::Value(Value::SingleQuotedString(unit.value.to_uppercase()).into());
            Some((name, vec![unit, (*a).clone(), (*b).clone()]))
        }
        _ => None,
    }
}

fn name_of(function: &Function) -> String {
    function.name.to_string().trim_matches('`').to_lowercase()
}

fn arguments(function: &Function) -> Vec<&Expr> {
    match &function.args {
        FunctionArguments::List(list) => list
            .args
            .iter()
            .filter_map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
