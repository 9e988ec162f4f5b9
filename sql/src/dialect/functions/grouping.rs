//! `grouping(column)` and `grouping_id([columns])`: aggregates for the planner, which the analyzer layer makes bits of the
//! grouping sets' number.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, TypeSignature, Volatility,
};

use crate::SqlError;

/// The functions' names.
pub(crate) const NAMES: [&str; 2] = ["grouping", "grouping_id"];

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum GroupingKind {
    /// `grouping(column)`: 1 where the set lacks the column, as a TINYINT.
    One,
    /// `grouping_id([columns])`: a bit for every grouping column, the last the lowest, as a BIGINT.
    Id,
}

/// The function of this name.
pub(super) fn function(name: &str) -> Option<Arc<AggregateUDF>> {
    let kind = match name {
        "grouping" => GroupingKind::One,
        "grouping_id" => GroupingKind::Id,
        _ => return None,
    };
    let any = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
    Some(Arc::new(AggregateUDF::new_from_impl(GroupingFunction {
        kind,
        signature: Signature::one_of(any, Volatility::Immutable),
    })))
}

/// The call of one of the functions, and its arguments.
pub(crate) fn call_of(expr: &Expr) -> Option<(GroupingKind, &[Expr])> {
    match expr {
        Expr::Alias(alias) => call_of(&alias.expr),
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            let function = func.inner().downcast_ref::<GroupingFunction>()?;
            Some((function.kind, &params.args))
        }
        _ => None,
    }
}

/// The error for a call where nothing is grouped by sets.
pub(crate) fn outside_sets() -> SqlError {
    SqlError::new(
        "UNSUPPORTED_GROUPING_EXPRESSION",
        "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.",
    )
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct GroupingFunction {
    kind: GroupingKind,
    signature: Signature,
}

impl AggregateUDFImpl for GroupingFunction {
    fn name(&self) -> &str {
        match self.kind {
            GroupingKind::One => "spark_grouping",
            GroupingKind::Id => "spark_grouping_id",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(match self.kind {
            GroupingKind::One => DataType::Int8,
            GroupingKind::Id => DataType::Int64,
        })
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, data_type: &DataType) -> DataFusionResult<ScalarValue> {
        ScalarValue::new_zero(data_type)
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> DataFusionResult<Box<dyn Accumulator>> {
        Err(outside_sets().into())
    }
}
