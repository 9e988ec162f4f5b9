//! Converting the values of an array: which rule a pair of types follows, and strings into other types.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBuilder, PrimitiveBuilder, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::Result as DataFusionResult;

use super::super::super::analyzer::is_string;
use super::{CastFunction, Mode, parse};
use crate::SqlError;
use crate::record::value::{IntervalFields, parse_date, parse_timestamp, parse_timestamp_local};

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
        if let Some(fields) = IntervalFields::of_type(from) {
            return self.convert_interval(array, fields);
        }
        if IntervalFields::of_type(&self.to).is_some() {
            return self.to_interval(array);
        }
        if is_string(from) {
            let text = cast(array, &DataType::Utf8)?;
            return self.parse_text(&text);
        }
        match (from, &self.to) {
            (_, DataType::Utf8) => self.to_text(array),
            (DataType::List(_), DataType::List(field)) => self.list(array, field),
            (DataType::Struct(_), DataType::Struct(fields)) => self.structure(array, fields),
            (DataType::Map(..), DataType::Map(entries, _)) => self.map(array, entries),
            (f, t) if is_time(f) || is_time(t) => self.convert_time(array),
            _ => self.number(array),
        }
    }

    fn parse_text(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let text = array.as_string::<i32>();
        let texts = || text.iter();
        let whole = |text: &str| match self.mode {
            Mode::Legacy => parse::truncated_integer(text),
            Mode::Ansi | Mode::Try => parse::integer(text),
        };
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
            DataType::Int8 => self.primitive::<Int8Type, _>(texts(), |t| whole(t)?.try_into().ok()),
            DataType::Int16 => self.primitive::<Int16Type, _>(texts(), |t| whole(t)?.try_into().ok()),
            DataType::Int32 => self.primitive::<Int32Type, _>(texts(), |t| whole(t)?.try_into().ok()),
            DataType::Int64 => self.primitive::<Int64Type, _>(texts(), |t| whole(t)),
            DataType::Float32 => self.primitive::<Float32Type, _>(texts(), |t| {
                let digits = t.trim_matches(|c: char| c <= ' ');
                let plain = digits.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(digits);
                parse::double(t).map(|wide| plain.parse::<f32>().unwrap_or(wide as f32))
            }),
            DataType::Float64 => self.primitive::<Float64Type, _>(texts(), |t| parse::double(t)),
            DataType::Decimal128(p, s) => self.parse_decimals(array, *p, *s),
            DataType::Date32 => self.primitive::<Date32Type, _>(texts(), |t| parse_date(t.as_bytes())),
            DataType::Timestamp(TimeUnit::Microsecond, None) => self
                .primitive::<TimestampMicrosecondType, _>(texts(), |t| parse_timestamp_local(t.as_bytes())),
            DataType::Timestamp(..) => self.primitive::<TimestampMicrosecondType, _>(texts(), |t| {
                parse_timestamp(t.as_bytes(), &self.zone)
            }),
            other => {
                Err(SqlError::new("UNSUPPORTED_DATATYPE", format!("no cast of a string to {other}")).into())
            }
        }
    }

    fn parse_decimals(&self, array: &ArrayRef, precision: u8, scale: i8) -> DataFusionResult<ArrayRef> {
        let mut out = PrimitiveBuilder::<Decimal128Type>::with_capacity(array.len());
        for value in array.as_string::<i32>() {
            let digits = value.and_then(|text| parse::decimal(text, precision, scale));
            let number = value.filter(|t| digits.is_none() && parse::double(t).is_some_and(f64::is_finite));
            if let (Some(number), Mode::Ansi) = (number, self.mode) {
                return Err(self.out_of_range(number).into());
            }
            out.append_option(match value {
                Some(text) => self.fitting(digits, text)?,
                None => None,
            });
        }
        Ok(Arc::new(out.finish().with_data_type(self.to.clone())))
    }

    pub(super) fn primitive<T: ArrowPrimitiveType, S: ToString>(
        &self,
        values: impl Iterator<Item = Option<S>>,
        f: impl Fn(&S) -> Option<T::Native>,
    ) -> DataFusionResult<ArrayRef> {
        let mut out =
            PrimitiveBuilder::<T>::with_capacity(values.size_hint().0).with_data_type(self.to.clone());
        for value in values {
            out.append_option(match value {
                Some(value) => self.fitting(f(&value), &value)?,
                None => None,
            });
        }
        Ok(Arc::new(out.finish()))
    }
}
