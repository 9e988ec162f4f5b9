//! Casts from and to dates and times, but for text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::Result as DataFusionResult;

use super::super::super::analyzer::{is_float, is_integer};
use super::super::super::statements::timestamp;
use super::CastFunction;

const MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * MICROS;

impl CastFunction {
    pub(super) fn convert_time(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let ntz = DataType::Timestamp(TimeUnit::Microsecond, None);
        let from_timestamp = *array.data_type() == timestamp();
        match (array.data_type(), &self.to) {
            (DataType::Date32, DataType::Timestamp(_, zone)) => {
                let days = array.as_primitive::<Date32Type>().iter();
                self.primitive::<TimestampMicrosecondType, _>(days, |days| {
                    let local = i64::from(*days).checked_mul(DAY_MICROS)?;
                    if zone.is_some() {
                        self.zone.to_utc(local)
                    } else {
                        Some(local)
                    }
                })
            }
            // A date is nothing else, without ANSI.
            (DataType::Date32, to) => Ok(new_null_array(to, array.len())),
            (_, DataType::Date32) => self.micros(array, |m| {
                i32::try_from(self.local(m, from_timestamp)?.div_euclid(DAY_MICROS)).ok()
            }),
            (_, t) if from_timestamp && *t == ntz => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().iter();
                self.primitive::<TimestampMicrosecondType, _>(micros, |m| self.zone.to_local(*m))
            }
            (f, _) if *f == ntz => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().iter();
                self.primitive::<TimestampMicrosecondType, _>(micros, |m| self.zone.to_utc(*m))
            }
            _ if from_timestamp => self.number_of_timestamp(array),
            _ => self.timestamp_of_number(array),
        }
    }

    fn local(&self, micros: i64, zoned: bool) -> Option<i64> {
        if zoned {
            self.zone.to_local(micros)
        } else {
            Some(micros)
        }
    }

    fn micros(&self, array: &ArrayRef, f: impl Fn(i64) -> Option<i32>) -> DataFusionResult<ArrayRef> {
        let micros = array.as_primitive::<TimestampMicrosecondType>();
        self.primitive::<Date32Type, _>(micros.iter(), |m| f(*m))
    }

    /// Seconds since the epoch; a number of another kind than DECIMAL or a float has no fraction.
    fn number_of_timestamp(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let micros = array.as_primitive::<TimestampMicrosecondType>();
        let seconds: ArrayRef = match &self.to {
            DataType::Boolean => {
                let values = micros.iter().map(|m| m.map(|m| m != 0));
                return Ok(Arc::new(values.collect::<BooleanArray>()));
            }
            t if is_float(t) => {
                let values = micros.iter().map(|m| m.map(|m| m as f64 / MICROS as f64));
                Arc::new(values.collect::<Float64Array>())
            }
            DataType::Decimal128(..) => {
                let values: Decimal128Array = micros.iter().map(|m| m.map(i128::from)).collect();
                Arc::new(values.with_precision_and_scale(38, 6)?)
            }
            _ => {
                let values = micros.iter().map(|m| m.map(|m| m.div_euclid(MICROS)));
                Arc::new(values.collect::<arrow::array::Int64Array>())
            }
        };
        self.with_arrow(&seconds)
    }

    fn timestamp_of_number(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        match array.data_type() {
            DataType::Boolean => {
                let values = array.as_boolean().iter();
                self.primitive::<TimestampMicrosecondType, _>(values, |b| Some(i64::from(*b)))
            }
            t if is_integer(t) => {
                let seconds = cast(array, &DataType::Int64)?;
                let seconds = seconds.as_primitive::<Int64Type>().iter();
                self.primitive::<TimestampMicrosecondType, _>(seconds, |s| Some(s.saturating_mul(MICROS)))
            }
            DataType::Decimal128(_, scale) => {
                let unit = 10_i128.pow(u32::try_from(*scale).unwrap_or(0));
                let values = array.as_primitive::<Decimal128Type>().iter();
                self.primitive::<TimestampMicrosecondType, _>(values, |v| {
                    Some((v.checked_mul(i128::from(MICROS))? / unit) as i64)
                })
            }
            _ => {
                let seconds = cast(array, &DataType::Float64)?;
                let seconds = seconds.as_primitive::<Float64Type>().iter();
                self.primitive::<TimestampMicrosecondType, _>(seconds, |s| {
                    s.is_finite().then_some((s * MICROS as f64) as i64)
                })
            }
        }
    }
}
