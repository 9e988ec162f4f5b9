//! Arrays of given elements: with one more, of one repeated, without nulls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt64Builder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::interleave;
use arrow::datatypes::Int32Type;
use datafusion::common::Result as DataFusionResult;

use super::array_shape::{lists, range};
use super::arrays::element_field;
use crate::SqlError;

/// An end of an array.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    First,
    Last,
}

/// Lists of elements that come from a list, from a value, or are null.
struct Mixed {
    places: Vec<(usize, usize)>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

/// Where an element of [`Mixed`] comes from.
const LIST: usize = 0;
const VALUE: usize = 1;
const NULL: usize = 2;

impl Mixed {
    fn new() -> Self {
        Self {
            places: Vec::new(),
            lengths: Vec::new(),
            valid: Vec::new(),
        }
    }

    fn row(&mut self, elements: Option<Vec<(usize, usize)>>) {
        self.valid.push(elements.is_some());
        let elements = elements.unwrap_or_default();
        self.lengths.push(elements.len());
        self.places.extend(elements);
    }

    fn finish(self, list: &ArrayRef, value: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let null = arrow::array::new_null_array(list.data_type(), 1);
        let values = interleave(&[list.as_ref(), value.as_ref(), null.as_ref()], &self.places)?;
        let field = element_field(values.data_type());
        let (offsets, nulls) = (
            OffsetBuffer::from_lengths(self.lengths),
            NullBuffer::from(self.valid),
        );
        Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls))?))
    }
}

/// `array_append`, `array_prepend`: the list with the value at an end.
pub(super) fn put(list: &ArrayRef, value: &ArrayRef, end: End) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let mut out = Mixed::new();
    for row in 0..list.len() {
        out.row(list.is_valid(row).then(|| {
            let mut elements: Vec<_> = range(list.value_offsets(), row).map(|at| (LIST, at)).collect();
            let at = if end == End::First { 0 } else { elements.len() };
            elements.insert(at, (VALUE, row));
            elements
        }));
    }
    out.finish(list.values(), value)
}

/// The longest array that Spark makes.
const LONGEST: usize = 2_147_483_632;

/// `array_insert(list, at, value)`: from 1, below 0 from the end; nulls fill what is between.
pub(super) fn insert(list: &ArrayRef, at: &ArrayRef, value: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let places = at.as_primitive::<Int32Type>();
    let mut out = Mixed::new();
    for row in 0..list.len() {
        if list.is_null(row) || places.is_null(row) {
            out.row(None);
            continue;
        }
        let mut elements: Vec<_> = range(list.value_offsets(), row).map(|at| (LIST, at)).collect();
        let place = places.value(row);
        let distance = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
        if place == 0 {
            return Err(SqlError::new(
                "INVALID_INDEX_OF_ZERO",
                "The index 0 is invalid: elements count from 1.",
            )
            .into());
        }
        if distance > LONGEST {
            let message = format!("An array of {distance} elements is too long.");
            return Err(SqlError::new("COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER", message).into());
        }
        if place > 0 {
            while elements.len() < distance - 1 {
                elements.push((NULL, 0));
            }
            elements.insert(distance - 1, (VALUE, row));
        } else {
            let missing = (distance - 1).saturating_sub(elements.len());
            elements.splice(0..0, std::iter::repeat_n((NULL, 0), missing));
            elements.insert(elements.len() + 1 - distance, (VALUE, row));
        }
        out.row(Some(elements));
    }
    out.finish(list.values(), value)
}

/// `array_repeat(value, count)`
pub(super) fn repeat(value: &ArrayRef, count: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let counts = count.as_primitive::<Int32Type>();
    let mut places = UInt64Builder::new();
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for (row, count) in counts.iter().enumerate() {
        let length = usize::try_from(count.unwrap_or(0)).unwrap_or(0);
        (0..length).for_each(|_| places.append_value(row as u64));
        lengths.push(length);
        valid.push(count.is_some());
    }
    lists(value, places, lengths, valid)
}

/// `array_compact(list)`: without nulls.
pub(super) fn compact(list: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let known = list.values().logical_nulls();
    let mut places = UInt64Builder::new();
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..list.len() {
        let all = if list.is_valid(row) {
            range(list.value_offsets(), row)
        } else {
            0..0
        };
        let kept = all.filter(|at| known.as_ref().is_none_or(|n| n.is_valid(*at)));
        let length = kept.map(|at| places.append_value(at as u64)).count();
        lengths.push(length);
        valid.push(list.is_valid(row));
    }
    lists(list.values(), places, lengths, valid)
}

/// `reverse(list)`
pub(super) fn reverse(list: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let list = list.as_list::<i32>();
    let mut places = UInt64Builder::new();
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..list.len() {
        let all = if list.is_valid(row) {
            range(list.value_offsets(), row)
        } else {
            0..0
        };
        lengths.push(all.len());
        valid.push(list.is_valid(row));
        all.rev().for_each(|at| places.append_value(at as u64));
    }
    lists(list.values(), places, lengths, valid)
}
