//! Reads columns of an UnsafeRow where it stands.
//!
//! A row of n columns is a bitset of nulls in words of 8 bytes, n slots of 8 bytes, then the variable part. The slot
//! of a variable column is its offset from the start of the row, in the high half, and its size in bytes.

/// The columns of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowReader<'a> {
    row: &'a [u8],
    column_count: u32,
}

impl<'a> RowReader<'a> {
    /// A row of so many columns; `None` when it is too short for them.
    pub(crate) fn new(row: &'a [u8], column_count: u32) -> Option<Self> {
        let reader = Self { row, column_count };
        (row.len() >= reader.fixed_bytes()).then_some(reader)
    }

    fn bitset_bytes(self) -> usize {
        (self.column_count as usize).div_ceil(64) * 8
    }

    fn fixed_bytes(self) -> usize {
        self.bitset_bytes() + (self.column_count as usize) * 8
    }

    /// Whether a column is null.
    pub(crate) fn is_null(self, column: u32) -> Option<bool> {
        let byte = self.row.get((column / 8) as usize)?;
        (column < self.column_count).then_some(byte >> (column % 8) & 1 == 1)
    }

    /// The slot of a column.
    pub(crate) fn slot(self, column: u32) -> Option<[u8; 8]> {
        if column >= self.column_count {
            return None;
        }
        let start = self.bitset_bytes() + column as usize * 8;
        self.row.get(start..)?.first_chunk().copied()
    }

    /// The bytes of a variable column.
    pub(crate) fn variable(self, column: u32) -> Option<&'a [u8]> {
        let [s0, s1, s2, s3, o0, o1, o2, o3] = self.slot(column)?;
        let size = u32::from_le_bytes([s0, s1, s2, s3]) as usize;
        let offset = u32::from_le_bytes([o0, o1, o2, o3]) as usize;
        self.row.get(offset..offset.checked_add(size)?)
    }
}
