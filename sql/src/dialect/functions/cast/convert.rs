//! Converting the values of an array.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBuilder, PrimitiveBuilder, StringBuilder,
    new_null_array,
};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType,
};
use chrono::NaiveDate;
use datafusion::common::Result as DataFusionResult;

use super::super::super::analyzer::{is_float, is_integer, is_string};
use super::super::super::statements::timestamp;
use super::super::text_of::{java_double, java_float, timestamp_text};
use super::{CastFunction, Misfit, double_to_decimal, parse};
use crate::SqlError;

const MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * MICROS;

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

impl CastFunction {
    /// The array as the target type.
    pub(super) fn convert(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let from = array.data_type();
        if *from == self.to {
            return Ok(Arc::clone(array));
        }
        if *from == DataType::Null {
            return Ok(new_null_array(&self.to, array.len()));
        }
        if is_string(from) {
            let text = cast(array, &DataType::Utf8)?;
            return self.parse_text(&text);
        }
        match (from, &self.to) {
            (_, DataType::Utf8) => self.to_text(array),
            (f, DataType::Decimal128(p, s)) if is_float(f) => self.float_to_decimal(array, *p, *s),
            (f, t) if is_time(f) || is_time(t) => self.convert_time(array),
            _ => self.with_arrow(array),
        }
    }

    /// What is no number becomes NULL.
    fn float_to_decimal(&self, array: &ArrayRef, precision: u8, scale: i8) -> DataFusionResult<ArrayRef> {
        let values = cast(array, &DataType::Float64)?;
        let mut out = PrimitiveBuilder::<Decimal128Type>::with_capacity(values.len());
        for value in values.as_primitive::<Float64Type>() {
            let value = value.filter(|v| v.is_finite());
            let digits = value.and_then(|v| double_to_decimal(v, precision, scale));
            if let (Some(value), None, Misfit::Error) = (value, digits, self.misfit) {
                return Err(self.out_of_range(&java_double(value)).into());
            }
            out.append_option(digits);
        }
        Ok(Arc::new(out.finish().with_data_type(self.to.clone())))
    }

    /// The error for a number of more digits than the decimal has.
    fn out_of_range(&self, value: &str) -> SqlError {
        SqlError::new(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
            format!(
                "{value} cannot be represented as {}. If necessary set spark.sql.ansi.enabled to false to bypass this error, \
                 and return NULL instead.",
                super::super::type_name(&self.to)
            ),
        )
    }

