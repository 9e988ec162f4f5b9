//! Spark's names for columns without an alias: `count(1)`, `(v + 1)`, `upper(k)`, `v` for `CAST(v AS STRING)`.
//!
//! Spark prints the resolved expression; these rules know only its text, so a shape whose name depends on types gives `None`
//! (date arithmetic, intervals) rather than another engine's name.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::DataType as ArrowType;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, DateTimeField, DuplicateTreatment, Expr,
    Function, FunctionArg, FunctionArgExpr, FunctionArguments, LambdaFunction, Subscript, TrimWhereField,
    UnaryOperator, Value,
};

use super::super::functions::{java_decimal, java_double, name_of_call};
use super::super::types::is_quoted_type;
use super::{comparison, datetime_calls, outer_columns, temporal, window_calls};
use crate::record::value::Zone;

/// What the names depend on beside the text.
#[derive(Clone, Debug)]
pub(crate) struct KnownColumns {
    /// The columns, in lower case, that are dates: adding to them has other names.
    pub(crate) dates: HashSet<String>,
    /// The columns, in lower case, that are timestamps.
    pub(crate) times: HashSet<String>,
    /// The types of the columns, by name in lower case; NULL's where relations differ.
    pub(crate) types: HashMap<String, ArrowType>,
    /// Whether `spark.sql.ansi.enabled` is set.
    pub(crate) ansi: bool,
    /// The session's zone, in which literals are printed.
    pub(crate) zone: Zone,
}

/// What of a query the names depend on.
#[derive(Clone, Debug)]
pub(crate) struct NameScope {
    /// The names of the relations in FROM, in lower case: they do not appear in a column's name.
    pub(crate) relations: HashSet<String>,
    /// The columns of all relations.
    pub(crate) known: KnownColumns,
    /// Whether all relations in FROM are tables, whose columns' types are known.
    pub(crate) tables_only: bool,
    /// The parameters, in lower case, of the lambdas around: Spark prints them all alike.
    pub(crate) variables: HashSet<String>,
}

/// The name of a column that is this expression without an alias; `None` where it is not known.
pub(crate) fn spark_name(expr: &Expr, scope: &NameScope) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(idents) => idents.last().map(|i| i.value.clone()),
        Expr::Nested(inner) => spark_name(inner, scope),
        Expr::Cast {
            expr: child,
            kind: CastKind::Cast | CastKind::TryCast | CastKind::DoubleColon,
            ..
        } => match child.as_ref() {
            Expr::Identifier(ident) => Some(ident.value.clone()),
            Expr::CompoundIdentifier(idents) if idents.len() == 2 && is_qualified(idents.first(), scope) => {
                idents.last().map(|i| i.value.clone())
            }
            Expr::CompoundIdentifier(_) => None,
            _ => text(expr, scope),
        },
        // A field of a call is named after both, a field of a column (`window` too) after itself.
        Expr::CompoundFieldAccess { root, .. } if matches!(root.as_ref(), Expr::Function(_)) => {
            text(expr, scope)
        }
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(AccessExpr::Dot(Expr::Identifier(ident))) => Some(ident.value.clone()),
            _ => text(expr, scope),
        },
        _ => text(expr, scope),
    }
}

fn is_qualified(first: Option<&datafusion::sql::sqlparser::ast::Ident>, scope: &NameScope) -> bool {
    first.is_some_and(|f| scope.relations.contains(&f.value.to_lowercase()))
}

fn all<'a>(exprs: impl IntoIterator<Item = &'a Expr>, scope: &NameScope) -> Option<Vec<String>> {
    exprs.into_iter().map(|e| text(e, scope)).collect()
}

