//! What the tests of the codec share.

mod dumps;
mod generated;
mod golden_rows;
mod malformed;
mod normalized;
mod physical_forms;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int32Array, IntervalMonthDayNanoArray, ListArray, MapArray,
    StringArray, StructArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, IntervalMonthDayNano};

use super::{Rows, StateRowCodec};

/// Fields for these columns.
pub(super) fn fields_of(columns: &[ArrayRef]) -> Fields {
    let fields = columns.iter().enumerate();
    fields
        .map(|(index, column)| Field::new(format!("c{index}"), column.data_type().clone(), true))
        .collect()
}

pub(super) fn codec_of(columns: &[ArrayRef]) -> StateRowCodec {
    StateRowCodec::try_new(&fields_of(columns)).unwrap()
}

pub(super) fn encoded(columns: &[ArrayRef]) -> Rows {
    let mut rows = Rows::default();
    let row_count = columns.first().map_or(0, |column| column.len());
    codec_of(columns).encode(columns, row_count, &mut rows).unwrap();
    rows
}

/// Bytes as words of 8, short ones filled up with zeros at the end.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| format!("{word:0<16}"))
        .collect()
}

pub(super) fn hex(row: &[u8]) -> Vec<String> {
    let word = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    row.chunks(8).map(word).collect()
}

/// The columns have these rows, and the rows these columns.
pub(super) fn check(columns: &[ArrayRef], expected: &[&str]) {
    let rows = encoded(columns);
    let found: Vec<_> = rows.iter().map(hex).collect();
    let expected: Vec<_> = expected.iter().map(|row| words(row)).collect();
    assert_eq!(found, expected);
    assert_eq!(codec_of(columns).decode(rows.iter()).unwrap(), columns);
}

pub(super) fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(super) fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

pub(super) fn booleans(values: &[Option<bool>]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

pub(super) fn decimals(precision: u8, scale: i8, values: &[Option<i128>]) -> ArrayRef {
    let array = Decimal128Array::from(values.to_vec());
    Arc::new(array.with_precision_and_scale(precision, scale).unwrap())
}

/// Months, days, microseconds.
pub(super) fn intervals(values: &[Option<(i32, i32, i64)>]) -> ArrayRef {
    let interval = |(months, days, micros): (i32, i32, i64)| IntervalMonthDayNano {
        months,
        days,
        nanoseconds: micros * 1000,
    };
    let values: Vec<_> = values.iter().map(|value| value.map(interval)).collect();
    Arc::new(IntervalMonthDayNanoArray::from(values))
}

pub(super) fn structs(columns: Vec<ArrayRef>, valid: Option<&[bool]>) -> ArrayRef {
    let nulls = valid.map(NullBuffer::from);
    Arc::new(StructArray::new(fields_of(&columns), columns, nulls))
}

/// Lists of these lengths; `None` for a null list.
pub(super) fn lists(lengths: &[Option<usize>], elements: ArrayRef) -> ArrayRef {
    let field = Arc::new(Field::new("element", elements.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    let nulls = NullBuffer::from_iter(lengths.iter().map(Option::is_some));
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    Arc::new(ListArray::new(field, offsets, elements, nulls))
}

pub(super) fn maps(lengths: &[Option<usize>], keys: ArrayRef, values: ArrayRef) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let entries = StructArray::new(fields.clone(), vec![keys, values], None);
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    let nulls = NullBuffer::from_iter(lengths.iter().map(Option::is_some));
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    Arc::new(MapArray::new(field, offsets, entries, nulls, false))
}

/// Columns 0, 1, 2 …
pub(super) fn indices(values: &[u32]) -> UInt32Array {
    UInt32Array::from(values.to_vec())
}
