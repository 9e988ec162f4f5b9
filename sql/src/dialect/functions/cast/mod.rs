//! CAST and TRY_CAST with Spark's meaning: which conversions exist, what text looks like, and what becomes of a value that does
//! not fit: an error, NULL, or without ANSI what Java makes of it.

mod convert;
mod interval;
mod nested;
mod number;
pub(crate) mod parse;
mod rules;
mod text;
mod time;

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::is_numeric;
use crate::SqlError;
use crate::record::value::{IntervalFields, Zone};

/// How a cast treats a value that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Misfit {
    /// As the session says: an error under ANSI, else Spark's legacy result.
    Error,
    /// NULL.
    Null,
}

/// The three casts of Spark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mode {
    /// A value that does not fit is an error.
    Ansi,
    /// A value that does not fit is NULL.
    Try,
    /// Numbers wrap around or stop at the ends, other values that do not fit are NULL.
    Legacy,
}

/// The cast of an expression of a known type; refused where Spark has none.
pub(crate) fn spark_cast(
    expr: Expr,
    from: &DataType,
    to: &DataType,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    let function = CastFunction::new(to.clone(), Misfit::Error, settings);
    rules::check(from, to, function.mode)?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(function)),
        vec![expr],
    )))
}

/// The expression as the type that operands meet in: a plain cast where it cannot fail.
pub(crate) fn coerce(
    expr: Expr,
    from: &DataType,
    to: &DataType,
    settings: &SqlSettings,
) -> Result<Expr, SqlError> {
    if from == to {
        return Ok(expr);
    }
    let widens = is_numeric(from) && is_numeric(to) && !matches!(from, DataType::Decimal128(..));
    if *from == DataType::Null || widens {
        return Ok(Expr::Cast(Cast::new(Box::new(expr), to.clone())));
    }
    spark_cast(expr, from, to, settings)
}

/// The function that casts to a type.
pub(crate) fn cast_function(to: DataType, misfit: Misfit, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(CastFunction::new(to, misfit, settings))
}

/// The function that casts to intervals of these fields.
pub(crate) fn interval_function(fields: IntervalFields, misfit: Misfit, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(CastFunction {
        to_fields: Some(fields),
        ..CastFunction::new(fields.data_type(), misfit, settings)
    })
}

/// A cast's target and rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CastFunction {
    to: DataType,
    /// The fields of intervals, where the type does not have all of them.
    to_fields: Option<IntervalFields>,
    mode: Mode,
    zone: Zone,
    signature: Signature,
}

impl CastFunction {
    fn new(to: DataType, misfit: Misfit, settings: &SqlSettings) -> Self {
        Self {
            to,
            to_fields: None,
            mode: match (misfit, settings.ansi) {
                (Misfit::Null, _) => Mode::Try,
                (Misfit::Error, true) => Mode::Ansi,
                (Misfit::Error, false) => Mode::Legacy,
            },
            zone: settings.zone(),
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    /// The same cast to another type, for the parts of a nested value.
    fn of(&self, to: &DataType) -> Self {
        Self {
            to: to.clone(),
            to_fields: None,
            ..self.clone()
        }
    }

    /// The value, or what the cast does with one that does not fit.
    fn fitting<V>(&self, value: Option<V>, source: &(impl ToString + ?Sized)) -> DataFusionResult<Option<V>> {
        if value.is_some() || self.mode != Mode::Ansi {
            return Ok(value);
        }
        Err(SqlError::new(
            "CAST_INVALID_INPUT",
            format!(
                "The value '{}' cannot be cast to \"{}\" because it is malformed. Correct the value as per the syntax, or \
                 change its target type. Use `try_cast` to tolerate malformed input and return NULL instead.",
                source.to_string(),
                super::type_name(&self.to)
            ),
        )
        .into())
    }

    /// The error for a number of more digits than the decimal has.
    fn out_of_range(&self, value: &str) -> SqlError {
        SqlError::new(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
            format!(
                "{value} cannot be represented as {}. If necessary set spark.sql.ansi.enabled to false to bypass this error, \
                 and return NULL instead.",
                super::type_name(&self.to)
            ),
        )
    }
}

impl ScalarUDFImpl for CastFunction {
    fn name(&self) -> &str {
        match self.mode {
            Mode::Ansi | Mode::Legacy => "spark_cast",
            Mode::Try => "spark_try_cast",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> DataFusionResult<DataType> {
        if let [from] = arg_types {
            rules::check(from, &self.to, self.mode)?;
        }
        Ok(self.to.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let to = self.return_type(&types)?;
        Ok(match self.to_fields {
            Some(fields) => fields.field(self.name()),
            None => Arc::new(Field::new(self.name(), to, true)),
        })
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        // A cast to the type that the value has would only hide a column from the optimiser.
        match args.as_slice() {
            [value] if self.to_fields.is_none() && info.get_data_type(value)? == self.to => {
                Ok(ExprSimplifyResult::Simplified(value.clone()))
            }
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let [value] = args.args.as_slice() else {
            return Err(SqlError::new("WRONG_NUM_ARGS", "a cast has one argument").into());
        };
        let fields = args
            .arg_fields
            .first()
            .and_then(|field| IntervalFields::of(field));
        let convert = |array: &ArrayRef| match fields {
            Some(fields) => self.convert_interval(array, fields),
            None => self.convert(array),
        };
        match value {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(convert(array)?)),
            ColumnarValue::Scalar(scalar) => {
                let array = convert(&scalar.to_array()?)?;
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
