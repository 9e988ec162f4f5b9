//! The arguments of aggregate functions that must be constants.

use arrow::array::Array;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::cast::as_float64_array;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::function::constant;
use super::hyperloglog;
use crate::{Result, SqlError};

/// The relative deviation of `approx_count_distinct` without one.
const DEVIATION: f64 = 0.05;

fn not_constant(name: &str) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
        format!("The parameters of {name} must be constants, and not NULL."),
    )
}

/// The bits of a hash that choose a register, from the relative deviation.
///
/// # Errors
/// A deviation out of range.
pub(super) fn hash_bits(deviation: Option<&ScalarValue>) -> Result<u32> {
    hyperloglog::precision(match deviation {
        Some(ScalarValue::Float64(Some(deviation))) => *deviation,
        _ => DEVIATION,
    })
}

/// Parts of the way, from 0 to 1: one, or an array of them.
///
/// # Errors
/// No constant, or a part out of range.
pub(super) fn parts(name: &str, value: Option<ScalarValue>) -> Result<Vec<f64>> {
    let parts = match value {
        Some(ScalarValue::Float64(Some(part))) => vec![part],
        Some(ScalarValue::List(list)) if list.is_valid(0) => {
            let parts = list.value(0);
            as_float64_array(&parts)?.iter().flatten().collect()
        }
        _ => return Err(not_constant(name)),
    };
    if parts.iter().all(|part| (0.0..=1.0).contains(part)) {
        return Ok(parts);
    }
    Err(SqlError::new(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        format!("The percentages of {name} must be between 0.0 and 1.0 (current value = {parts:?})."),
    ))
}

/// A whole number above 0; the default where the argument is not given.
///
/// # Errors
/// No constant, or a number that is not above 0.
pub(super) fn whole(name: &str, args: &AccumulatorArgs<'_>, at: usize, default: i64) -> Result<i64> {
    if args.expr_fields.len() <= at {
        return Ok(default);
    }
    match constant(args, at).and_then(|v| v.cast_to(&DataType::Int64).ok()) {
        Some(ScalarValue::Int64(Some(number))) if number > 0 => Ok(number),
        Some(ScalarValue::Int64(Some(number))) => Err(SqlError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("The parameter of {name} must be above 0 (current value = {number})."),
        )),
        _ => Err(not_constant(name)),
    }
}

/// Whether the argument is there and true.
pub(super) fn flag(args: &AccumulatorArgs<'_>, at: usize) -> bool {
    constant(args, at) == Some(ScalarValue::Boolean(Some(true)))
}
