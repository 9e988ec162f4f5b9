//! Floats as Spark compares them: `-0.0` is `0.0`, and one NaN is every NaN.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use tidemill_state::normalize_keys;

use crate::error::state;

/// The expression with one zero and one NaN; one that has them stays.
pub(crate) fn float_key(expr: Expr) -> Expr {
    let has_them = match &expr {
        Expr::Alias(alias) => is_float_key(&alias.expr),
        other => is_float_key(other),
    };
    if has_them {
        return expr;
    }
    let function = ScalarUDF::new_from_impl(FloatKey {
        signature: Signature::any(1, Volatility::Immutable),
    });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![expr]))
}

fn is_float_key(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.inner().is::<FloatKey>())
}

/// Whether values of the type are, or hold, floats.
pub(crate) fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        DataType::List(item) => holds_floats(item.data_type()),
        other => other.is_floating(),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatKey {
    signature: Signature,
}

impl ScalarUDFImpl for FloatKey {
    fn name(&self) -> &str {
        "spark_float_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let field = args.arg_fields.first();
        let data_type = field.map_or(DataType::Null, |f| f.data_type().clone());
        let nullable = field.is_none_or(|f| f.is_nullable());
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        match args.args.first() {
            Some(ColumnarValue::Array(array)) => {
                Ok(ColumnarValue::Array(normalize_keys(array).map_err(state)?))
            }
            Some(ColumnarValue::Scalar(value)) => {
                let one = normalize_keys(&value.to_array()?).map_err(state)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
            }
            None => Ok(ColumnarValue::Scalar(ScalarValue::Null)),
        }
    }
}
