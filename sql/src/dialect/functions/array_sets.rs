//! Arrays as sets, and what compares their elements: all NaNs are equal, zeros of both signs are, and so are nulls among
//! themselves.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Int64Builder, ListArray, UInt64Builder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{interleave, take};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result as DataFusionResult;
use tidemill_state::normalize_keys;

use super::arrays::{ArrayKind, element_field};
use crate::error::state;

/// A column's lists with their elements in a form that compares.
struct Lists<'a> {
    list: &'a ListArray,
    rows: Rows,
}

fn comparable(values: &ArrayRef) -> DataFusionResult<(RowConverter, Rows)> {
    let values = normalize_keys(values).map_err(state)?;
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    let rows = converter.convert_columns(&[values])?;
    Ok((converter, rows))
}

impl<'a> Lists<'a> {
    fn new(list: &'a ListArray) -> DataFusionResult<(Self, RowConverter)> {
        let (converter, rows) = comparable(list.values())?;
        Ok((Self { list, rows }, converter))
    }

    /// Where the elements of a row's list are.
    fn range(&self, row: usize) -> Range<usize> {
        let offsets = self.list.value_offsets();
        let at = |n: usize| offsets.get(n).map_or(0, |o| usize::try_from(*o).unwrap_or(0));
        at(row)..at(row + 1)
    }

    fn is_null(&self, at: usize) -> bool {
        self.list.values().is_null(at)
    }
}

/// Lists whose elements are picked out of columns of elements.
#[derive(Default)]
struct Picks {
    places: Vec<(usize, usize)>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Picks {
    /// Ends a row's list; the picks since the last one are its own.
    fn end(&mut self, before: usize, valid: bool) {
        self.lengths.push(self.places.len() - before);
        self.valid.push(valid);
    }

    fn finish(self, sources: &[&dyn Array]) -> DataFusionResult<ArrayRef> {
        let values = interleave(sources, &self.places)?;
        let field = element_field(values.data_type());
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        let nulls = NullBuffer::from(self.valid);
        Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls))?))
    }
}

/// `array_sort`: nulls last.
fn sorted(lists: &Lists<'_>) -> DataFusionResult<ArrayRef> {
    let mut picks = Picks::default();
    for row in 0..lists.list.len() {
        let before = picks.places.len();
        let is_valid = lists.list.is_valid(row);
        let all = if is_valid { lists.range(row) } else { 0..0 };
        let mut order: Vec<usize> = all.collect();
        order.sort_by_key(|at| (lists.is_null(*at), lists.rows.row(*at)));
        picks.places.extend(order.into_iter().map(|at| (0, at)));
        picks.end(before, is_valid);
    }
    picks.finish(&[lists.list.values().as_ref()])
}

/// `array_distinct`, `array_max`, `array_min`, `array_sort`.
pub(super) fn of_one(kind: ArrayKind, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let list = array.as_list::<i32>();
    let (lists, _) = Lists::new(list)?;
    if kind == ArrayKind::Sort {
        return sorted(&lists);
    }
    if kind != ArrayKind::Distinct {
        let mut places = UInt64Builder::with_capacity(list.len());
        for row in 0..list.len() {
            let range = if list.is_valid(row) {
                lists.range(row)
            } else {
                0..0
            };
            let known = range.filter(|at| !lists.is_null(*at));
            let found = match kind {
                ArrayKind::Max => known.max_by_key(|at| lists.rows.row(*at)),
                _ => known.min_by_key(|at| lists.rows.row(*at)),
            };
            places.append_option(found.map(|at| at as u64));
        }
        return Ok(take(list.values(), &places.finish(), None)?);
    }
    let mut picks = Picks::default();
    for row in 0..list.len() {
        let before = picks.places.len();
        let mut seen = HashSet::new();
        if list.is_valid(row) {
            let new = lists.range(row).filter(|at| seen.insert(lists.rows.row(*at)));
            picks.places.extend(new.map(|at| (0, at)));
        }
        picks.end(before, list.is_valid(row));
    }
    picks.finish(&[list.values().as_ref()])
}

