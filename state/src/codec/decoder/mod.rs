//! Reads rows into columns.
//!
//! A block of rows at a time (so that the rows stay in the cache) and column after column in it. Nothing of a row is
//! believed: every offset and length is checked against the bytes at hand, and no more is allocated than the rows
//! have bytes for.

mod cell;
mod column_decoder;
mod finish;
mod node;

pub(super) use node::Node;

use arrow::array::ArrayRef;

use super::encoder::fixed_bytes;
use crate::{Result, StateError};
use cell::{Cell, append_null_words};
use column_decoder::ColumnDecoder;

/// How many rows are read together: their bytes should fit the first cache.
const BLOCK_ROWS: usize = 256;

/// The columns of these rows.
pub(super) fn decode<'a>(
    nodes: &[Node],
    mut rows: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<Vec<ArrayRef>> {
    let row_count = rows.len();
    let mut decoders: Vec<_> = nodes
        .iter()
        .map(|node| ColumnDecoder::new(node, row_count))
        .collect();
    let mut block = Vec::with_capacity(row_count.min(BLOCK_ROWS));
    loop {
        block.clear();
        block.extend(rows.by_ref().take(BLOCK_ROWS));
        if block.is_empty() {
            break;
        }
        append_rows(&mut decoders, &block, "row")?;
    }
    decoders.into_iter().map(ColumnDecoder::finish).collect()
}

/// Appends the fields of these rows (or structs) to their columns.
fn append_rows(decoders: &mut [ColumnDecoder<'_>], rows: &[&[u8]], name: &str) -> Result<()> {
    let fixed = fixed_bytes(decoders.len());
    let fits = |row: &&[u8]| row.len() >= fixed && row.len().is_multiple_of(8);
    if let Some(row) = rows.iter().find(|row| !fits(row)) {
        let reason = format!(
            "expected at least {fixed} bytes and a multiple of 8, found {}",
            row.len()
        );
        return Err(malformed(name, reason));
    }
    if decoders.is_empty() && rows.iter().any(|row| !row.is_empty()) {
        return Err(malformed(name, "expected no bytes for no columns".to_owned()));
    }
    let mut null_words = Vec::new();
    append_null_words(rows, decoders.len(), &mut null_words);
    let columns = decoders.len();
    for (ordinal, decoder) in decoders.iter_mut().enumerate() {
        let nulls = null_words
            .get(ordinal / 64)
            .is_some_and(|word| word >> (ordinal % 64) & 1 == 1);
        let cells = rows.iter().map(|row| Cell::field(row, columns, ordinal));
        decoder.append(cells, nulls, usize::MAX)?;
    }
    Ok(())
}

/// The error of a row that is none.
fn malformed(name: &str, reason: String) -> StateError {
    StateError::MalformedRow {
        field: name.to_owned(),
        reason,
    }
}
