//! snappy-java's stream: a header, then chunks of a big-endian length and a raw snappy block.

use snap::raw;

use super::input::Input;
use super::{BLOCK_BYTES, Damage};
use crate::{Result, StateError};

/// Magic, version 1, and the lowest version that can read it: 1.
const HEADER: &[u8; 16] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

pub(in crate::file) struct Compressor {
    encoder: raw::Encoder,
    scratch: Vec<u8>,
    out: Vec<u8>,
}

impl Compressor {
    pub(super) fn new() -> Self {
        Self {
            encoder: raw::Encoder::new(),
            scratch: vec![0; raw::max_compress_len(BLOCK_BYTES)],
            out: HEADER.to_vec(),
        }
    }

    pub(super) fn block(&mut self, block: &[u8]) -> Result<()> {
        let failed = |reason: String| StateError::Compression { reason };
        let written = self
            .encoder
            .compress(block, &mut self.scratch)
            .map_err(|error| failed(error.to_string()))?;
        let length = i32::try_from(written).map_err(|error| failed(error.to_string()))?;
        self.out.extend_from_slice(&length.to_be_bytes());
        self.out
            .extend_from_slice(self.scratch.get(..written).unwrap_or_default());
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }
}

pub(in crate::file) struct Decompressor<'a> {
    input: Input<'a>,
    decoder: raw::Decoder,
}

impl<'a> Decompressor<'a> {
    pub(super) fn new(content: &'a [u8]) -> Result<Self, Damage> {
        let mut input = Input::new(content);
        let header = input.array::<{ HEADER.len() }>("the header of a snappy stream")?;
        if header != HEADER {
            return Err(Damage::corrupt(0, "expected the header of a snappy stream"));
        }
        Ok(Self {
            input,
            decoder: raw::Decoder::new(),
        })
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, Damage> {
        if self.input.is_empty() {
            return Ok(false);
        }
        let position = self.input.position_bytes();
        let unfit = |reason: String| Damage::corrupt(position, format!("snappy chunk: {reason}"));
        let length = i32::from_be_bytes(*self.input.array("the length of a snappy chunk")?);
        let length = usize::try_from(length).map_err(|_| unfit(format!("its length is {length}")))?;
        let chunk = self.input.take(length, "a snappy chunk")?;
        let start = out.len();
        let raw_length = raw::decompress_len(chunk).map_err(|error| unfit(error.to_string()))?;
        // Snappy can say a lot with little, but not this much: a damaged length must not take the memory.
        if raw_length > MAX_RATIO.saturating_mul(length) {
            return Err(unfit(format!("{length} bytes cannot hold {raw_length}")));
        }
        out.resize(start.saturating_add(raw_length), 0);
        let target = out.get_mut(start..).unwrap_or_default();
        self.decoder
            .decompress(chunk, target)
            .map_err(|error| unfit(error.to_string()))?;
        Ok(true)
    }
}

/// Three bytes copy at most 64.
const MAX_RATIO: usize = 64;
