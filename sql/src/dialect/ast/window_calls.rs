//! Calls with OVER: which are allowed where, their names, and their frames as the planner takes them.

use arrow::datatypes::DataType as ArrowType;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, NullTreatment, OrderByExpr, Select,
    SelectItem, Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::super::functions::{self, over};
use super::calls::holds_call;
use super::generators::generator_of;
use super::spark_name::{NameScope, strip, text};
use super::{interval, kind};
use crate::{Result, SqlError};

/// Refuses a call that must have OVER and has not, or must not and has.
///
/// # Errors
/// Spark's conditions.
pub(super) fn check(name: &str, function: &Function) -> Result<()> {
    let is_window = over::NAMES.contains(&name);
    let spec = match &function.over {
        None if is_window => {
            return Err(SqlError::new(
                "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
                format!("Window function \"{name}\" requires an OVER clause."),
            ));
        }
        None => return Ok(()),
        Some(WindowType::NamedWindow(window)) => return Err(not_specified(&window.value)),
        Some(WindowType::WindowSpec(spec)) => spec,
    };
    if let Some(window) = &spec.window_name {
        return Err(not_specified(&window.value));
    }
    if !is_window && !functions::is_aggregate(name) {
        return Err(SqlError::new(
            "UNSUPPORTED_EXPR_FOR_WINDOW",
            format!("Expression \"{name}\" not supported within a window function."),
        ));
    }
    if !function.within_group.is_empty() {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE",
            format!("{name} with both WITHIN GROUP and OVER is not supported in the spark dialect yet."),
        ));
    }
    if is_distinct(function) {
        return Err(SqlError::new(
            "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
            format!("Distinct window functions are not supported: {name}(DISTINCT …)."),
        ));
    }
    if is_window && spec.order_by.is_empty() {
        return Err(SqlError::new(
            "WINDOW_FUNCTION_FRAME_NOT_ORDERED",
            format!(
                "Window function {name} requires the window to be ordered: write OVER (… ORDER BY window_ordering)."
            ),
        ));
    }
    if name == "median" && (!spec.order_by.is_empty() || spec.window_frame.is_some()) {
        return Err(SqlError::new(
            "INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC",
            "Cannot specify ORDER BY or a window frame for \"median\".",
        ));
    }
    match &spec.window_frame {
        Some(frame) => check_frame(name, frame, spec),
        None => Ok(()),
    }
}

fn not_specified(window: &str) -> SqlError {
    SqlError::new(
        "MISSING_WINDOW_SPECIFICATION",
        format!("Window specification is not defined in the WINDOW clause for `{window}`."),
    )
}

fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list) if list.duplicate_treatment.is_some_and(|t| {
        t == datafusion::sql::sqlparser::ast::DuplicateTreatment::Distinct
    }))
}

fn check_frame(name: &str, frame: &WindowFrame, spec: &WindowSpec) -> Result<()> {
    if over::OWN_FRAME.contains(&name) {
        return Err(SqlError::new(
            "UNSUPPORTED_WINDOW_FRAME",
            format!("Window function {name} has a frame of its own and takes no other."),
        ));
    }
    let mismatch = |part: &str, why: &str| {
        Err(SqlError::new(
            format!("DATATYPE_MISMATCH.{part}"),
            format!("The frame of {name} is invalid: {why}."),
        ))
    };
    let (start, end) = bounds(frame);
    let is_offset = |bound: &WindowFrameBound| {
        matches!(
            bound,
            WindowFrameBound::Preceding(Some(_)) | WindowFrameBound::Following(Some(_))
        )
    };
    match frame.units {
        WindowFrameUnits::Groups => {
            return Err(SqlError::new(
                "PARSE_SYNTAX_ERROR",
                "Syntax error at or near 'GROUPS'.",
            ));
        }
        WindowFrameUnits::Range if spec.order_by.is_empty() => {
            return mismatch(
                "RANGE_FRAME_WITHOUT_ORDER",
                "a range needs an ordered window specification",
            );
        }
        WindowFrameUnits::Range if spec.order_by.len() > 1 && (is_offset(start) || is_offset(end)) => {
            return mismatch(
                "RANGE_FRAME_MULTI_ORDER",
                "a range with a value needs one order expression",
            );
        }
        WindowFrameUnits::Range | WindowFrameUnits::Rows => {}
    }
    if place(start)
        .zip(place(end))
        .is_some_and(|(start, end)| start > end)
    {
        return mismatch(
            "SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON",
            "its lower bound is above the upper one",
        );
    }
    Ok(())
}

fn bounds(frame: &WindowFrame) -> (&WindowFrameBound, &WindowFrameBound) {
    let end = frame.end_bound.as_ref().unwrap_or(&WindowFrameBound::CurrentRow);
    (&frame.start_bound, end)
}

/// Where a bound is, if the text tells: rows from the current one.
fn place(bound: &WindowFrameBound) -> Option<i64> {
    let offset = |expr: &Expr| match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse::<i64>().ok(),
            _ => None,
        },
        _ => None,
    };
    match bound {
        WindowFrameBound::CurrentRow => Some(0),
        WindowFrameBound::Preceding(None) => Some(i64::MIN),
        WindowFrameBound::Following(None) => Some(i64::MAX),
        WindowFrameBound::Preceding(Some(expr)) => offset(expr).map(|o| -o),
        WindowFrameBound::Following(Some(expr)) => offset(expr),
    }
}

