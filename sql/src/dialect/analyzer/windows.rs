//! Calls with OVER: arguments, types and frames as Spark has them.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::planner::{PlannerResult, RawWindowExpr};
use datafusion::logical_expr::{
    Cast, Expr, ExprSchemable, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

use super::super::functions::{over, type_name};
use super::{is_numeric, literal};
use crate::SqlError;

/// Plans a call with OVER.
pub(super) fn plan(mut raw: RawWindowExpr) -> DataFusionResult<PlannerResult<RawWindowExpr>> {
    let name = match raw.func_def {
        WindowFunctionDefinition::AggregateUDF(function) => {
            raw.func_def = WindowFunctionDefinition::AggregateUDF(over::moving(function));
            return Ok(PlannerResult::Original(raw));
        }
        WindowFunctionDefinition::WindowUDF(ref function) => function.name().to_owned(),
    };
    let result = match name.as_str() {
        "row_number" | "rank" | "dense_rank" | "ntile" => Some(DataType::Int32),
        _ => None,
    };
    raw.args = arguments(&name, raw.args)?;
    if let ("first_value" | "last_value", Some(ignore)) = (name.as_str(), raw.args.get(1)) {
        if literal::value_of(ignore) == Some(ScalarValue::Boolean(Some(true))) {
            raw.null_treatment = Some(NullTreatment::IgnoreNulls);
        }
        raw.args.truncate(1);
    }
    let call = Expr::from(WindowFunction {
        fun: raw.func_def,
        params: WindowFunctionParams {
            args: raw.args,
            partition_by: raw.partition_by,
            order_by: raw.order_by,
            window_frame: raw.window_frame,
            filter: raw.filter,
            null_treatment: raw.null_treatment,
            distinct: raw.distinct,
        },
    });
    Ok(PlannerResult::Planned(match result {
        Some(data_type) => Expr::Cast(Cast::new(Box::new(call), data_type)),
        None => call,
    }))
}

/// The arguments as DataFusion's function takes them: whole numbers are BIGINT literals.
fn arguments(name: &str, mut args: Vec<Expr>) -> DataFusionResult<Vec<Expr>> {
    match name {
        "ntile" => {
            let count = match args.first() {
                None => 1,
                Some(arg) => whole(name, arg)?,
            };
            Ok(vec![positive(name, count)?])
        }
        "nth_value" => {
            if let Some(place) = args.get(1) {
                let place = positive(name, whole(name, place)?)?;
                args.truncate(1);
                args.push(place);
            }
            Ok(args)
        }
        "lag" | "lead" => {
            if let Some(distance) = args.get_mut(1) {
                *distance = long(whole(name, distance)?);
            }
            if let Some(default) = args.get_mut(2) {
                let value = literal::value_of(default).ok_or_else(|| {
                    SqlError::new(
                        "UNSUPPORTED_FEATURE",
                        format!("{name} with a default that is not in the text is not supported in the spark dialect yet."),
                    )
                })?;
                *default = Expr::Literal(value, None);
            }
            Ok(args)
        }
        "first_value" | "last_value" => Ok(args),
        // The others take what they rank from the order.
        _ => Ok(Vec::new()),
    }
}

fn long(value: i64) -> Expr {
    Expr::Literal(ScalarValue::Int64(Some(value)), None)
}

/// The whole number in the text that the argument must be.
fn whole(name: &str, arg: &Expr) -> Result<i64, SqlError> {
    match literal::value_of(arg) {
        Some(ScalarValue::Int32(Some(value))) => Ok(i64::from(value)),
        Some(ScalarValue::Int16(Some(value))) => Ok(i64::from(value)),
        Some(ScalarValue::Int8(Some(value))) => Ok(i64::from(value)),
        Some(_) => Err(SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!("The number of rows of {name} is an INT."),
        )),
        None => Err(SqlError::new(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            format!("The number of rows of {name} must be a literal."),
        )),
    }
}

fn positive(name: &str, value: i64) -> Result<Expr, SqlError> {
    if value > 0 {
        return Ok(long(value));
    }
    Err(SqlError::new(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        format!("The number of {name} must be at least 1, not {value}."),
    ))
}

/// The call with the bounds of a range as its order's type takes them.
///
/// # Errors
/// DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE for an order that has no distances.
pub(super) fn in_order_type(mut call: WindowFunction, schema: &DFSchema) -> DataFusionResult<WindowFunction> {
    if call.params.window_frame.units != WindowFrameUnits::Range {
        return Ok(call);
    }
    let Some(order) = call.params.order_by.first() else {
        return Ok(call);
    };
    let order = order.expr.get_type(schema)?;
    let frame = call.params.window_frame;
    let start = bound(frame.start_bound.clone(), &order)?;
    let end = bound(frame.end_bound.clone(), &order)?;
    call.params.window_frame = WindowFrame::new_bounds(frame.units, start, end);
    Ok(call)
}

fn bound(bound: WindowFrameBound, order: &DataType) -> Result<WindowFrameBound, SqlError> {
    Ok(match bound {
        WindowFrameBound::Preceding(ScalarValue::Utf8(Some(text))) => {
            WindowFrameBound::Preceding(distance(text, order)?)
        }
        WindowFrameBound::Following(ScalarValue::Utf8(Some(text))) => {
            WindowFrameBound::Following(distance(text, order)?)
        }
        other => other,
    })
}

/// A distance in the order's type: a number, days of a date, an interval.
fn distance(text: String, order: &DataType) -> Result<ScalarValue, SqlError> {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    let text = match (order, text.split_once(' ')) {
        (DataType::Date32, None) => format!("{text} days"),
        (DataType::Date32, Some((count, "microseconds"))) => match count.parse::<i64>() {
            Ok(micros) if micros % DAY == 0 => format!("{} days", micros / DAY),
            _ => return Err(unaccepted(&text, order)),
        },
        (DataType::Date32 | DataType::Timestamp(..), Some(_)) => text,
        (number, None) if is_numeric(number) => text,
        _ => return Err(unaccepted(&text, order)),
    };
    Ok(ScalarValue::Utf8(Some(text)))
}

fn unaccepted(text: &str, order: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE",
        format!(
            "The bound {text} of a range cannot be used with an order by \"{}\".",
            type_name(order)
        ),
    )
}
