//! Writes one value, of any type, into a row or an array.

use std::ops::Range;

use arrow::datatypes::IntervalMonthDayNano;

use super::super::column::{Column, Lists, NANOS_PER_MICRO, Values};
use super::{bitset_bytes, fixed_bytes, padded};

/// The bytes that a row keeps for a decimal behind a slot, null or not.
pub(super) const DECIMAL_BYTES: usize = 16;
/// The bytes of a calendar interval.
pub(super) const INTERVAL_BYTES: usize = 16;

/// Where a value goes: a slot of a row, or an element of an array.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    /// Where the row or array starts; offsets count from here.
    pub(super) base: usize,
    /// Where its null bits start.
    pub(super) bits: usize,
    /// The number of the field or element.
    pub(super) ordinal: usize,
    /// Where the slot is.
    pub(super) slot: usize,
    /// Rows keep room for values that may be set later, arrays do not.
    pub(super) in_row: bool,
}

impl Cell {
    /// A field of a row that starts at `base` and has `bitset_bytes` bytes of null bits.
    pub(super) fn field(base: usize, bitset_bytes: usize, ordinal: usize) -> Self {
        Self {
            base,
            bits: base,
            ordinal,
            slot: base + bitset_bytes + ordinal * 8,
            in_row: true,
        }
    }

    /// Sets the null bit.
    pub(super) fn set_null(&self, data: &mut [u8]) {
        if let Some(byte) = data.get_mut(self.bits + self.ordinal / 8) {
            *byte |= 1 << (self.ordinal % 8);
        }
    }
}

/// Writes bytes; the place was measured before, so that it is there.
#[inline(always)]
pub(super) fn put<const N: usize>(data: &mut [u8], at: usize, bytes: [u8; N]) {
    let place = data.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<N>());
    debug_assert!(place.is_some(), "no room at {at}");
    if let Some(place) = place {
        *place = bytes;
    }
}

/// Writes bytes of any length.
#[inline(always)]
pub(super) fn put_slice(data: &mut [u8], at: usize, bytes: &[u8]) {
    let place = data.get_mut(at..at + bytes.len());
    debug_assert!(place.is_some(), "no room at {at}");
    if let Some(place) = place {
        place.copy_from_slice(bytes);
    }
}

/// The slot of a variable value.
#[inline(always)]
pub(super) fn offset_and_size(offset: usize, size: usize) -> [u8; 8] {
    ((offset as u64) << 32 | size as u64).to_le_bytes()
}

/// The bits of a float, NaN always the same.
#[inline(always)]
pub(super) fn float_bits(value: f32) -> [u8; 4] {
    let value = if value.is_nan() { f32::NAN } else { value };
    value.to_le_bytes()
}

/// The bits of a double, NaN always the same.
#[inline(always)]
pub(super) fn double_bits(value: f64) -> [u8; 8] {
    let value = if value.is_nan() { f64::NAN } else { value };
    value.to_le_bytes()
}

/// How many of the last bytes of a decimal, big end first, make its shortest two's complement: 1 to 16.
pub(crate) fn decimal_bytes(value: i128) -> usize {
    let sign_bits = if value < 0 {
        value.leading_ones()
    } else {
        value.leading_zeros()
    };
    let significant = i128::BITS - sign_bits + 1;
    significant.div_ceil(8) as usize
}

/// The bytes that a value takes behind the slots.
pub(super) fn variable_bytes(column: &Column, row: usize, in_row: bool) -> usize {
    match &column.values {
        Values::Decimal(_) if in_row => DECIMAL_BYTES,
        Values::CalendarInterval(_) if in_row => INTERVAL_BYTES,
        _ if column.is_null(row) => 0,
        Values::Decimal(values) => padded(decimal_bytes(values.get(row).copied().unwrap_or_default())),
        Values::CalendarInterval(_) => INTERVAL_BYTES,
        Values::Bytes(values) => padded(values.value(row).len()),
        Values::Struct(fields) => {
            let variable: usize = fields.iter().map(|field| variable_bytes(field, row, true)).sum();
            fixed_bytes(fields.len()) + variable
        }
        Values::Array(lists) => array_bytes(lists, lists.range(row)),
        Values::Map { keys, values } => {
            8 + array_bytes(keys, keys.range(row)) + array_bytes(values, values.range(row))
        }
        Values::Void
        | Values::Boolean(_)
        | Values::Byte(_)
        | Values::Short(_)
        | Values::Int(_)
        | Values::Long(_)
        | Values::Float(_)
        | Values::Double(_) => 0,
    }
}

/// The bytes of an array.
fn array_bytes(lists: &Lists, range: Range<usize>) -> usize {
    let fixed = 8 + bitset_bytes(range.len()) + padded(range.len() * lists.width);
    let variable: usize = match lists.elements.values {
        Values::Decimal(_)
        | Values::CalendarInterval(_)
        | Values::Bytes(_)
        | Values::Struct(_)
        | Values::Array(_)
        | Values::Map { .. } => range.map(|row| variable_bytes(&lists.elements, row, false)).sum(),
        _ => 0,
    };
    fixed + variable
}

