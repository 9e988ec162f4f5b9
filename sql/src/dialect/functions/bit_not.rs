//! `~x`: the bits of a whole number turned.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::kernels::bitwise::bitwise_not;
use arrow::datatypes::{DataType, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::analyzer::is_integer;
use crate::SqlError;

/// The function that computes `~x`.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(BitNot {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct BitNot {
    signature: Signature,
}

impl ScalarUDFImpl for BitNot {
    fn name(&self) -> &str {
        "spark_bit_not"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        match types {
            [t] if is_integer(t) => Ok(t.clone()),
            other => Err(wrong(other.first().unwrap_or(&DataType::Null)).into()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let [value] = args.args.as_slice() else {
            return Err(SqlError::new("WRONG_NUM_ARGS", "~ has one operand").into());
        };
        let array = value.to_array(1)?;
        let out: ArrayRef = match array.data_type() {
            DataType::Int8 => Arc::new(bitwise_not(array.as_primitive::<Int8Type>())?),
            DataType::Int16 => Arc::new(bitwise_not(array.as_primitive::<Int16Type>())?),
            DataType::Int32 => Arc::new(bitwise_not(array.as_primitive::<Int32Type>())?),
            DataType::Int64 => Arc::new(bitwise_not(array.as_primitive::<Int64Type>())?),
            other => return Err(wrong(other).into()),
        };
        Ok(match value {
            ColumnarValue::Array(_) => ColumnarValue::Array(out),
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?),
        })
    }
}

fn wrong(data_type: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        format!("~ takes a whole number, not \"{}\".", super::type_name(data_type)),
    )
}
