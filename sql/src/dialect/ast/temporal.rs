//! The names of literals and sums of dates and times.
//!
//! What an expression is, is only guessed from its text: where that is not enough the name is not known.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Interval, Value,
};

use super::datetime_calls;
use super::spark_name::NameScope;
use crate::record::value::{
    Zone, format_date, format_timestamp, format_timestamp_ntz, parse_date, parse_timestamp,
    parse_timestamp_local,
};

/// What an expression is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Date,
    Time,
    Interval,
    Other,
    Unknown,
}

/// Functions whose value is a date.
const DATES: [&str; 13] = [
    "add_months",
    "curdate",
    "current_date",
    "date",
    "date_add",
    "date_from_unix_date",
    "date_sub",
    "dateadd",
    "last_day",
    "make_date",
    "next_day",
    "to_date",
    "trunc",
];

/// Functions whose value is a timestamp.
const TIMES: [&str; 16] = [
    "current_timestamp",
    "date_trunc",
    "from_utc_timestamp",
    "localtimestamp",
    "make_timestamp",
    "now",
    "timestamp",
    "timestamp_micros",
    "timestamp_millis",
    "timestamp_seconds",
    "timestampadd",
    "to_timestamp",
    "to_timestamp_ltz",
    "to_timestamp_ntz",
    "to_utc_timestamp",
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
    let sign = if back { '-' } else { '+' };
    match (kind(left, scope), kind(right, scope)) {
        (Kind::Date, Kind::Other) => Some(format!(
            "{}({l}, {r})",
            if back { "date_sub" } else { "date_add" }
        )),
        (Kind::Other, Kind::Date) if !back => Some(format!("date_add({r}, {l})")),
        (Kind::Date, Kind::Interval) if is_days(right) => {
            let days = format!("extractansiintervaldays({r})");
            let days = if back { format!("(- {days})") } else { days };
            Some(format!("date_add({l}, {days})"))
        }
        (Kind::Interval, Kind::Date) if !back && is_days(left) => {
            Some(format!("date_add({r}, extractansiintervaldays({l}))"))
        }
        (Kind::Date | Kind::Time, Kind::Interval) => Some(format!("{l} {sign} {r}")),
        (Kind::Interval, Kind::Date | Kind::Time) if !back => Some(format!("{r} + {l}")),
        (Kind::Interval, Kind::Interval) => Some(format!("({l} {sign} {r})")),
        (Kind::Date | Kind::Time, Kind::Date | Kind::Time) if back => Some(format!("({l} - {r})")),
        _ => None,
    }
}

/// Whether an interval has days and no other field.
fn is_days(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_days(inner),
        Expr::Interval(interval) => {
            interval.leading_field == Some(DateTimeField::Day) && interval.last_field.is_none()
        }
        _ => false,
    }
}

/// An interval literal, which the tokens layer has read, in its fields.
pub(super) fn interval(literal: &Interval) -> Option<String> {
    let Expr::Value(value) = literal.value.as_ref() else {
        return None;
    };
    let Value::SingleQuotedString(text) = &value.value else {
        return None;
    };
    let (count, unit) = text.split_once(' ')?;
    let count: i64 = count.parse().ok()?;
    let first = literal.leading_field.as_ref()?;
    let last = literal.last_field.as_ref().unwrap_or(first);
    let sign = if count < 0 { "-" } else { "" };
    let count = count.unsigned_abs();
    let digits = match unit {
        "months" => months(count, first, last)?,
        _ => clock(count, first, last)?,
    };
    let fields = if first == last {
        first.to_string()
    } else {
        format!("{first} TO {last}")
    };
    Some(format!("INTERVAL '{sign}{digits}' {fields}"))
}

fn months(count: u64, first: &DateTimeField, last: &DateTimeField) -> Option<String> {
    Some(match (first, last) {
        (DateTimeField::Year, DateTimeField::Year) => (count / 12).to_string(),
        (DateTimeField::Month, DateTimeField::Month) => count.to_string(),
        (DateTimeField::Year, DateTimeField::Month) => format!("{}-{}", count / 12, count % 12),
        _ => return None,
    })
}

/// Days, hours, minutes and seconds from one field to another; the first takes what is above it.
fn clock(micros: u64, first: &DateTimeField, last: &DateTimeField) -> Option<String> {
    const SECOND: u64 = 1_000_000;
    let place = |field: &DateTimeField| match field {
        DateTimeField::Day => Some(0),
        DateTimeField::Hour => Some(1),
        DateTimeField::Minute => Some(2),
        DateTimeField::Second => Some(3),
        _ => None,
    };
    let (from, to) = (place(first)?, place(last)?);
    let mut rest = micros;
    let mut out = String::new();
    for (at, unit) in [86_400 * SECOND, 3600 * SECOND, 60 * SECOND, SECOND]
        .into_iter()
        .enumerate()
    {
        if !(from..=to).contains(&at) {
            continue;
        }
        let count = rest / unit;
        rest %= unit;
        match at {
            _ if at == from => {}
            1 => out.push(' '),
            _ => out.push(':'),
        }
        out.push_str(&if at == 0 {
            count.to_string()
        } else {
            format!("{count:02}")
        });
    }
    if to == 3 && rest > 0 {
        out.push('.');
        out.push_str(format!("{rest:06}").trim_end_matches('0'));
    }
    Some(out)
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
    match expr {
        Expr::Nested(inner) => kind(inner, scope),
        Expr::Interval(_) => Kind::Interval,
        Expr::TypedString(typed) => of_type(&typed.data_type),
        Expr::Subquery(_) => Kind::Unknown,
        Expr::Identifier(ident) => of_column(&ident.value, scope),
        // A field of a struct may be called as a column of another relation.
        Expr::CompoundIdentifier(idents) => match idents.as_slice() {
            [relation, column] if scope.relations.contains(&relation.value.to_lowercase()) => {
                of_column(&column.value, scope)
            }
            _ => either(idents.iter().map(|i| of_column(&i.value, scope))),
        },
        Expr::Cast { data_type, .. } => of_type(data_type),
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

fn of_type(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Date => Kind::Date,
        DataType::Timestamp(..) | DataType::TimestampNtz(_) => Kind::Time,
        DataType::Interval { .. } => Kind::Interval,
        _ => Kind::Other,
    }
}

/// A column that is a date in one relation and a time in another may be either.
fn of_column(name: &str, scope: &NameScope) -> Kind {
    let name = name.to_lowercase();
    match (
        scope.known.dates.contains(&name),
        scope.known.times.contains(&name),
    ) {
        (true, false) => Kind::Date,
        (false, true) => Kind::Time,
        (true, true) => Kind::Unknown,
        (false, false) => Kind::Other,
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
    if TIMES.contains(&name.as_str())
        || datetime_calls::with_unit(function).is_some_and(|(n, _)| n == "timestampadd")
    {
        return Kind::Time;
    }
    if DATES.contains(&name.as_str()) {
        return Kind::Date;
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
