//! lz4-java's block stream: a header with lengths and a checksum before every block, and an empty block at the end.
//!
//! ```text
//! 8 magic | 1 token | 4 compressed length LE | 4 length LE | 4 checksum LE | payload
//! ```
//!
//! The token's high half is the method (stored, or a raw LZ4 block), its low half the block size. The checksum is 28
//! bits of the xxHash32 of the uncompressed bytes.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};
use twox_hash::XxHash32;

use super::input::Input;
use super::{BLOCK_BYTES, Damage};
use crate::{Result, StateError};

const MAGIC: &[u8; 8] = b"LZ4Block";
const STORED: u8 = 0x10;
const COMPRESSED: u8 = 0x20;
/// The low half of the token for blocks of 32 KiB: log2 of the size, less [`SIZE_BASE`].
const LEVEL: u8 = 5;
const SIZE_BASE: u8 = 10;
const SEED: u32 = 0x9747_b28c;
const CHECKSUM_BITS: u32 = 0x0fff_ffff;

fn checksum(block: &[u8]) -> u32 {
    XxHash32::oneshot(SEED, block) & CHECKSUM_BITS
}

pub(in crate::file) struct Compressor {
    table: CompressTable,
    scratch: Vec<u8>,
    out: Vec<u8>,
}

impl Compressor {
    pub(super) fn new() -> Self {
        Self {
            table: CompressTable::small(),
            scratch: vec![0; get_maximum_output_size(BLOCK_BYTES)],
            out: Vec::new(),
        }
    }

    pub(super) fn block(&mut self, block: &[u8]) -> Result<()> {
        let written =
            compress_into_with_table(block, &mut self.scratch, &mut self.table).map_err(|error| {
                StateError::Compression {
                    reason: error.to_string(),
                }
            })?;
        let checksum = checksum(block);
        match self.scratch.get(..written) {
            Some(payload) if payload.len() < block.len() => {
                header(&mut self.out, COMPRESSED, payload.len(), block.len(), checksum)?;
                self.out.extend_from_slice(payload);
            }
            _ => {
                header(&mut self.out, STORED, block.len(), block.len(), checksum)?;
                self.out.extend_from_slice(block);
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        header(&mut self.out, STORED, 0, 0, 0)?;
        Ok(self.out)
    }
}

fn header(out: &mut Vec<u8>, method: u8, compressed: usize, length: usize, checksum: u32) -> Result<()> {
    let too_long = |bytes| StateError::RowTooLong { bytes };
    out.extend_from_slice(MAGIC);
    out.push(method | LEVEL);
    let compressed = u32::try_from(compressed).map_err(|_| too_long(compressed))?;
    let length = u32::try_from(length).map_err(|_| too_long(length))?;
    for number in [compressed, length, checksum] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    Ok(())
}

pub(in crate::file) struct Decompressor<'a> {
    input: Input<'a>,
}

impl<'a> Decompressor<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self {
            input: Input::new(content),
        }
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, Damage> {
        let position = self.input.position_bytes();
        let expected = "an lz4 block header";
        if self.input.array::<8>(expected)? != MAGIC {
            return Err(Damage::corrupt(position, "expected the magic LZ4Block"));
        }
        let [token] = *self.input.array::<1>(expected)?;
        let [compressed, length, stored_checksum] = [
            u32::from_le_bytes(*self.input.array(expected)?),
            u32::from_le_bytes(*self.input.array(expected)?),
            u32::from_le_bytes(*self.input.array(expected)?),
        ];
        let (method, level) = (token & 0xf0, token & 0x0f);
        let unfit = |reason: &str| Err(Damage::corrupt(position, format!("lz4 block: {reason}")));
        if length > 1 << (SIZE_BASE + level) {
            return unfit("longer than the block size of its token");
        }
        let (Ok(compressed), Ok(length)) = (usize::try_from(compressed), usize::try_from(length)) else {
            return unfit("longer than memory");
        };
        if (length == 0) != (compressed == 0) || (method == STORED && compressed != length) {
            return unfit("its two lengths contradict each other");
        }
        if length == 0 {
            if (method, stored_checksum) != (STORED, 0) {
                return unfit("an end mark with content");
            }
            if !self.input.is_empty() {
                return unfit("something follows the end mark");
            }
            return Ok(false);
        }
        let payload = self.input.take(compressed, "the payload of an lz4 block")?;
        let start = out.len();
        match method {
            STORED => out.extend_from_slice(payload),
            COMPRESSED => {
                out.resize(start.saturating_add(length), 0);
                let target = out.get_mut(start..).unwrap_or_default();
                match decompress_into(payload, target) {
                    Ok(written) if written == length => {}
                    Ok(_) => return unfit("it is shorter than its header says"),
                    Err(error) => return unfit(&error.to_string()),
                }
            }
            _ => return unfit("an unknown method"),
        }
        if checksum(out.get(start..).unwrap_or_default()) != stored_checksum {
            return unfit("its checksum differs");
        }
        Ok(true)
    }
}
