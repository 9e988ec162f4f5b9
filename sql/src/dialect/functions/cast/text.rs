//! Values of any type as strings.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::Result as DataFusionResult;

use super::super::text_of::{java_decimal, java_double, java_float};
use super::{CastFunction, Mode};
use crate::record::value::{format_date, format_timestamp, format_timestamp_ntz};

impl CastFunction {
    pub(super) fn to_text(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let written = |write: &dyn Fn(usize) -> String| -> ArrayRef {
            let mut out = StringBuilder::with_capacity(array.len(), array.len() * 8);
            for row in 0..array.len() {
                out.append_option(array.is_valid(row).then(|| write(row)));
            }
            Arc::new(out.finish())
        };
        Ok(match array.data_type() {
            DataType::Float64 => written(&|row| java_double(array.as_primitive::<Float64Type>().value(row))),
            DataType::Float32 => written(&|row| java_float(array.as_primitive::<Float32Type>().value(row))),
            DataType::Decimal128(_, scale) if self.mode == Mode::Legacy => {
                written(&|row| java_decimal(array.as_primitive::<Decimal128Type>().value(row), *scale))
            }
            DataType::Date32 => written(&|row| {
                let mut text = String::new();
                format_date(array.as_primitive::<Date32Type>().value(row), &mut text);
                text
            }),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => written(&|row| {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                let mut text = String::new();
                match zone {
                    Some(_) => format_timestamp(micros, &self.zone, &mut text),
                    None => format_timestamp_ntz(micros, &mut text),
                }
                text
            }),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let items = self.to_text_of(list.values())?;
                let offsets = list.value_offsets();
                written(&|row| {
                    bracketed(
                        '[',
                        ']',
                        range(offsets, row).map(|at| part(&items, at).to_owned()),
                    )
                })
            }
            DataType::Struct(_) => {
                let columns = array.as_struct().columns().iter().map(|c| self.to_text_of(c));
                let columns: Vec<StringArray> = columns.collect::<DataFusionResult<_>>()?;
                written(&|row| bracketed('{', '}', columns.iter().map(|c| part(c, row).to_owned())))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (keys, values) = (self.to_text_of(map.keys())?, self.to_text_of(map.values())?);
                let offsets = map.value_offsets();
                let pair = |at| format!("{} -> {}", part(&keys, at), part(&values, at));
                written(&|row| bracketed('{', '}', range(offsets, row).map(pair)))
            }
            _ => cast(array, &DataType::Utf8)?,
        })
    }

    fn to_text_of(&self, array: &ArrayRef) -> DataFusionResult<StringArray> {
        Ok(self.convert(array)?.as_string::<i32>().clone())
    }
}

fn part(texts: &StringArray, at: usize) -> &str {
    if texts.is_valid(at) {
        texts.value(at)
    } else {
        "null"
    }
}

fn bracketed(open: char, close: char, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    format!("{open}{}{close}", parts.join(", "))
}

/// The places of a row's elements.
fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |row: usize| {
        offsets
            .get(row)
            .and_then(|o| usize::try_from(*o).ok())
            .unwrap_or(0)
    };
    at(row)..at(row + 1)
}
