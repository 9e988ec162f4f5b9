//! Where a value lies: a slot of a row, or an element of an array.

use super::super::encoder::{bitset_bytes, padded};

/// A value's place.
#[derive(Clone, Copy)]
pub(super) struct Cell<'r> {
    /// The row or array; offsets count from its start.
    pub(super) base: &'r [u8],
    /// Where the slot is in it.
    pub(super) slot: usize,
    /// The number of the field or element.
    ordinal: usize,
    /// Where the null bits start.
    bits: usize,
    /// Whether it is a field of a row.
    pub(super) in_row: bool,
}

impl<'r> Cell<'r> {
    /// A field of a row of so many fields.
    #[inline(always)]
    pub(super) fn field(row: &'r [u8], fields: usize, ordinal: usize) -> Self {
        Self {
            base: row,
            slot: bitset_bytes(fields) + ordinal * 8,
            ordinal,
            bits: 0,
            in_row: true,
        }
    }

    /// Whether the null bit is set.
    #[inline(always)]
    pub(super) fn is_null(&self) -> bool {
        let byte = self
            .base
            .get(self.bits + self.ordinal / 8)
            .copied()
            .unwrap_or_default();
        byte >> (self.ordinal % 8) & 1 == 1
    }

    /// The first bytes of the slot.
    #[inline(always)]
    pub(super) fn bytes<const N: usize>(&self) -> [u8; N] {
        read(self.base, self.slot).unwrap_or([0; N])
    }

    /// Offset and size of a variable value.
    #[inline(always)]
    pub(super) fn offset_and_size(&self) -> (usize, usize) {
        let slot = u64::from_le_bytes(self.bytes());
        ((slot >> 32) as usize, (slot & 0xffff_ffff) as usize)
    }

    /// A variable value; `None` when it does not lie in the row or array, padding and all.
    #[inline(always)]
    pub(super) fn variable(&self) -> Option<&'r [u8]> {
        let (offset, size) = self.offset_and_size();
        let end = offset.checked_add(padded(size))?;
        if end > self.base.len() {
            return None;
        }
        self.base.get(offset..offset + size)
    }
}

/// The cells of an array.
#[derive(Clone, Copy)]
pub(super) struct ArrayCells<'r> {
    array: &'r [u8],
    pub(super) len: usize,
    width: usize,
    slots: usize,
}

impl<'r> ArrayCells<'r> {
    /// The cells of an array of elements of this width; `None` when the array is too short for them.
    pub(super) fn try_new(array: &'r [u8], width: usize) -> Option<Self> {
        let len = usize::try_from(i64::from_le_bytes(read(array, 0)?)).ok()?;
        if len > array.len() {
            return None;
        }
        let slots = 8 + bitset_bytes(len);
        let end = slots + padded(len.checked_mul(width)?);
        (end <= array.len()).then_some(Self {
            array,
            len,
            width,
            slots,
        })
    }

    /// Whether an element is null.
    pub(super) fn has_nulls(&self) -> bool {
        let bits = self.array.get(8..self.slots).unwrap_or_default();
        bits.iter().any(|byte| *byte != 0)
    }

    /// The cells in order.
    pub(super) fn iter(self) -> impl Iterator<Item = Cell<'r>> {
        (0..self.len).map(move |ordinal| Cell {
            base: self.array,
            slot: self.slots + ordinal * self.width,
            ordinal,
            bits: 8,
            in_row: false,
        })
    }
}

/// Appends the null bits of rows of so many fields, or-ed: a clear bit is a field without nulls.
pub(super) fn append_null_words(rows: &[&[u8]], fields: usize, words: &mut Vec<u64>) {
    for word in 0..fields.div_ceil(64) {
        let nulls = rows.iter().fold(0, |nulls, row| {
            nulls | read(row, word * 8).map_or(0, u64::from_le_bytes)
        });
        words.push(nulls);
    }
}

/// `N` bytes at a place.
#[inline(always)]
pub(super) fn read<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}
