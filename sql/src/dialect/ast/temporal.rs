//! The names of literals and sums of dates and times.
//!
//! What an expression is, is only guessed from its text: where that is not enough the name is not known.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
};

use super::spark_name::NameScope;
use crate::record::value::{
    Zone, format_date, format_timestamp, format_timestamp_ntz, parse_date, parse_timestamp,
    parse_timestamp_local,
};

/// What an expression is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Interval,
    Other,
    Unknown,
}

/// Functions whose value is a date or time.
const TIMES: [&str; 30] = [
    "add_months",
    "current_date",
    "curdate",
    "current_timestamp",
    "date",
    "date_add",
    "date_from_unix_date",
    "date_sub",
    "date_trunc",
    "dateadd",
    "from_utc_timestamp",
    "last_day",
    "localtimestamp",
    "make_date",
    "make_timestamp",
    "next_day",
    "now",
    "timestamp",
    "timestamp_micros",
    "timestamp_millis",
    "timestamp_seconds",
    "timestampadd",
    "to_date",
    "to_timestamp",
    "to_timestamp_ltz",
    "to_timestamp_ntz",
    "to_utc_timestamp",
    "trunc",
    "try_to_timestamp",
    "window_time",
];

/// Functions of dates and times whose value is a number or a string.
const NUMBERS: [&str; 27] = [
    "count",
    "date_diff",
    "date_format",
    "date_part",
    "datediff",
    "datepart",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "hour",
    "minute",
    "month",
    "months_between",
    "quarter",
    "second",
    "timestampdiff",
    "to_unix_timestamp",
    "unix_date",
    "unix_micros",
    "unix_millis",
    "unix_seconds",
    "unix_timestamp",
    "weekday",
    "weekofyear",
    "year",
    "bigint",
];

/// Whether the expression may be a date, a time or an interval.
pub(super) fn may_be(expr: &Expr, scope: &NameScope) -> bool {
    kind(expr, scope) != Kind::Other
}

/// The name of `left + right` or `left - right` of which one may be a time; `None` where it is not known.
pub(super) fn sum(
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
    (l, r): (&str, &str),
    scope: &NameScope,
) -> Option<String> {
    let back = *op == BinaryOperator::Minus;
    match (kind(left, scope), kind(right, scope)) {
        (Kind::Time, Kind::Other) if back => Some(format!("date_sub({l}, {r})")),
        (Kind::Time, Kind::Other) => Some(format!("date_add({l}, {r})")),
        (Kind::Other, Kind::Time) if !back => Some(format!("date_add({r}, {l})")),
        (Kind::Time, Kind::Time) if back => Some(format!("({l} - {r})")),
        _ => None,
    }
}

/// A literal as Spark prints it: in its full form, and in the session's zone.
pub(super) fn literal(data_type: &DataType, text: &str, zone: &Zone) -> Option<String> {
    let (bytes, mut out) = (text.as_bytes(), String::new());
    let word = match data_type {
        DataType::Date => {
            format_date(parse_date(bytes)?, &mut out);
            "DATE"
        }
        DataType::TimestampNtz(_) => {
            format_timestamp_ntz(parse_timestamp_local(bytes)?, &mut out);
            "TIMESTAMP_NTZ"
        }
        DataType::Timestamp(..) => {
            format_timestamp(parse_timestamp(bytes, zone)?, zone, &mut out);
            "TIMESTAMP"
        }
        _ => return None,
    };
    Some(format!("{word} '{out}'"))
}

fn kind(expr: &Expr, scope: &NameScope) -> Kind {
    let is_known = |name: &str| scope.known.temporal.contains(&name.to_lowercase());
    match expr {
        Expr::Nested(inner) => kind(inner, scope),
        Expr::Interval(_) => Kind::Interval,
        Expr::TypedString(_) => Kind::Time,
        Expr::Subquery(_) => Kind::Unknown,
        Expr::Identifier(ident) if is_known(&ident.value) => Kind::Time,
        // A field of a struct may be called as a column of another relation.
        Expr::CompoundIdentifier(idents) if idents.iter().any(|i| is_known(&i.value)) => Kind::Unknown,
        Expr::Cast { data_type, .. } => match data_type {
            DataType::Date | DataType::Timestamp(..) | DataType::TimestampNtz(_) => Kind::Time,
            DataType::Interval { .. } => Kind::Interval,
            _ => Kind::Other,
        },
        Expr::Function(function) => of_function(function, scope),
        Expr::Case {
            conditions,
            else_result,
            ..
        } => {
            let results = conditions
                .iter()
                .map(|when| &when.result)
                .chain(else_result.as_deref());
            either(results.map(|e| kind(e, scope)))
        }
        Expr::BinaryOp { left, right, .. } => either([left, right].iter().map(|e| kind(e, scope))),
        _ => Kind::Other,
    }
}

/// Nothing that is no time has parts that may be one.
fn either(kinds: impl Iterator<Item = Kind>) -> Kind {
    let mut kinds = kinds;
    if kinds.all(|kind| kind == Kind::Other) {
        Kind::Other
    } else {
        Kind::Unknown
    }
}

fn of_function(function: &Function, scope: &NameScope) -> Kind {
    let name = function.name.to_string().trim_matches('`').to_lowercase();
    if TIMES.contains(&name.as_str()) {
        return Kind::Time;
    }
    if NUMBERS.contains(&name.as_str()) {
        return Kind::Other;
    }
    let args = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    either(args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => kind(expr, scope),
        _ => Kind::Other,
    }))
}
