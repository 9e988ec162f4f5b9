//! The four codecs, block by block: each file of this folder is one framing.
//!
//! A [`Compressor`] takes blocks of at most [`BLOCK_BYTES`] and gives the whole file at the end; a [`Decompressor`]
//! takes the whole file and gives it back block by block.

use crate::{CompressionCodec, Result, StateError};

mod input;
mod lz4;
mod lzf;
mod snappy;
mod zstd;

/// How many uncompressed bytes a block has at most.
pub(super) const BLOCK_BYTES: usize = 32 * 1024;

/// What is wrong with a file's framing.
#[derive(Debug)]
pub(super) enum Damage {
    /// The file ends too early.
    Torn {
        /// How many bytes of the file there are.
        position_bytes: usize,
        /// What should follow.
        expected: &'static str,
    },
    /// The file is not what it should be.
    Corrupt {
        /// Where.
        position_bytes: usize,
        /// Why.
        reason: String,
    },
}

impl Damage {
    pub(super) fn torn(position_bytes: usize, expected: &'static str) -> Self {
        Self::Torn {
            position_bytes,
            expected,
        }
    }

    pub(super) fn corrupt(position_bytes: usize, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            position_bytes,
            reason: reason.into(),
        }
    }

    pub(super) fn in_file(self, path: &str) -> StateError {
        match self {
            Self::Torn {
                position_bytes,
                expected,
            } => StateError::FileTorn {
                path: path.to_owned(),
                size_bytes: position_bytes,
                expected: expected.to_owned(),
            },
            Self::Corrupt {
                position_bytes,
                reason,
            } => StateError::FileCorrupt {
                path: path.to_owned(),
                reason: format!("byte {position_bytes}: {reason}"),
            },
        }
    }
}

/// Compresses blocks into a file.
pub(super) enum Compressor {
    Lz4(Box<lz4::Compressor>),
    Zstd(zstd::Compressor),
    Snappy(Box<snappy::Compressor>),
    Lzf(lzf::Compressor),
}

impl Compressor {
    pub(super) fn new(codec: CompressionCodec) -> Result<Self> {
        Ok(match codec {
            CompressionCodec::Lz4 => Self::Lz4(Box::new(lz4::Compressor::new())),
            CompressionCodec::Zstd => Self::Zstd(zstd::Compressor::new()?),
            CompressionCodec::Snappy => Self::Snappy(Box::new(snappy::Compressor::new())),
            CompressionCodec::Lzf => Self::Lzf(lzf::Compressor::new()),
        })
    }

    /// Adds a block of 1 to [`BLOCK_BYTES`] bytes.
    pub(super) fn block(&mut self, block: &[u8]) -> Result<()> {
        match self {
            Self::Lz4(compressor) => compressor.block(block),
            Self::Zstd(compressor) => compressor.block(block),
            Self::Snappy(compressor) => compressor.block(block),
            Self::Lzf(compressor) => compressor.block(block),
        }
    }

    /// The file.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Lz4(compressor) => compressor.finish(),
            Self::Zstd(compressor) => compressor.finish(),
            Self::Snappy(compressor) => Ok(compressor.finish()),
            Self::Lzf(compressor) => Ok(compressor.finish()),
        }
    }
}

/// Gives a file's content block by block.
pub(super) enum Decompressor<'a> {
    Lz4(lz4::Decompressor<'a>),
    Zstd(zstd::Decompressor<'a>),
    Snappy(snappy::Decompressor<'a>),
    Lzf(lzf::Decompressor<'a>),
}

impl<'a> Decompressor<'a> {
    pub(super) fn new(codec: CompressionCodec, content: &'a [u8]) -> Result<Self, Damage> {
        Ok(match codec {
            CompressionCodec::Lz4 => Self::Lz4(lz4::Decompressor::new(content)),
            CompressionCodec::Zstd => Self::Zstd(zstd::Decompressor::new(content)?),
            CompressionCodec::Snappy => Self::Snappy(snappy::Decompressor::new(content)?),
            CompressionCodec::Lzf => Self::Lzf(lzf::Decompressor::new(content)),
        })
    }

    /// Appends the next block to `out`; `false` at the end of the file, after which it must not be called again.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, Damage> {
        match self {
            Self::Lz4(decompressor) => decompressor.next(out),
            Self::Zstd(decompressor) => decompressor.next(out),
            Self::Snappy(decompressor) => decompressor.next(out),
            Self::Lzf(decompressor) => decompressor.next(out),
        }
    }
}
