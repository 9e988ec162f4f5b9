//! Writes a block of rows, column after column.

use super::super::column::{Bytes, Column, Values};
use super::value::{
    Cell, DECIMAL_BYTES, INTERVAL_BYTES, double_bits, offset_and_size, put, put_slice, variable_bytes, write,
};
use super::{bitset_bytes, fixed_bytes, padded};

/// Some rows that are being written.
pub(super) struct Block<'a> {
    /// The buffer of all rows.
    pub(super) data: &'a mut [u8],
    /// The number of the block's first row in the columns.
    pub(super) first_row: usize,
    /// For each row of the block, where its next variable value goes.
    pub(super) cursors: &'a mut [usize],
}

/// Adds what each value of a column takes behind the slots.
pub(super) fn add_sizes(column: &Column, sizes: &mut [usize]) {
    match &column.values {
        Values::Void
        | Values::Boolean(_)
        | Values::Byte(_)
        | Values::Short(_)
        | Values::Int(_)
        | Values::Long(_)
        | Values::Float(_)
        | Values::Double(_) => {}
        Values::Decimal(_) => sizes.iter_mut().for_each(|size| *size += DECIMAL_BYTES),
        Values::CalendarInterval(_) => sizes.iter_mut().for_each(|size| *size += INTERVAL_BYTES),
        Values::Bytes(Bytes::Binary(array)) if column.nulls.is_none() => {
            let offsets = array.value_offsets();
            for ((start, end), size) in offsets.iter().zip(offsets.iter().skip(1)).zip(sizes) {
                *size += padded(end.abs_diff(*start) as usize);
            }
        }
        Values::Struct(fields) if column.nulls.is_none() => {
            let fixed = fixed_bytes(fields.len());
            sizes.iter_mut().for_each(|size| *size += fixed);
            for field in fields {
                add_sizes(field, sizes);
            }
        }
        Values::Bytes(_) | Values::Struct(_) | Values::Array(_) | Values::Map { .. } => {
            for (row, size) in sizes.iter_mut().enumerate() {
                *size += variable_bytes(column, row, true);
            }
        }
    }
}

impl Block<'_> {
    /// Writes the fields of rows (or structs) that start at `bases`; the cursors stand behind their slots.
    pub(super) fn write_fields(&mut self, fields: &[Column], bases: &[usize]) {
        let bitset = bitset_bytes(fields.len());
        for (ordinal, field) in fields.iter().enumerate() {
            self.write_field(field, ordinal, bitset, bases);
        }
    }

    fn write_field(&mut self, column: &Column, ordinal: usize, bitset: usize, bases: &[usize]) {
        let rows = self.first_row..self.first_row + bases.len();
        let has_nulls = column
            .nulls
            .as_ref()
            .is_some_and(|nulls| nulls.slice(rows.start, rows.len()).null_count() > 0);
        if has_nulls {
            return self.write_values(column, ordinal, bitset, bases);
        }
        let slot = bitset + ordinal * 8;
        match &column.values {
            Values::Long(values) => {
                for (base, value) in bases.iter().zip(values.get(rows).unwrap_or_default()) {
                    put(self.data, base + slot, value.to_le_bytes());
                }
            }
            Values::Double(values) => {
                for (base, value) in bases.iter().zip(values.get(rows).unwrap_or_default()) {
                    put(self.data, base + slot, double_bits(*value));
                }
            }
            Values::Int(values) => {
                for (base, value) in bases.iter().zip(values.get(rows).unwrap_or_default()) {
                    put(self.data, base + slot, value.to_le_bytes());
                }
            }
            Values::Bytes(Bytes::Binary(array)) => {
                let values = rows.map(|row| array.value(row));
                self.write_bytes(values, slot, bases);
            }
            Values::Bytes(Bytes::View(array)) => {
                let values = rows.map(|row| array.value(row));
                self.write_bytes(values, slot, bases);
            }
            Values::Struct(fields) => {
                let starts = self.cursors.to_vec();
                let fixed = fixed_bytes(fields.len());
                self.cursors.iter_mut().for_each(|cursor| *cursor += fixed);
                self.write_fields(fields, &starts);
                for ((base, start), cursor) in bases.iter().zip(&starts).zip(&*self.cursors) {
                    put(
                        self.data,
                        base + slot,
                        offset_and_size(start - base, cursor - start),
                    );
                }
            }
            _ => self.write_values(column, ordinal, bitset, bases),
        }
    }

    fn write_bytes<'v>(&mut self, values: impl Iterator<Item = &'v [u8]>, slot: usize, bases: &[usize]) {
        for ((base, cursor), bytes) in bases.iter().zip(&mut *self.cursors).zip(values) {
            put(
                self.data,
                base + slot,
                offset_and_size(*cursor - base, bytes.len()),
            );
            put_slice(self.data, *cursor, bytes);
            *cursor += padded(bytes.len());
        }
    }

    /// Writes a column of any type, with nulls or without.
    fn write_values(&mut self, column: &Column, ordinal: usize, bitset: usize, bases: &[usize]) {
        for (row, (base, cursor)) in bases.iter().zip(&mut *self.cursors).enumerate() {
            let cell = Cell::field(*base, bitset, ordinal);
            write(column, self.first_row + row, cell, self.data, cursor);
        }
    }
}
