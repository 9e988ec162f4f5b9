//! The functions `min` and `max`: DataFusion's, but for the types that it orders in another way than Spark.
//!
//! They bear names of their own, because DataFusion prunes what a scan reads by the least and greatest values that files
//! tell, for whatever is called `min` or `max`, and files do not tell of NaN.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::min_max::{Max, Min, max_udaf, min_udaf};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, StatisticsArgs, Volatility,
};

use super::extremum::{FloatExtremum, is_ordered_otherwise};
use super::function::{FoldUser, Grouping, OneGroup, result_field};
use super::select::{Pick, Picks};
use crate::record::value::IntervalFields;

/// `min`.
pub(super) fn min() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(MinMax::new(false)))
}

/// `max`.
pub(super) fn max() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(MinMax::new(true)))
}

/// The expression with Spark's function in place of DataFusion's `min` or `max`, whatever the dialect: what is kept in a
/// state is Spark's.
pub(crate) fn as_kept_in_state(expr: Expr) -> Expr {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else {
        return expr;
    };
    let func = if func.inner().downcast_ref::<Min>().is_some() {
        min()
    } else if func.inner().downcast_ref::<Max>().is_some() {
        max()
    } else {
        func
    };
    Expr::AggregateFunction(AggregateFunction { func, params })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MinMax {
    greatest: bool,
    signature: Signature,
}

impl MinMax {
    fn new(greatest: bool) -> Self {
        Self {
            greatest,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn wins(&self) -> Ordering {
        if self.greatest {
            Ordering::Greater
        } else {
            Ordering::Less
        }
    }

    /// DataFusion's function.
    fn plain(&self) -> Arc<AggregateUDF> {
        if self.greatest { max_udaf() } else { min_udaf() }
    }

    /// Hands the fold of our own order to its user.
    fn fold<U: FoldUser>(&self, data_type: &DataType, user: U) -> U::Out {
        match data_type {
            DataType::Float32 => user.with(FloatExtremum::<Float32Type>::new(self.wins())),
            DataType::Float64 => user.with(FloatExtremum::<Float64Type>::new(self.wins())),
            nested => user.with_groups(Picks::new(Pick::Extremum(self.wins()), vec![nested.clone()])),
        }
    }
}

impl AggregateUDFImpl for MinMax {
    fn name(&self) -> &str {
        if self.greatest { "spark_max" } else { "spark_min" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.plain().coerce_types(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.plain().return_type(arg_types)
    }

    fn return_field(&self, args: &[FieldRef]) -> Result<FieldRef> {
        result_field(
            self,
            args,
            args.first().and_then(|field| IntervalFields::of(field)),
        )
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.plain().state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match args.return_type() {
            own if is_ordered_otherwise(own) => Ok(self.fold(own, OneGroup)),
            _ => self.plain().accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        is_ordered_otherwise(args.return_type()) || self.plain().groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_type() {
            own if is_ordered_otherwise(own) => Ok(self.fold(own, Grouping)),
            _ => self.plain().create_groups_accumulator(args),
        }
    }

    fn value_from_stats(&self, args: &StatisticsArgs) -> Option<ScalarValue> {
        if is_ordered_otherwise(args.return_type) {
            return None;
        }
        self.plain().value_from_stats(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.plain().inner().set_monotonicity(data_type)
    }
}