/// Writes a value; variable parts go to the cursor, which moves on.
pub(super) fn write(column: &Column, row: usize, cell: Cell, data: &mut [u8], cursor: &mut usize) {
    let start = *cursor;
    if column.is_null(row) {
        cell.set_null(data);
        return write_reserved(column, cell, data, cursor);
    }
    match &column.values {
        Values::Void => {}
        Values::Boolean(values) => put(data, cell.slot, [u8::from(values.value(row))]),
        Values::Byte(values) => put(data, cell.slot, at(values, row).to_le_bytes()),
        Values::Short(values) => put(data, cell.slot, at(values, row).to_le_bytes()),
        Values::Int(values) => put(data, cell.slot, at(values, row).to_le_bytes()),
        Values::Long(values) => put(data, cell.slot, at(values, row).to_le_bytes()),
        Values::Float(values) => put(data, cell.slot, float_bits(at(values, row))),
        Values::Double(values) => put(data, cell.slot, double_bits(at(values, row))),
        Values::Decimal(values) => write_decimal(at(values, row), cell, data, cursor),
        Values::CalendarInterval(values) => write_interval(at(values, row), cell, data, cursor),
        Values::Bytes(values) => {
            let bytes = values.value(row);
            put_slice(data, start, bytes);
            put(data, cell.slot, offset_and_size(start - cell.base, bytes.len()));
            *cursor += padded(bytes.len());
        }
        Values::Struct(fields) => {
            let bitset = bitset_bytes(fields.len());
            *cursor += fixed_bytes(fields.len());
            for (ordinal, field) in fields.iter().enumerate() {
                write(field, row, Cell::field(start, bitset, ordinal), data, cursor);
            }
            put(
                data,
                cell.slot,
                offset_and_size(start - cell.base, *cursor - start),
            );
        }
        Values::Array(lists) => {
            write_array(lists, lists.range(row), data, cursor);
            put(
                data,
                cell.slot,
                offset_and_size(start - cell.base, *cursor - start),
            );
        }
        Values::Map { keys, values } => {
            *cursor += 8;
            write_array(keys, keys.range(row), data, cursor);
            put(data, start, ((*cursor - start - 8) as u64).to_le_bytes());
            write_array(values, values.range(row), data, cursor);
            put(
                data,
                cell.slot,
                offset_and_size(start - cell.base, *cursor - start),
            );
        }
    }
}

fn write_decimal(value: i128, cell: Cell, data: &mut [u8], cursor: &mut usize) {
    let size = decimal_bytes(value);
    let bytes = value.to_be_bytes();
    put_slice(data, *cursor, bytes.get(bytes.len() - size..).unwrap_or_default());
    put(data, cell.slot, offset_and_size(*cursor - cell.base, size));
    *cursor += if cell.in_row { DECIMAL_BYTES } else { padded(size) };
}

/// Months, days, microseconds.
fn write_interval(value: IntervalMonthDayNano, cell: Cell, data: &mut [u8], cursor: &mut usize) {
    put(data, *cursor, value.months.to_le_bytes());
    put(data, *cursor + 4, value.days.to_le_bytes());
    put(
        data,
        *cursor + 8,
        (value.nanoseconds / NANOS_PER_MICRO).to_le_bytes(),
    );
    put(
        data,
        cell.slot,
        offset_and_size(*cursor - cell.base, INTERVAL_BYTES),
    );
    *cursor += INTERVAL_BYTES;
}

/// What a null leaves in a row: nothing, but for types whose room is kept.
fn write_reserved(column: &Column, cell: Cell, data: &mut [u8], cursor: &mut usize) {
    let (size, reserved) = match column.values {
        Values::Decimal(_) if cell.in_row => (0, DECIMAL_BYTES),
        Values::CalendarInterval(_) if cell.in_row => (INTERVAL_BYTES, INTERVAL_BYTES),
        _ => return,
    };
    put(data, cell.slot, offset_and_size(*cursor - cell.base, size));
    *cursor += reserved;
}

fn write_array(lists: &Lists, range: Range<usize>, data: &mut [u8], cursor: &mut usize) {
    let base = *cursor;
    let bits = base + 8;
    let slots = bits + bitset_bytes(range.len());
    put(data, base, (range.len() as u64).to_le_bytes());
    *cursor = slots + padded(range.len() * lists.width);
    for (ordinal, row) in range.enumerate() {
        let cell = Cell {
            base,
            bits,
            ordinal,
            slot: slots + ordinal * lists.width,
            in_row: false,
        };
        write(&lists.elements, row, cell, data, cursor);
    }
}

#[inline(always)]
fn at<T: Copy + Default>(values: &[T], row: usize) -> T {
    values.get(row).copied().unwrap_or_default()
}