/// Refuses OVER in WHERE and HAVING, and beside a generator, whose rows Spark's windows count.
///
/// # Errors
/// WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE, UNSUPPORTED_FEATURE.
pub(super) fn check_clauses(select: &Select) -> Result<()> {
    for (clause, expr) in [("WHERE", &select.selection), ("HAVING", &select.having)] {
        if expr.as_ref().is_some_and(holds_window) {
            return Err(SqlError::new(
                "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE",
                format!("Window functions are not allowed in the {clause} clause (QUALIFY takes them)."),
            ));
        }
    }
    let listed = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr)
        | SelectItem::ExprWithAlias { expr, .. }
        | SelectItem::ExprWithAliases { expr, .. } => Some(expr),
        _ => None,
    });
    let (generators, others): (Vec<_>, Vec<_>) = listed.partition(|expr| generator_of(expr).is_some());
    if !generators.is_empty() && others.into_iter().any(holds_window) {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE",
            "A window function beside a generator in one select list is not supported in the spark dialect yet.",
        ));
    }
    Ok(())
}

fn holds_window(expr: &Expr) -> bool {
    holds_call(expr, &|call| call.over.is_some())
}

/// Makes the numbers of a frame bare again.
pub(super) fn bare_frame(function: &mut Function) {
    let Some(WindowType::WindowSpec(WindowSpec {
        window_frame: Some(frame),
        ..
    })) = &mut function.over
    else {
        return;
    };
    for bound in std::iter::once(&mut frame.start_bound).chain(&mut frame.end_bound) {
        if let WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset)) = bound
            && let Some(distance) = interval::frame_bound(offset)
        {
            **offset = distance;
        } else if let WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset)) =
            bound
            && let Expr::Cast { expr, .. } = offset.as_ref()
            && let Expr::Value(value) = expr.as_ref()
            && let Value::Number(digits, _) | Value::SingleQuotedString(digits) = &value.value
        {
            **offset = Expr::Value(Value::Number(digits.clone(), false).into());
        }
    }
}

/// The name of a call with OVER, given that of the call; `None` where it is not known.
pub(super) fn name(call: &str, function: &Function, scope: &NameScope) -> Option<String> {
    let Some(WindowType::WindowSpec(spec)) = &function.over else {
        return None;
    };
    let plain = function.name.to_string().trim_matches('`').to_lowercase();
    let mut parts = Vec::new();
    if !spec.partition_by.is_empty() {
        let keys: Option<Vec<String>> = spec.partition_by.iter().map(|e| text(e, scope)).collect();
        parts.push(format!("PARTITION BY {}", keys?.join(", ")));
    }
    if !spec.order_by.is_empty() {
        let keys: Option<Vec<String>> = spec.order_by.iter().map(|e| order(e, scope)).collect();
        parts.push(format!("ORDER BY {}", keys?.join(", ")));
    }
    parts.push(frame(&plain, function, spec, scope)?);
    let ignoring = plain == "nth_value" && function.null_treatment == Some(NullTreatment::IgnoreNulls);
    let nulls = if ignoring { " ignore nulls" } else { "" };
    Some(format!("{call}{nulls} OVER ({})", parts.join(" ")))
}

fn order(key: &OrderByExpr, scope: &NameScope) -> Option<String> {
    let descending = key.options.asc == Some(false);
    let direction = if descending { "DESC" } else { "ASC" };
    let first = key.options.nulls_first.unwrap_or(!descending);
    let nulls = if first { "FIRST" } else { "LAST" };
    Some(format!("{} {direction} NULLS {nulls}", text(&key.expr, scope)?))
}

fn frame(name: &str, function: &Function, spec: &WindowSpec, scope: &NameScope) -> Option<String> {
    const GROWING: &str = "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
    match (name, &spec.window_frame) {
        ("lag" | "lead", _) => {
            let distance = distance(function)?;
            let at = if name == "lag" { -distance } else { distance };
            Some(format!("ROWS BETWEEN {at} FOLLOWING AND {at} FOLLOWING"))
        }
        ("cume_dist", _) => Some(format!("RANGE {GROWING}")),
        (name, _) if over::OWN_FRAME.contains(&name) => Some(format!("ROWS {GROWING}")),
        (_, Some(frame)) => {
            let (start, end) = bounds(frame);
            let (start, end) = (bound(start, frame, spec, scope)?, bound(end, frame, spec, scope)?);
            Some(format!("{} BETWEEN {start} AND {end}", frame.units))
        }
        (_, None) if spec.order_by.is_empty() => {
            Some("ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned())
        }
        (_, None) => Some(format!("RANGE {GROWING}")),
    }
}

/// How many rows `lag` and `lead` look away.
fn distance(function: &Function) -> Option<i64> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.get(1) {
        None => Some(1),
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) => expr.to_string().parse().ok(),
        Some(_) => None,
    }
}

fn bound(
    bound: &WindowFrameBound,
    frame: &WindowFrame,
    spec: &WindowSpec,
    scope: &NameScope,
) -> Option<String> {
    Some(match bound {
        WindowFrameBound::CurrentRow => "CURRENT ROW".to_owned(),
        WindowFrameBound::Preceding(None) => "UNBOUNDED PRECEDING".to_owned(),
        WindowFrameBound::Following(None) => "UNBOUNDED FOLLOWING".to_owned(),
        WindowFrameBound::Following(Some(offset)) => format!("{} FOLLOWING", text(offset, scope)?),
        WindowFrameBound::Preceding(Some(offset)) => {
            let shown = text(offset, scope)?;
            let is_interval = matches!(strip(offset), Expr::Interval(_));
            // A number that has to become another type shows as its opposite.
            let changes = frame.units == WindowFrameUnits::Range
                && !is_interval
                && !matches!(
                    kind::of(&spec.order_by.first()?.expr, scope)?,
                    ArrowType::Int32 | ArrowType::Date32
                );
            if changes {
                format!("(- {shown}) FOLLOWING")
            } else {
                format!("{shown} PRECEDING")
            }
        }
    })
}
