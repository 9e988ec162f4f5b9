//! What an expression of the text is, as far as the names of comparisons need to know it: a whole number, a boolean, or neither.

use arrow::datatypes::DataType as ArrowType;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    UnaryOperator, Value,
};

use super::super::analyzer::{is_float, is_integer};
use super::super::types;
use super::spark_name::NameScope;

/// Functions whose value is a whole number, whatever their arguments.
const WHOLE: [&str; 38] = [
    "ascii",
    "bit_count",
    "bit_length",
    "cardinality",
    "char_length",
    "character_length",
    "count",
    "count_if",
    "crc32",
    "datediff",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "dense_rank",
    "find_in_set",
    "hash",
    "hour",
    "instr",
    "length",
    "levenshtein",
    "locate",
    "minute",
    "month",
    "ntile",
    "octet_length",
    "position",
    "quarter",
    "rank",
    "row_number",
    "second",
    "size",
    "unix_date",
    "unix_seconds",
    "unix_timestamp",
    "weekday",
    "weekofyear",
    "year",
];

/// Functions whose value is no whole number.
const NOT_WHOLE: [&str; 14] = [
    "avg", "cbrt", "concat", "exp", "ln", "lower", "mean", "power", "rand", "sqrt", "stddev", "trim",
    "upper", "variance",
];

/// Functions whose value is of the kind of their first argument.
const AS_ARGUMENT: [&str; 12] = [
    "abs",
    "any_value",
    "first",
    "first_value",
    "lag",
    "last",
    "last_value",
    "lead",
    "max",
    "min",
    "negative",
    "sum",
];

/// A type of the expression's kind (a sum has its operand's); `None` where it is not known.
pub(super) fn of(expr: &Expr, scope: &NameScope) -> Option<ArrowType> {
    match expr {
        Expr::Nested(inner) => of(inner, scope),
        Expr::Identifier(ident) => of_path(std::slice::from_ref(ident), scope),
        Expr::CompoundIdentifier(path) => of_path(path, scope),
        Expr::CompoundFieldAccess { root, access_chain } => access_chain
            .iter()
            .try_fold(of(root, scope)?, |of, access| part(&of, access)),
        Expr::Value(value) => Some(match &value.value {
            Value::Number(digits, _) if digits.contains(['e', 'E']) => ArrowType::Float64,
            Value::Number(digits, _) if digits.parse::<i64>().is_ok() => ArrowType::Int64,
            Value::Number(..) => ArrowType::Decimal128(38, 18),
            Value::Boolean(_) => ArrowType::Boolean,
            Value::SingleQuotedString(_) | Value::DoubleQuotedString(_) => ArrowType::Utf8,
            Value::Null => ArrowType::Null,
            _ => return None,
        }),
        Expr::Cast { data_type, .. } => types::data_type(data_type).ok(),
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus | UnaryOperator::BitwiseNot,
            expr,
        } => of(expr, scope),
        Expr::UnaryOp { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::InList { .. }
        | Expr::Between { .. }
        | Expr::Like { .. } => Some(ArrowType::Boolean),
        Expr::Extract { .. } => None,
        Expr::BinaryOp { left, op, right } => of_operator(of(left, scope)?, op, of(right, scope)?),
        Expr::Function(function) => of_call(function, scope),
        Expr::Position { .. } => Some(ArrowType::Int32),
        Expr::Substring { .. } | Expr::Trim { .. } | Expr::TypedString(_) => Some(ArrowType::Utf8),
        _ => None,
    }
}

/// The type of a column, or of a field in it.
fn of_path(path: &[Ident], scope: &NameScope) -> Option<ArrowType> {
    let known = |ident: &Ident| {
        let name = ident.value.to_lowercase();
        let data_type = scope.known.types.get(&name).filter(|t| **t != ArrowType::Null);
        data_type
            .filter(|_| scope.tables_only && !scope.variables.contains(&name))
            .cloned()
    };
    let (first, rest) = path.split_first()?;
    let (column, fields) = match rest.split_first() {
        Some((column, fields)) if scope.relations.contains(&first.value.to_lowercase()) => (column, fields),
        _ => (first, rest),
    };
    fields
        .iter()
        .try_fold(known(column)?, |of, name| field(&of, &name.value))
}

fn field(of: &ArrowType, name: &str) -> Option<ArrowType> {
    match of {
        ArrowType::Struct(fields) => {
            let field = fields.iter().find(|f| f.name().eq_ignore_ascii_case(name))?;
            Some(field.data_type().clone())
        }
        ArrowType::Map(entries, _) => match entries.data_type() {
            ArrowType::Struct(parts) => Some(parts.last()?.data_type().clone()),
            _ => None,
        },
        _ => None,
    }
}

fn part(of: &ArrowType, access: &AccessExpr) -> Option<ArrowType> {
    match (of, access) {
        (of, AccessExpr::Dot(Expr::Identifier(name))) => field(of, &name.value),
        (ArrowType::List(element), AccessExpr::Subscript(_)) => Some(element.data_type().clone()),
        (ArrowType::Map(..), AccessExpr::Subscript(_)) => field(of, ""),
        _ => None,
    }
}

fn of_operator(left: ArrowType, op: &BinaryOperator, right: ArrowType) -> Option<ArrowType> {
    use BinaryOperator as B;
    match op {
        B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq | B::Spaceship | B::And | B::Or => {
            Some(ArrowType::Boolean)
        }
        B::MyIntegerDivide => Some(ArrowType::Int64),
        B::Divide => Some(ArrowType::Float64),
        B::StringConcat => Some(ArrowType::Utf8),
        B::BitwiseAnd | B::BitwiseOr | B::BitwiseXor => Some(ArrowType::Int64),
        B::Plus | B::Minus | B::Multiply | B::Modulo => {
            let is_decimal = |t: &ArrowType| matches!(t, ArrowType::Decimal128(..));
            [&left, &right]
                .into_iter()
                .find(|t| is_float(t) || is_decimal(t))
                .or_else(|| (is_integer(&left) && is_integer(&right)).then_some(&left))
                .cloned()
        }
        _ => None,
    }
}

fn of_call(function: &Function, scope: &NameScope) -> Option<ArrowType> {
    let name = function.name.to_string().trim_matches('`').to_lowercase();
    if WHOLE.contains(&name.as_str()) {
        return Some(ArrowType::Int64);
    }
    if NOT_WHOLE.contains(&name.as_str()) {
        return Some(ArrowType::Float64);
    }
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) if AS_ARGUMENT.contains(&name.as_str()) => {
            of(arg, scope)
        }
        _ => None,
    }
}