/// The functions of two arrays, and of an array and a value.
pub(super) fn of_two(kind: ArrayKind, array: &ArrayRef, other: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let list = array.as_list::<i32>();
    let (lists, converter) = Lists::new(list)?;
    if matches!(kind, ArrayKind::Remove | ArrayKind::Position) {
        let values = normalize_keys(other).map_err(state)?;
        let values_rows = converter.convert_columns(&[values])?;
        return match kind {
            ArrayKind::Remove => remove(&lists, other, &values_rows),
            _ => Ok(position(&lists, other, &values_rows)),
        };
    }
    let other = other.as_list::<i32>();
    let values = normalize_keys(other.values()).map_err(state)?;
    let others = Lists {
        list: other,
        rows: converter.convert_columns(&[values])?,
    };
    if kind == ArrayKind::Overlap {
        return Ok(overlap(&lists, &others));
    }
    let mut picks = Picks::default();
    for row in 0..list.len() {
        let before = picks.places.len();
        let valid = list.is_valid(row) && other.is_valid(row);
        if valid {
            pick(kind, &lists, &others, row, &mut picks.places);
        }
        picks.end(before, valid);
    }
    picks.finish(&[list.values().as_ref(), other.values().as_ref()])
}

/// The elements of a union, an intersection or a difference.
fn pick(kind: ArrayKind, a: &Lists<'_>, b: &Lists<'_>, row: usize, places: &mut Vec<(usize, usize)>) {
    let mut seen = HashSet::new();
    if kind == ArrayKind::Union {
        let of_a = a.range(row).map(|at| (0, at, a.rows.row(at)));
        let of_b = b.range(row).map(|at| (1, at, b.rows.row(at)));
        for (source, at, value) in of_a.chain(of_b) {
            if seen.insert(value) {
                places.push((source, at));
            }
        }
        return;
    }
    let of_b: HashSet<_> = b.range(row).map(|at| b.rows.row(at)).collect();
    for at in a.range(row) {
        let value = a.rows.row(at);
        let wanted = of_b.contains(&value) == (kind == ArrayKind::Intersect);
        if wanted && seen.insert(value) {
            places.push((0, at));
        }
    }
}

/// Whether both have an element in common; unknown where only a null may be one.
fn overlap(a: &Lists<'_>, b: &Lists<'_>) -> ArrayRef {
    let mut out = BooleanBuilder::with_capacity(a.list.len());
    for row in 0..a.list.len() {
        if a.list.is_null(row) || b.list.is_null(row) {
            out.append_null();
            continue;
        }
        let (of_a, of_b) = (a.range(row), b.range(row));
        let both = !of_a.is_empty() && !of_b.is_empty();
        let has_null = of_a.clone().any(|at| a.is_null(at)) || of_b.clone().any(|at| b.is_null(at));
        let known: HashSet<_> = of_a
            .filter(|at| !a.is_null(*at))
            .map(|at| a.rows.row(at))
            .collect();
        let found = of_b
            .filter(|at| !b.is_null(*at))
            .any(|at| known.contains(&b.rows.row(at)));
        out.append_option((found || !(both && has_null)).then_some(found));
    }
    Arc::new(out.finish())
}

fn remove(lists: &Lists<'_>, values: &ArrayRef, rows: &Rows) -> DataFusionResult<ArrayRef> {
    let mut picks = Picks::default();
    for row in 0..lists.list.len() {
        let before = picks.places.len();
        let valid = lists.list.is_valid(row) && values.is_valid(row);
        if valid {
            let unwanted = rows.row(row);
            let kept = lists.range(row).filter(|at| lists.rows.row(*at) != unwanted);
            picks.places.extend(kept.map(|at| (0, at)));
        }
        picks.end(before, valid);
    }
    picks.finish(&[lists.list.values().as_ref()])
}

/// The place of the first such element, from 1; 0 without one.
fn position(lists: &Lists<'_>, values: &ArrayRef, rows: &Rows) -> ArrayRef {
    let mut out = Int64Builder::with_capacity(lists.list.len());
    for row in 0..lists.list.len() {
        if lists.list.is_null(row) || values.is_null(row) {
            out.append_null();
            continue;
        }
        let wanted = rows.row(row);
        let found = lists.range(row).position(|at| lists.rows.row(at) == wanted);
        out.append_value(found.map_or(0, |at| i64::try_from(at + 1).unwrap_or(i64::MAX)));
    }
    Arc::new(out.finish())
}
