//! One zstd frame of level 1, without content size and checksum.

use std::io::{ErrorKind, Read, Write};

use zstd::stream::{read, write};

use super::{BLOCK_BYTES, Damage};
use crate::{Result, StateError};

const LEVEL: i32 = 1;

fn failed(error: std::io::Error) -> StateError {
    StateError::Compression {
        reason: error.to_string(),
    }
}

pub(in crate::file) struct Compressor(write::Encoder<'static, Vec<u8>>);

impl Compressor {
    pub(super) fn new() -> Result<Self> {
        write::Encoder::new(Vec::new(), LEVEL).map(Self).map_err(failed)
    }

    pub(super) fn block(&mut self, block: &[u8]) -> Result<()> {
        self.0.write_all(block).map_err(failed)
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        // Spark flushes before it ends the frame, so the last block is an empty one.
        self.0.flush().map_err(failed)?;
        self.0.finish().map_err(failed)
    }
}

pub(in crate::file) struct Decompressor<'a> {
    size_bytes: usize,
    decoder: read::Decoder<'static, &'a [u8]>,
}

impl<'a> Decompressor<'a> {
    pub(super) fn new(content: &'a [u8]) -> Result<Self, Damage> {
        let decoder =
            read::Decoder::with_buffer(content).map_err(|error| Damage::corrupt(0, error.to_string()))?;
        Ok(Self {
            size_bytes: content.len(),
            decoder,
        })
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, Damage> {
        let start = out.len();
        out.resize(start.saturating_add(4 * BLOCK_BYTES), 0);
        let target = out.get_mut(start..).unwrap_or_default();
        let read = self.decoder.read(target);
        out.truncate(start.saturating_add(read.as_ref().copied().unwrap_or_default()));
        match read {
            Ok(read) => Ok(read > 0),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(Damage::torn(self.size_bytes, "the rest of the zstd frame"))
            }
            Err(error) => {
                let position = self.size_bytes - self.decoder.get_ref().len();
                Err(Damage::corrupt(position, format!("zstd: {error}")))
            }
        }
    }
}
