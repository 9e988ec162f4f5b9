//! Builds a delta or snapshot: records, row checksums when they are on, end marker, compression.
//!
//! Records gather in a buffer of a block or so and leave it compressed, so the uncompressed stream is never whole.

use bytes::Bytes;

use super::change::{INT_BYTES, NONE, row_checksum};
use super::compression::{BLOCK_BYTES, Compressor};
use crate::{CompressionCodec, Result, StateError};

/// Writes the records of one file, in the order given.
pub(crate) struct ChangeWriter {
    compressor: Compressor,
    /// Records that are not compressed yet: less than a block between calls.
    pending: Vec<u8>,
    row_checksum: bool,
}

impl ChangeWriter {
    /// An empty file in this codec.
    pub(crate) fn new(codec: CompressionCodec, row_checksum: bool) -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new(codec)?,
            pending: Vec::with_capacity(2 * BLOCK_BYTES),
            row_checksum,
        })
    }

    /// The key has this value now.
    ///
    /// # Errors
    /// A key or value of 2 GiB or more has no place in the format.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.length(key.len())?;
        self.pending.extend_from_slice(key);
        if self.row_checksum {
            self.length(value.len().saturating_add(INT_BYTES))?;
            let checksum = row_checksum(key, value);
            self.pending.extend_from_slice(&checksum.to_le_bytes());
        } else {
            self.length(value.len())?;
        }
        self.pending.extend_from_slice(value);
        self.compress_whole_blocks()
    }

    /// The key is gone.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    pub(crate) fn remove(&mut self, key: &[u8]) -> Result<()> {
        if self.row_checksum {
            self.length(key.len().saturating_add(INT_BYTES))?;
            let checksum = row_checksum(key, &[]);
            self.pending.extend_from_slice(&checksum.to_le_bytes());
        } else {
            self.length(key.len())?;
        }
        self.pending.extend_from_slice(key);
        self.pending.extend_from_slice(&NONE.to_be_bytes());
        self.compress_whole_blocks()
    }

    /// Ends the file and gives its bytes.
    pub(crate) fn finish(mut self) -> Result<Bytes> {
        self.pending.extend_from_slice(&NONE.to_be_bytes());
        for block in self.pending.chunks(BLOCK_BYTES) {
            self.compressor.block(block)?;
        }
        Ok(self.compressor.finish()?.into())
    }

    fn length(&mut self, bytes: usize) -> Result<()> {
        let length = i32::try_from(bytes).map_err(|_| StateError::RowTooLong { bytes })?;
        self.pending.extend_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn compress_whole_blocks(&mut self) -> Result<()> {
        if self.pending.len() < BLOCK_BYTES {
            return Ok(());
        }
        let blocks = self.pending.chunks_exact(BLOCK_BYTES);
        let left = blocks.remainder().len();
        for block in blocks {
            self.compressor.block(block)?;
        }
        self.pending.drain(..self.pending.len() - left);
        Ok(())
    }
}
