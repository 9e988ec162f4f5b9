//! The arguments of one row, and the column of the rows' results.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveBuilder, StringBuilder};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int32Type, Int64Type,
    IntervalYearMonthType, TimestampMicrosecondType,
};
use datafusion::common::Result as DataFusionResult;

use crate::SqlError;

/// The arguments of one row; a scalar stands for every row.
pub(super) struct Row<'a> {
    pub(super) columns: &'a [ArrayRef],
    pub(super) row: usize,
}

impl<'a> Row<'a> {
    /// Whether any argument is NULL.
    pub(super) fn has_null(&self) -> bool {
        self.columns.iter().any(|column| column.is_null(self.row))
    }

    pub(super) fn data_type(&self, at: usize) -> Option<&DataType> {
        self.columns.get(at).map(|column| column.data_type())
    }

    fn primitive<T: ArrowPrimitiveType>(&self, at: usize) -> Option<T::Native> {
        let array = self.columns.get(at)?.as_primitive_opt::<T>()?;
        array.is_valid(self.row).then(|| array.value(self.row))
    }

    /// The days since the epoch of a DATE.
    pub(super) fn date(&self, at: usize) -> Option<i32> {
        self.primitive::<Date32Type>(at)
    }

    /// The microseconds of a timestamp of either kind.
    pub(super) fn micros(&self, at: usize) -> Option<i64> {
        self.primitive::<TimestampMicrosecondType>(at)
    }

    pub(super) fn int(&self, at: usize) -> Option<i32> {
        self.primitive::<Int32Type>(at)
    }

    pub(super) fn long(&self, at: usize) -> Option<i64> {
        self.primitive::<Int64Type>(at)
    }

    pub(super) fn double(&self, at: usize) -> Option<f64> {
        self.primitive::<Float64Type>(at)
    }

    /// The unscaled digits of a DECIMAL.
    pub(super) fn decimal(&self, at: usize) -> Option<i128> {
        self.primitive::<Decimal128Type>(at)
    }

    /// Months and microseconds of an interval.
    pub(super) fn interval(&self, at: usize) -> Option<(i32, i64)> {
        if let Some(months) = self.primitive::<IntervalYearMonthType>(at) {
            return Some((months, 0));
        }
        self.primitive::<DurationMicrosecondType>(at)
            .map(|micros| (0, micros))
    }

    pub(super) fn boolean(&self, at: usize) -> Option<bool> {
        let array = self.columns.get(at)?.as_boolean_opt()?;
        array.is_valid(self.row).then(|| array.value(self.row))
    }

    pub(super) fn text(&self, at: usize) -> Option<&'a str> {
        let array = self.columns.get(at)?.as_string_opt::<i32>()?;
        array.is_valid(self.row).then(|| array.value(self.row))
    }
}

/// A row's result.
pub(super) enum Value {
    /// An INT, or the days of a DATE.
    Int(i32),
    /// A BIGINT, the microseconds of a timestamp or an interval, or the unscaled digits of a DECIMAL.
    Long(i64),
    /// A DOUBLE.
    Double(f64),
    /// A STRING.
    Text(String),
}

/// The rows' results as a column of this type.
pub(super) fn collect(
    result: &DataType,
    values: impl Iterator<Item = Result<Option<Value>, SqlError>>,
) -> DataFusionResult<ArrayRef> {
    let int = |value| match value {
        Value::Int(v) => Some(v),
        _ => None,
    };
    let long = |value| match value {
        Value::Long(v) => Some(v),
        _ => None,
    };
    match result {
        DataType::Int32 => primitive::<Int32Type>(result, values, int),
        DataType::Date32 => primitive::<Date32Type>(result, values, int),
        DataType::Int64 => primitive::<Int64Type>(result, values, long),
        DataType::Decimal128(..) => {
            primitive::<Decimal128Type>(result, values, |value| long(value).map(i128::from))
        }
        DataType::Timestamp(..) => primitive::<TimestampMicrosecondType>(result, values, long),
        DataType::Duration(_) => primitive::<DurationMicrosecondType>(result, values, long),
        DataType::Float64 => primitive::<Float64Type>(result, values, |value| match value {
            Value::Double(v) => Some(v),
            _ => None,
        }),
        _ => {
            let mut out = StringBuilder::new();
            for value in values {
                match value? {
                    Some(Value::Text(text)) => out.append_value(text),
                    _ => out.append_null(),
                }
            }
            Ok(Arc::new(out.finish()))
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    result: &DataType,
    values: impl Iterator<Item = Result<Option<Value>, SqlError>>,
    of: impl Fn(Value) -> Option<T::Native>,
) -> DataFusionResult<ArrayRef> {
    let mut out = PrimitiveBuilder::<T>::with_capacity(values.size_hint().0).with_data_type(result.clone());
    for value in values {
        out.append_option(value?.and_then(&of));
    }
    Ok(Arc::new(out.finish()))
}
