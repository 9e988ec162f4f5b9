//! `try_add` and its like: the operator that they hold, with NULL for what does not fit and for a division by zero.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::{arithmetic, intervals};
use crate::SqlError;

/// The function over an operator.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(TryArithmetic {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TryArithmetic {
    signature: Signature,
}

impl ScalarUDFImpl for TryArithmetic {
    fn name(&self) -> &str {
        "__try"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let field = args.arg_fields.first().map(|field| field.as_ref().clone());
        let field = field.unwrap_or_else(|| Field::new("", DataType::Null, true));
        Ok(Arc::new(field.with_nullable(true)))
    }

    /// The operator itself, told to try.
    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        let tried = match args.as_slice() {
            [Expr::ScalarFunction(call)] => arithmetic::trying(&call.func)
                .or_else(|| intervals::trying(&call.func))
                .map(|func| Expr::ScalarFunction(ScalarFunction::new_udf(func, call.args.clone()))),
            // A literal is what was computed without an error.
            [literal @ Expr::Literal(..)] => Some(literal.clone()),
            _ => None,
        };
        match tried {
            Some(tried) => Ok(ExprSimplifyResult::Simplified(tried)),
            None => Err(not_numbers().into()),
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        Err(SqlError::new(
            "INTERNAL_ERROR",
            "try_ arithmetic was not simplified to its operator",
        )
        .into())
    }
}

fn not_numbers() -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        "try_add, try_subtract, try_multiply, try_divide and try_mod of other than numbers and intervals are not supported in the spark \
         dialect yet.",
    )
}
