//! `min` and `max` of floats and of what is nested, in Spark's order: NaN is the greatest number, `-0.0` ties with `0.0`, the
//! first of equal values stays, and within a struct or an array null comes first. Other types go to DataFusion's functions,
//! whose order is Spark's.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_datafusion_err};

use super::fold::{Fold, Rows, column};

/// Whether DataFusion's `min` and `max` order values of this type in another way than Spark.
pub(super) fn is_ordered_otherwise(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Float32
            | DataType::Float64
            | DataType::Struct(_)
            | DataType::List(_)
            | DataType::LargeList(_)
    )
}

/// `min` or `max` of floats.
#[derive(Debug)]
pub(super) struct FloatExtremum<T> {
    wins: Ordering,
    float: PhantomData<fn() -> T>,
}

impl<T> FloatExtremum<T> {
    /// With how a value must compare to the one held to take its place.
    pub(super) fn new(wins: Ordering) -> Self {
        Self {
            wins,
            float: PhantomData,
        }
    }
}

/// Spark's order of numbers.
fn compare(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other)
        .unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

impl<T> Fold for FloatExtremum<T>
where
    T: ArrowPrimitiveType + std::fmt::Debug,
    T::Native: Into<f64>,
{
    type Group = Option<T::Native>;

    fn empty(&self) -> Self::Group {
        None
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = column(values, 0)?;
        let Some(floats) = values.as_primitive_opt::<T>() else {
            return Err(internal_datafusion_err!(
                "a least float of {}",
                values.data_type()
            ));
        };
        rows.each(floats.nulls(), |row, group| {
            let (value, held) = (floats.value(row), &mut groups[group]);
            if held.is_none_or(|held| compare(value.into(), held.into()) == self.wins) {
                *held = Some(value);
            }
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        self.update(groups, states, rows)
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.results(groups)?])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(groups)))
    }
}