/// The expression as Spark prints it inside another.
pub(super) fn text(expr: &Expr, scope: &NameScope) -> Option<String> {
    let t = |e: &Expr| text(e, scope);
    Some(match expr {
        Expr::Identifier(ident) if scope.variables.contains(&ident.value.to_lowercase()) => {
            VARIABLE.to_owned()
        }
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::Lambda(function) => lambda(function, scope)?,
        Expr::CompoundIdentifier(idents) => {
            let skip = usize::from(is_qualified(idents.first(), scope));
            let mut parts: Vec<&str> = idents.iter().skip(skip).map(|i| i.value.as_str()).collect();
            if let Some(first) = parts
                .first_mut()
                .filter(|p| scope.variables.contains(&p.to_lowercase()))
            {
                *first = VARIABLE;
            }
            parts.join(".")
        }
        Expr::Nested(inner) => t(inner)?,
        Expr::Value(value) => literal(&value.value)?,
        Expr::TypedString(typed) => {
            temporal::literal(&typed.data_type, &literal(&typed.value.value)?, &scope.known.zone)?
        }
        Expr::Interval(interval) => temporal::interval(interval)?,
        Expr::UnaryOp { op, expr } => unary(op, expr, scope)?,
        Expr::BinaryOp { left, op, right } => binary(left, op, right, scope)?,
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => case(operand.as_deref(), conditions, else_result.as_deref(), scope)?,
        Expr::Cast {
            kind,
            expr,
            data_type,
            ..
        } => cast(kind, expr, data_type, scope)?,
        Expr::Struct { values, .. } => structure(values, scope)?,
        Expr::CompoundFieldAccess { root, access_chain } => access(root, access_chain, scope)?,
        Expr::Function(function) => call(function, scope)?,
        Expr::Subquery(query) => format!("scalarsubquery({})", outer_columns::of(query, scope)?),
        other => match predicate(other, scope) {
            Some(text) => text,
            None => special_call(other, scope)?,
        },
    })
}

/// A parameter of a lambda, whatever its name.
const VARIABLE: &str = "namedlambdavariable()";

fn lambda(function: &LambdaFunction, scope: &NameScope) -> Option<String> {
    let mut scope = scope.clone();
    let names = function.params.iter().map(|p| p.name.value.to_lowercase());
    scope.variables.extend(names);
    let parameters = vec![VARIABLE; function.params.iter().count()].join(", ");
    Some(format!(
        "lambdafunction({}, {parameters})",
        text(&function.body, &scope)?
    ))
}

/// Tests: IS NULL, BETWEEN, IN, LIKE and their like.
fn predicate(expr: &Expr, scope: &NameScope) -> Option<String> {
    let t = |e: &Expr| text(e, scope);
    Some(match expr {
        Expr::IsNull(e) | Expr::IsUnknown(e) => format!("({} IS NULL)", t(e)?),
        Expr::IsNotNull(e) | Expr::IsNotUnknown(e) => format!("({} IS NOT NULL)", t(e)?),
        Expr::IsTrue(e) => format!("({} <=> true)", t(e)?),
        Expr::IsFalse(e) => format!("({} <=> false)", t(e)?),
        Expr::IsNotTrue(e) => format!("(NOT ({} <=> true))", t(e)?),
        Expr::IsNotFalse(e) => format!("(NOT ({} <=> false))", t(e)?),
        Expr::Between {
            expr,
            negated,
            low,
            high,
        } => not(
            *negated,
            format!("between({}, {}, {})", t(expr)?, t(low)?, t(high)?),
        ),
        Expr::InList { expr, list, negated } => not(
            *negated,
            format!("({} IN ({}))", t(expr)?, all(list, scope)?.join(", ")),
        ),
        Expr::Like {
            negated,
            any: false,
            expr,
            pattern,
            escape_char,
        } => {
            let escape = match escape_char {
                Some(escape) => format!(" ESCAPE '{}'", literal(&escape.value)?),
                None => String::new(),
            };
            not(*negated, format!("{} LIKE {}{escape}", t(expr)?, t(pattern)?))
        }
        Expr::ILike {
            negated,
            any: false,
            expr,
            pattern,
            ..
        } => not(*negated, format!("ilike({}, {})", t(expr)?, t(pattern)?)),
        Expr::RLike {
            negated,
            expr,
            pattern,
            ..
        } => not(*negated, format!("RLIKE({}, {})", t(expr)?, t(pattern)?)),
        Expr::InSubquery {
            expr,
            subquery,
            negated,
        } => {
            let columns = outer_columns::of(subquery, scope)?;
            not(*negated, format!("({} IN (listquery({columns})))", t(expr)?))
        }
        Expr::Exists { subquery, negated } => not(
            *negated,
            format!("exists({})", outer_columns::of(subquery, scope)?),
        ),
        _ => return None,
    })
}

/// Calls with a grammar of their own.
fn special_call(expr: &Expr, scope: &NameScope) -> Option<String> {
    let t = |e: &Expr| text(e, scope);
    Some(match expr {
        Expr::Extract { field, expr, .. } => format!("extract({} FROM {})", field_name(field), t(expr)?),
        Expr::Ceil { expr, .. } => format!("CEIL({})", t(expr)?),
        Expr::Floor { expr, .. } => format!("FLOOR({})", t(expr)?),
        Expr::Position { expr, r#in } => format!("locate({}, {}, 1)", t(expr)?, t(r#in)?),
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            shorthand,
            ..
        } => {
            let from = substring_from.as_deref().map_or(Some("1".to_owned()), t)?;
            let length = substring_for
                .as_deref()
                .map_or(Some("2147483647".to_owned()), t)?;
            let name = if *shorthand { "substr" } else { "substring" };
            format!("{name}({}, {from}, {length})", t(expr)?)
        }
        Expr::Trim {
            trim_where,
            trim_what,
            expr,
            trim_characters: None,
        } => trim(trim_where.as_ref(), trim_what.as_deref(), expr, scope)?,
        _ => return None,
    })
}

