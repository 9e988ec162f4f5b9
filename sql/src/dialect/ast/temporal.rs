//! The names of literals and sums of dates and times.
//!
//! What an expression is, is only guessed from its text: where that is not enough the name is not known.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Interval,
    UnaryOperator, Value,
};

use super::spark_name::NameScope;
use super::{datetime_calls, interval};
use crate::record::value::{
    IntervalFields, Zone, format_date, format_timestamp, format_timestamp_ntz, parse_date, parse_timestamp,
    parse_timestamp_local,
};

/// What an expression is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Date,
    Time,
    /// An interval of days and no other field.
    Days,
    /// A year-month interval.
    Months,
    /// A day-time interval of other fields.
    Interval,
    /// A string in the text.
    Text,
    Null,
    Other,
    Unknown,
}

impl Kind {
    fn is_interval(self) -> bool {
        matches!(self, Self::Days | Self::Months | Self::Interval)
    }
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
    !matches!(kind(expr, scope), Kind::Other | Kind::Text | Kind::Null)
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
    let (left, right) = match (kind(left, scope), kind(right, scope)) {
        // NULL is an interval beside a time, a time before one that is taken off.
        (Kind::Null, time @ (Kind::Date | Kind::Time)) if back => (time, time),
        (time @ (Kind::Date | Kind::Time), Kind::Null) if back => (time, time),
        (Kind::Null, other) => (Kind::Interval, other),
        (other, Kind::Null) => (other, Kind::Interval),
        (Kind::Text, time @ (Kind::Date | Kind::Time)) if back => (time, time),
        (time @ (Kind::Date | Kind::Time), Kind::Text) if back => (time, time),
        (Kind::Text, Kind::Days) => (Kind::Time, Kind::Days),
        (Kind::Days, Kind::Text) => (Kind::Days, Kind::Time),
        (Kind::Text, Kind::Interval | Kind::Months) => (Kind::Time, Kind::Interval),
        (Kind::Interval | Kind::Months, Kind::Text) => (Kind::Interval, Kind::Time),
        both => both,
    };
    match (left, right) {
        (Kind::Date, Kind::Other) => Some(format!(
            "{}({l}, {r})",
            if back { "date_sub" } else { "date_add" }
        )),
        (Kind::Other, Kind::Date) if !back => Some(format!("date_add({r}, {l})")),
        (Kind::Date, Kind::Days) => {
            let days = format!("extractansiintervaldays({r})");
            let days = if back { format!("(- {days})") } else { days };
            Some(format!("date_add({l}, {days})"))
        }
        (Kind::Days, Kind::Date) if !back => Some(format!("date_add({r}, extractansiintervaldays({l}))")),
        (Kind::Date, Kind::Months | Kind::Interval)
        | (Kind::Time, Kind::Days | Kind::Months | Kind::Interval) => Some(format!("{l} {sign} {r}")),
        (Kind::Months | Kind::Interval, Kind::Date)
        | (Kind::Days | Kind::Months | Kind::Interval, Kind::Time)
            if !back =>
        {
            Some(format!("{r} + {l}"))
        }
        (a, b) if a.is_interval() && b.is_interval() => Some(format!("({l} {sign} {r})")),
        (Kind::Date | Kind::Time, Kind::Date | Kind::Time) if back => Some(format!("({l} - {r})")),
        _ => None,
    }
}

/// The name of `left * right`, of which one may be an interval: Spark puts it first.
pub(super) fn product(left: &Expr, right: &Expr, (l, r): (&str, &str), scope: &NameScope) -> String {
    match kind(left, scope).is_interval() || !kind(right, scope).is_interval() {
        true => format!("({l} * {r})"),
        false => format!("({r} * {l})"),
    }
}

/// What a sum of two is.
fn of_sum(left: Kind, right: Kind, back: bool) -> Kind {
    match (left, right) {
        (Kind::Other, Kind::Other) => Kind::Other,
        (Kind::Date, Kind::Date) if back => Kind::Days,
        (Kind::Date | Kind::Time, Kind::Date | Kind::Time) if back => Kind::Interval,
        (Kind::Date, Kind::Other | Kind::Days | Kind::Months) => Kind::Date,
        (Kind::Other | Kind::Days | Kind::Months, Kind::Date) if !back => Kind::Date,
        (Kind::Date, Kind::Interval) => Kind::Time,
        (Kind::Interval, Kind::Date) if !back => Kind::Time,
        (Kind::Time, other) if other.is_interval() => Kind::Time,
        (other, Kind::Time) if other.is_interval() && !back => Kind::Time,
        (Kind::Days, Kind::Days) => Kind::Days,
        (Kind::Months, Kind::Months) => Kind::Months,
        (Kind::Days | Kind::Interval, Kind::Days | Kind::Interval) => Kind::Interval,
        _ => Kind::Unknown,
    }
}

/// An interval literal in its fields.
pub(super) fn interval(literal: &Interval) -> Option<String> {
    let (count, fields) = interval::read(literal)?;
    let mut out = String::new();
    fields.write(count, &mut out);
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
        Expr::Interval(literal) => {
            interval::read(literal).map_or(Kind::Unknown, |(_, fields)| of_fields(fields))
        }
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(_) => Kind::Text,
            Value::Null => Kind::Null,
            _ => Kind::Other,
        },
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
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => kind(expr, scope),
        Expr::BinaryOp { left, op, right } => {
            let (l, r) = (kind(left, scope), kind(right, scope));
            match op {
                BinaryOperator::Plus | BinaryOperator::Minus => of_sum(l, r, *op == BinaryOperator::Minus),
                BinaryOperator::Multiply | BinaryOperator::Divide => match (l, r) {
                    (Kind::Months, _) | (_, Kind::Months) => Kind::Months,
                    (l, r) if l.is_interval() || r.is_interval() => Kind::Interval,
                    _ => either([l, r].into_iter()),
                },
                BinaryOperator::MyIntegerDivide => Kind::Other,
                _ => either([l, r].into_iter()),
            }
        }
        _ => Kind::Other,
    }
}

fn of_type(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Date => Kind::Date,
        DataType::Timestamp(..) | DataType::TimestampNtz(_) => Kind::Time,
        DataType::Interval {
            fields: Some(fields), ..
        } => IntervalFields::parse(&fields.to_string()).map_or(Kind::Unknown, of_fields),
        DataType::Interval { .. } => Kind::Unknown,
        _ => Kind::Other,
    }
}

fn of_fields(fields: IntervalFields) -> Kind {
    match fields {
        IntervalFields::DAY => Kind::Days,
        fields if fields.is_year_month() => Kind::Months,
        _ => Kind::Interval,
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
        (false, false) => match scope.known.types.get(&name).and_then(IntervalFields::of_type) {
            Some(fields) if fields.is_year_month() => Kind::Months,
            // Which fields it has is not known.
            Some(_) => Kind::Unknown,
            None => Kind::Other,
        },
    }
}

/// Nothing that is no time has parts that may be one.
fn either(kinds: impl Iterator<Item = Kind>) -> Kind {
    let mut kinds = kinds;
    if kinds.all(|kind| matches!(kind, Kind::Other | Kind::Text | Kind::Null)) {
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
    match name.as_str() {
        "make_dt_interval" => return Kind::Interval,
        "make_ym_interval" => return Kind::Months,
        _ => {}
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
