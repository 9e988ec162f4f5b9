//! Casts between numbers, booleans and, without ANSI, binary.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, PrimitiveBuilder,
};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::Result as DataFusionResult;

use super::super::super::analyzer::{is_float, is_integer};
use super::super::text_of::java_double;
use super::{CastFunction, Mode, double_to_decimal};
use crate::SqlError;

impl CastFunction {
    pub(super) fn number(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        match (array.data_type(), &self.to) {
            (f, DataType::Decimal128(p, s)) if is_float(f) => self.float_to_decimal(array, *p, *s),
            (f, t) if self.mode == Mode::Legacy && is_integer(t) && *f != DataType::Boolean => {
                self.wrapped(array)
            }
            (f, DataType::Binary) if is_integer(f) => big_endian(array),
            (DataType::Boolean, DataType::Decimal128(..)) => self.with_arrow(&cast(array, &DataType::Int32)?),
            (DataType::Decimal128(..), DataType::Boolean) => {
                let values = array.as_primitive::<Decimal128Type>().iter();
                let values: BooleanArray = values.map(|v| v.map(|v| v != 0)).collect();
                Ok(Arc::new(values))
            }
            _ => self.with_arrow(array),
        }
    }

    /// Arrow's own cast, where its values are Spark's.
    pub(super) fn with_arrow(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let options = CastOptions {
            safe: self.mode != Mode::Ansi,
            ..CastOptions::default()
        };
        cast_with_options(array, &self.to, &options).map_err(|_| {
            if matches!(self.to, DataType::Decimal128(..)) {
                return self.out_of_range("A value").into();
            }
            SqlError::new(
                "CAST_OVERFLOW",
                format!(
                    "A value of the type \"{}\" cannot be cast to \"{}\" due to an overflow. Use `try_cast` to tolerate \
                     overflow and return NULL instead.",
                    super::super::type_name(array.data_type()),
                    super::super::type_name(&self.to)
                ),
            )
            .into()
        })
    }

    /// What is no number becomes NULL.
    fn float_to_decimal(&self, array: &ArrayRef, precision: u8, scale: i8) -> DataFusionResult<ArrayRef> {
        let values = cast(array, &DataType::Float64)?;
        let mut out = PrimitiveBuilder::<Decimal128Type>::with_capacity(values.len());
        for value in values.as_primitive::<Float64Type>() {
            let value = value.filter(|v| v.is_finite());
            let digits = value.and_then(|v| double_to_decimal(v, precision, scale));
            if let (Some(value), None, Mode::Ansi) = (value, digits, self.mode) {
                return Err(self.out_of_range(&java_double(value)).into());
            }
            out.append_option(digits);
        }
        Ok(Arc::new(out.finish().with_data_type(self.to.clone())))
    }

    /// Whole numbers as Java narrows them: the low bits of a whole number, the nearest end for a float.
    fn wrapped(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let wide = match array.data_type() {
            t if is_float(t) => {
                let values = cast(array, &DataType::Float64)?;
                let to_long = self.to == DataType::Int64;
                // A float becomes an INT before it becomes anything smaller.
                let narrow = |v: f64| if to_long { v as i64 } else { i64::from(v as i32) };
                long_of(values.as_primitive::<Float64Type>().iter().map(|v| v.map(narrow)))
            }
            DataType::Decimal128(_, scale) => {
                let unit = 10_i128.pow(u32::try_from(*scale).unwrap_or(0));
                let values = array.as_primitive::<Decimal128Type>();
                long_of(values.iter().map(|v| v.map(|v| (v / unit) as i64)))
            }
            _ => cast(array, &DataType::Int64)?,
        };
        let values = || wide.as_primitive::<Int64Type>().iter();
        Ok(match self.to {
            DataType::Int8 => narrowed::<Int8Type>(values(), |v| v as i8),
            DataType::Int16 => narrowed::<Int16Type>(values(), |v| v as i16),
            DataType::Int32 => narrowed::<Int32Type>(values(), |v| v as i32),
            _ => wide,
        })
    }
}

fn long_of(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    narrowed::<Int64Type>(values, |v| v)
}

fn narrowed<T: ArrowPrimitiveType>(
    values: impl Iterator<Item = Option<i64>>,
    narrow: impl Fn(i64) -> T::Native,
) -> ArrayRef {
    let mut out = PrimitiveBuilder::<T>::with_capacity(values.size_hint().0);
    values.for_each(|v| out.append_option(v.map(&narrow)));
    Arc::new(out.finish())
}

/// Whole numbers as their bytes, the highest first.
fn big_endian(array: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let width = array.data_type().primitive_width().unwrap_or(8);
    let wide = cast(array, &DataType::Int64)?;
    let values = wide.as_primitive::<Int64Type>();
    let bytes: BinaryArray = values
        .iter()
        .map(|v| v.map(|v| v.to_be_bytes().get(8 - width..).unwrap_or_default().to_vec()))
        .collect();
    Ok(Arc::new(bytes))
}