    /// Conversions from and to dates and times, but for text.
    fn convert_time(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let utc = timestamp();
        match (array.data_type(), &self.to) {
            (DataType::Date32, t) if *t == utc => {
                let days = array.as_primitive::<Date32Type>();
                self.primitive::<TimestampMicrosecondType, _>(days.iter(), |days| {
                    let local =
                        NaiveDate::default().checked_add_signed(chrono::Duration::days(i64::from(*days)))?;
                    self.zone.instant(local.and_time(chrono::NaiveTime::MIN))
                })
            }
            (f, DataType::Date32) if *f == utc => {
                let micros = array.as_primitive::<TimestampMicrosecondType>();
                self.primitive::<Date32Type, _>(micros.iter(), |m| {
                    i32::try_from(
                        self.zone
                            .local(*m)?
                            .and_utc()
                            .timestamp_micros()
                            .div_euclid(DAY_MICROS),
                    )
                    .ok()
                })
            }
            (f, DataType::Timestamp(TimeUnit::Microsecond, None)) if *f == utc => {
                let micros = array.as_primitive::<TimestampMicrosecondType>();
                self.primitive::<TimestampMicrosecondType, _>(micros.iter(), |m| {
                    Some(self.zone.local(*m)?.and_utc().timestamp_micros())
                })
            }
            (DataType::Timestamp(TimeUnit::Microsecond, None), t) if *t == utc => {
                let micros = array.as_primitive::<TimestampMicrosecondType>();
                self.primitive::<TimestampMicrosecondType, _>(micros.iter(), |m| {
                    self.zone
                        .instant(chrono::DateTime::from_timestamp_micros(*m)?.naive_utc())
                })
            }
            (f, t) if *f == utc && is_integer(t) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>();
                let seconds: ArrayRef =
                    self.as_type::<Int64Type, _>(&DataType::Int64, micros.iter(), |m| {
                        Some(m.div_euclid(MICROS))
                    })?;
                self.with_arrow(&seconds)
            }
            (f, t) if *f == utc && is_float(t) => {
                let micros = cast(array, &DataType::Int64)?;
                let seconds: arrow::array::Float64Array = micros
                    .as_primitive::<Int64Type>()
                    .iter()
                    .map(|m| m.map(|m| m as f64 / MICROS as f64))
                    .collect();
                self.with_arrow(&(Arc::new(seconds) as ArrayRef))
            }
            (f, t) if is_integer(f) && *t == utc => {
                let seconds = cast(array, &DataType::Int64)?;
                self.primitive::<TimestampMicrosecondType, _>(
                    seconds.as_primitive::<Int64Type>().iter(),
                    |s| s.checked_mul(MICROS),
                )
            }
            _ => self.with_arrow(array),
        }
    }

    /// Arrow's own cast, where its values are Spark's.
    fn with_arrow(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let options = CastOptions {
            safe: self.misfit == Misfit::Null,
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

    fn parse_text(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let text = array.as_string::<i32>();
        let texts = || text.iter();
        match &self.to {
            DataType::Utf8 => Ok(Arc::clone(array)),
            DataType::Binary => Ok(cast(array, &DataType::Binary)?),
            DataType::Boolean => {
                let mut out = BooleanBuilder::with_capacity(array.len());
                for value in texts() {
                    out.append_option(match value {
                        Some(text) => self.fitting(parse::boolean(text), text)?,
                        None => None,
                    });
                }
                Ok(Arc::new(out.finish()))
            }
            DataType::Int8 => self.primitive::<Int8Type, _>(texts(), |t| parse::integer(t)?.try_into().ok()),
            DataType::Int16 => {
                self.primitive::<Int16Type, _>(texts(), |t| parse::integer(t)?.try_into().ok())
            }
            DataType::Int32 => {
                self.primitive::<Int32Type, _>(texts(), |t| parse::integer(t)?.try_into().ok())
            }
            DataType::Int64 => self.primitive::<Int64Type, _>(texts(), |t| parse::integer(t)),
            DataType::Float32 => self.primitive::<Float32Type, _>(texts(), |t| {
                let digits = t.trim_matches(|c: char| c <= ' ');
                let plain = digits.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(digits);
                parse::double(t).map(|wide| plain.parse::<f32>().unwrap_or(wide as f32))
            }),
            DataType::Float64 => self.primitive::<Float64Type, _>(texts(), |t| parse::double(t)),
            DataType::Decimal128(p, s) => {
                let mut out = PrimitiveBuilder::<Decimal128Type>::with_capacity(array.len());
                for value in texts() {
                    let digits = value.and_then(|text| parse::decimal(text, *p, *s));
                    let number =
                        value.filter(|t| digits.is_none() && parse::double(t).is_some_and(f64::is_finite));
                    if let (Some(number), Misfit::Error) = (number, self.misfit) {
                        return Err(self.out_of_range(number).into());
                    }
                    out.append_option(match value {
                        Some(text) => self.fitting(digits, text)?,
                        None => None,
                    });
                }
                Ok(Arc::new(out.finish().with_data_type(self.to.clone())))
            }
            DataType::Date32 => self.primitive::<Date32Type, _>(texts(), |t| {
                let days = parse::date(t)?
                    .signed_duration_since(NaiveDate::default())
                    .num_days();
                i32::try_from(days).ok()
            }),
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                self.primitive::<TimestampMicrosecondType, _>(texts(), |t| parse::timestamp_ntz(t))
            }
            DataType::Timestamp(..) => {
                self.primitive::<TimestampMicrosecondType, _>(texts(), |t| parse::timestamp(t, &self.zone))
            }
            other => {
                Err(SqlError::new("UNSUPPORTED_DATATYPE", format!("no cast of a string to {other}")).into())
            }
        }
    }

    fn to_text(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let mut out = StringBuilder::with_capacity(array.len(), array.len() * 8);
        match array.data_type() {
            DataType::Float64 => {
                for v in array.as_primitive::<Float64Type>() {
                    out.append_option(v.map(java_double));
                }
            }
            DataType::Float32 => {
                for v in array.as_primitive::<Float32Type>() {
                    out.append_option(v.map(java_float));
                }
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                for v in array.as_primitive::<TimestampMicrosecondType>() {
                    let local = v.and_then(|m| match zone {
                        Some(_) => self.zone.local(m),
                        None => chrono::DateTime::from_timestamp_micros(m).map(|t| t.naive_utc()),
                    });
                    out.append_option(local.map(timestamp_text));
                }
            }
            _ => return Ok(cast(array, &DataType::Utf8)?),
        }
        Ok(Arc::new(out.finish()))
    }

    /// The value, or what the cast does with one that does not fit.
    fn fitting<V>(&self, value: Option<V>, source: &(impl ToString + ?Sized)) -> DataFusionResult<Option<V>> {
        if value.is_some() || self.misfit == Misfit::Null {
            return Ok(value);
        }
        Err(SqlError::new(
            "CAST_INVALID_INPUT",
            format!(
                "The value '{}' cannot be cast to \"{}\" because it is malformed. Correct the value as per the syntax, or \
                 change its target type. Use `try_cast` to tolerate malformed input and return NULL instead.",
                source.to_string(),
                super::super::type_name(&self.to)
            ),
        )
        .into())
    }

    fn primitive<T: ArrowPrimitiveType, S: ToString>(
        &self,
        values: impl Iterator<Item = Option<S>>,
        f: impl Fn(&S) -> Option<T::Native>,
    ) -> DataFusionResult<ArrayRef> {
        self.as_type::<T, S>(&self.to, values, f)
    }

    fn as_type<T: ArrowPrimitiveType, S: ToString>(
        &self,
        to: &DataType,
        values: impl Iterator<Item = Option<S>>,
        f: impl Fn(&S) -> Option<T::Native>,
    ) -> DataFusionResult<ArrayRef> {
        let mut out = PrimitiveBuilder::<T>::with_capacity(values.size_hint().0).with_data_type(to.clone());
        for value in values {
            out.append_option(match value {
                Some(value) => self.fitting(f(&value), &value)?,
                None => None,
            });
        }
        Ok(Arc::new(out.finish()))
    }
}
