//! CAST and TRY_CAST with Spark's meaning: which conversions exist, what text looks like, and what is an error.
//!
//! Without ANSI only conversions that never fail are here; the others are refused, because Spark's legacy results (wrap-around,
//! NULL) are not built.

mod convert;
pub(crate) mod parse;

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::{is_float, is_integer, is_numeric, is_string};
use super::super::statements::timestamp;
use super::zone::Zone;
use crate::SqlError;

/// How a cast treats a value that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Misfit {
    /// An error.
    Error,
    /// NULL.
    Null,
}

/// The cast of an expression of a known type; refused where Spark has none.
pub(crate) fn spark_cast(
    expr: Expr,
    from: &DataType,
    to: &DataType,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    let function = CastFunction::new(to.clone(), Misfit::Error, settings);
    function.check(from)?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(function)),
        vec![expr],
    )))
}

/// The function that casts to a type.
pub(crate) fn cast_function(to: DataType, misfit: Misfit, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(CastFunction::new(to, misfit, settings))
}

/// A cast's target and rules.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CastFunction {
    to: DataType,
    misfit: Misfit,
    ansi: bool,
    zone: Zone,
    signature: Signature,
}

impl CastFunction {
    fn new(to: DataType, misfit: Misfit, settings: &SqlSettings) -> Self {
        Self {
            to,
            misfit,
            ansi: settings.ansi,
            zone: Zone::of(settings),
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    /// Refuses a conversion that Spark does not have, or that is not built.
    fn check(&self, from: &DataType) -> Result<(), SqlError> {
        let to = &self.to;
        if from == to || *from == DataType::Null {
            return Ok(());
        }
        let is_time = |t: &DataType| {
            matches!(
                t,
                DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _)
            )
        };
        let allowed = match (from, to) {
            (f, t) if is_numeric(f) && is_numeric(t) => true,
            (DataType::UInt64, DataType::Int64) => true,
            (f, DataType::Boolean) | (DataType::Boolean, f) if is_numeric(f) => true,
            (f, t) if is_string(f) => {
                is_numeric(t)
                    || is_time(t)
                    || matches!(t, DataType::Boolean | DataType::Binary | DataType::Utf8)
            }
            (f, DataType::Utf8) => {
                is_numeric(f) || is_time(f) || matches!(f, DataType::Boolean | DataType::Binary)
            }
            (f, t) if is_time(f) && is_time(t) => true,
            (f, t) if *f == timestamp() => is_integer(t) || is_float(t),
            (f, t) if *t == timestamp() => is_integer(f),
            _ => false,
        };
        if !allowed {
            return Err(SqlError::new(
                "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
                format!(
                    "Cannot cast \"{}\" to \"{}\", or this cast is not supported in the spark dialect yet.",
                    super::type_name(from),
                    super::type_name(to)
                ),
            ));
        }
        if !self.ansi && self.misfit == Misfit::Error && may_fail(from, to) {
            return Err(SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!(
                    "CAST of {} to {} without spark.sql.ansi.enabled is not supported yet: use TRY_CAST.",
                    super::type_name(from),
                    super::type_name(to)
                ),
            ));
        }
        Ok(())
    }
}

/// Whether some value of the one type does not fit the other.
fn may_fail(from: &DataType, to: &DataType) -> bool {
    if is_string(from) {
        return !is_string(to) && *to != DataType::Binary;
    }
    let numeric = is_numeric(from) && is_numeric(to);
    numeric && super::super::analyzer::tightest(from, to).as_ref() != Some(to) && !is_float(to)
        || *from == timestamp() && is_integer(to) && *to != DataType::Int64
}

impl ScalarUDFImpl for CastFunction {
    fn name(&self) -> &str {
        match self.misfit {
            Misfit::Error => "spark_cast",
            Misfit::Null => "spark_try_cast",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> DataFusionResult<DataType> {
        if let [from] = arg_types {
            self.check(from)?;
        }
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let [value] = args.args.as_slice() else {
            return Err(SqlError::new("WRONG_NUM_ARGS", "a cast has one argument").into());
        };
        match value {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(self.convert(array)?)),
            ColumnarValue::Scalar(scalar) => {
                let array = self.convert(&scalar.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
        }
    }
}

/// The unscaled digits of a double as a decimal of this precision and scale, rounded half up from the shortest text that
/// reads back as the double; `None` for too many digits and for what is no number.
pub(crate) fn double_to_decimal(value: f64, precision: u8, scale: i8) -> Option<i128> {
    parse::decimal(&super::java_double(value), precision, scale)
}
