//! Writes columns as rows.
//!
//! Two passes: the size of every row, so that all rows have their place in a buffer of zeros; then the values, a
//! block of rows at a time (so that the rows stay in the cache) and column after column in it. Behind the slots of a
//! row a cursor tells where its next variable value goes. Lists, maps and nullable structs go value by value.

mod block;
mod value;

pub(crate) use value::decimal_bytes;

use block::Block;

use super::Rows;
use super::column::{Column, out_of_range};
use crate::Result;

/// How many rows are written together: their bytes should fit the first cache.
const BLOCK_ROWS: usize = 256;

/// A row longer than this cannot be read by Spark.
const MAX_ROW_BYTES: usize = 0x7fff_fff0;

/// The bytes of a row's null bits.
pub(super) fn bitset_bytes(fields: usize) -> usize {
    fields.div_ceil(64) * 8
}

/// The bytes of a row's null bits and slots.
pub(super) fn fixed_bytes(fields: usize) -> usize {
    bitset_bytes(fields) + fields * 8
}

/// The next multiple of 8.
pub(super) fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}

/// Appends the rows of these columns, each of `row_count` values.
pub(super) fn encode(columns: &[Column], row_count: usize, out: &mut Rows) -> Result<()> {
    let fixed = fixed_bytes(columns.len());
    let mut sizes = vec![fixed; row_count];
    for column in columns {
        block::add_sizes(column, &mut sizes);
    }
    if let Some(size) = sizes.iter().find(|size| **size > MAX_ROW_BYTES) {
        return Err(out_of_range(
            "row",
            &format!("a row of {size} bytes is larger than a row of state can be ({MAX_ROW_BYTES} bytes)"),
        ));
    }
    let (data, mut start) = out.push_zeroed(&sizes);
    let mut bases = Vec::with_capacity(BLOCK_ROWS);
    let mut cursors = Vec::with_capacity(BLOCK_ROWS);
    let mut first_row = 0;
    for sizes in sizes.chunks(BLOCK_ROWS) {
        bases.clear();
        bases.extend(sizes.iter().map(|size| {
            let base = start;
            start += size;
            base
        }));
        cursors.clear();
        cursors.extend(bases.iter().map(|base| base + fixed));
        let mut block = Block {
            data: &mut *data,
            first_row,
            cursors: &mut cursors,
        };
        block.write_fields(columns, &bases);
        first_row += sizes.len();
    }
    Ok(())
}