fn unary(op: &UnaryOperator, expr: &Expr, scope: &NameScope) -> Option<String> {
    let inner = text(expr, scope)?;
    Some(match (op, strip(expr)) {
        (UnaryOperator::Minus, Expr::Value(v)) if matches!(v.value, Value::Number(..)) => format!("-{inner}"),
        (
            UnaryOperator::Minus,
            Expr::Cast {
                kind: CastKind::DoubleColon,
                expr,
                ..
            },
        ) if matches!(expr.as_ref(), Expr::Value(_)) => {
            format!("-{inner}")
        }
        (UnaryOperator::Minus, _) => format!("(- {inner})"),
        (UnaryOperator::Plus, Expr::Value(_)) => inner,
        (UnaryOperator::Plus, _) => format!("(+ {inner})"),
        (UnaryOperator::Not | UnaryOperator::BangNot, _) => format!("(NOT {inner})"),
        (UnaryOperator::BitwiseNot, _) => format!("~{inner}"),
        _ => return None,
    })
}

fn case(
    operand: Option<&Expr>,
    conditions: &[CaseWhen],
    otherwise: Option<&Expr>,
    scope: &NameScope,
) -> Option<String> {
    let mut out = "CASE".to_owned();
    for when in conditions {
        let condition = match operand {
            Some(operand) => format!("({} = {})", text(operand, scope)?, text(&when.condition, scope)?),
            None => text(&when.condition, scope)?,
        };
        out.push_str(&format!(" WHEN {condition} THEN {}", text(&when.result, scope)?));
    }
    if let Some(otherwise) = otherwise {
        out.push_str(&format!(" ELSE {}", text(otherwise, scope)?));
    }
    Some(out + " END")
}

fn cast(kind: &CastKind, expr: &Expr, data_type: &DataType, scope: &NameScope) -> Option<String> {
    match (kind, expr, data_type) {
        // A literal with a suffix.
        (CastKind::DoubleColon, Expr::Value(v), DataType::Double(_)) => match &v.value {
            Value::SingleQuotedString(digits) => Some(java_double(digits.parse().ok()?)),
            _ => None,
        },
        (
            CastKind::DoubleColon,
            Expr::Value(v),
            DataType::BigInt(_)
            | DataType::SmallInt(_)
            | DataType::TinyInt(_)
            | DataType::Float(_)
            | DataType::Decimal(_),
        ) => literal(&v.value),
        // A cast to a type with parts does not show.
        (_, _, DataType::Array(_) | DataType::Map(..) | DataType::Struct(..)) => text(expr, scope),
        (_, _, DataType::Custom(name, _)) if is_quoted_type(&name.to_string()) => text(expr, scope),
        _ => {
            let word = if *kind == CastKind::TryCast {
                "TRY_CAST"
            } else {
                "CAST"
            };
            let data_type = data_type.to_string().to_uppercase().replace(", ", ",");
            Some(format!("{word}({} AS {data_type})", text(expr, scope)?))
        }
    }
}

fn trim(
    side: Option<&TrimWhereField>,
    chars: Option<&Expr>,
    expr: &Expr,
    scope: &NameScope,
) -> Option<String> {
    let inner = text(expr, scope)?;
    match (side, chars) {
        (None, None) => Some(format!("trim({inner})")),
        (_, None) => None,
        (side, Some(chars)) => {
            let side = match side {
                None | Some(TrimWhereField::Both) => "BOTH",
                Some(TrimWhereField::Leading) => "LEADING",
                Some(TrimWhereField::Trailing) => "TRAILING",
            };
            Some(format!("TRIM({side} {} FROM {inner})", text(chars, scope)?))
        }
    }
}

fn structure(values: &[Expr], scope: &NameScope) -> Option<String> {
    let values: Option<Vec<String>> = values
        .iter()
        .map(|v| match v {
            Expr::Named { expr, name } => Some(format!("{} AS {}", text(expr, scope)?, name.value)),
            other => text(other, scope),
        })
        .collect();
    Some(format!("struct({})", values?.join(", ")))
}

pub(super) fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => strip(inner),
        other => other,
    }
}

fn not(negated: bool, text: String) -> String {
    if negated { format!("(NOT {text})") } else { text }
}

fn field_name(field: &DateTimeField) -> String {
    field.to_string().to_uppercase()
}

fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Number(digits, _) if digits.contains(['e', 'E']) => java_double(digits.parse().ok()?),
        Value::Number(digits, _) => match digits.split_once('.') {
            Some((whole, fraction)) => java_decimal(
                format!("{whole}{fraction}").parse().ok()?,
                i8::try_from(fraction.len()).ok()?,
            ),
            None => digits.clone(),
        },
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
        Value::Boolean(b) => b.to_string(),
        Value::Null => "NULL".to_owned(),
        Value::HexStringLiteral(hex) => format!("X'{}'", hex.to_uppercase()),
        _ => return None,
    })
}

fn binary(left: &Expr, op: &BinaryOperator, right: &Expr, scope: &NameScope) -> Option<String> {
    let (l, r) = (text(left, scope)?, text(right, scope)?);
    let symbol = match op {
        BinaryOperator::Plus | BinaryOperator::Minus
            if temporal::may_be(left, scope) || temporal::may_be(right, scope) =>
        {
            return temporal::sum(left, op, right, (&l, &r), scope);
        }
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => return Some(temporal::product(left, right, (&l, &r), scope)),
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::MyIntegerDivide => "div",
        BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::Lt
        | BinaryOperator::LtEq
        | BinaryOperator::Gt
        | BinaryOperator::GtEq
        | BinaryOperator::Spaceship => return comparison::name(left, op, right, (&l, &r), scope),
        BinaryOperator::And => "AND",
        BinaryOperator::Or => "OR",
        BinaryOperator::BitwiseAnd => "&",
        BinaryOperator::BitwiseOr => "|",
        BinaryOperator::BitwiseXor => "^",
        BinaryOperator::StringConcat => return Some(format!("concat({l}, {r})")),
        _ => return None,
    };
    Some(format!("({l} {symbol} {r})"))
}

fn access(root: &Expr, chain: &[AccessExpr], scope: &NameScope) -> Option<String> {
    let mut out = text(root, scope)?;
    for access in chain {
        match access {
            AccessExpr::Dot(Expr::Identifier(ident)) => {
                out.push('.');
                out.push_str(&ident.value);
            }
            AccessExpr::Subscript(Subscript::Index { index }) => {
                out = format!("{out}[{}]", text(index, scope)?);
            }
            _ => return None,
        }
    }
    Some(out)
}

fn call(function: &Function, scope: &NameScope) -> Option<String> {
    let name = function.name.to_string().trim_matches('`').to_lowercase();
    let (args, distinct) = match &function.args {
        FunctionArguments::None => (Vec::new(), false),
        FunctionArguments::Subquery(_) => return None,
        FunctionArguments::List(list) => {
            if !list.clauses.is_empty() {
                return None;
            }
            let args: Option<Vec<String>> = list
                .args
                .iter()
                .map(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => text(e, scope),
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Some("1".to_owned()),
                    _ => None,
                })
                .collect();
            (
                args?,
                list.duplicate_treatment == Some(DuplicateTreatment::Distinct),
            )
        }
    };
    let args = match (datetime_calls::with_unit(function), args) {
        (Some(_), mut args) => {
            if let Some(unit) = args.first_mut() {
                *unit = unit.to_uppercase();
            }
            args
        }
        (None, args) => args,
    };
    let shown = match name.as_str() {
        "string_agg" if !function.within_group.is_empty() => "listagg",
        "first_value" if function.null_treatment.is_some() => "first",
        "last_value" if function.null_treatment.is_some() => "last",
        other => other,
    };
    let mut out = name_of_call(shown, args, distinct)?;
    if let Some(order) = function.within_group.first() {
        let descending = order.options.asc == Some(false);
        let direction = match name.as_str() {
            "listagg" | "string_agg" if descending => " DESC NULLS LAST",
            "listagg" | "string_agg" => " ASC NULLS FIRST",
            // The least value wins, which Spark prints as this.
            "mode" => " DESC",
            _ if descending => " DESC",
            _ => "",
        };
        let ordering = text(&order.expr, scope)?;
        out.push_str(&format!(" WITHIN GROUP (ORDER BY {ordering}{direction})"));
    }
    if let Some(filter) = &function.filter {
        out.push_str(&format!(" FILTER (WHERE {})", text(filter, scope)?));
    }
    match function.over {
        Some(_) => window_calls::name(&out, function, scope),
        None => Some(out),
    }
}
