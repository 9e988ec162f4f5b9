//! Files in other character sets than UTF-8, read as if they were in it.

use std::io::{self, Read};

use tidemill_sql::record::{Encoding, Transcoder};

/// How many bytes are read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// The text of a file in UTF-8.
pub(super) struct TranscodingReader<R> {
    raw: R,
    transcoder: Transcoder,
    chunk: Vec<u8>,
    text: Vec<u8>,
    /// How many bytes of `text` were given.
    given: usize,
    end: bool,
}

impl<R: Read> TranscodingReader<R> {
    pub(super) fn new(raw: R, encoding: Encoding) -> Self {
        Self {
            raw,
            transcoder: Transcoder::new(encoding),
            chunk: vec![0; CHUNK_BYTES],
            text: Vec::new(),
            given: 0,
            end: false,
        }
    }
}

impl<R: Read> Read for TranscodingReader<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.text.len() && !self.end {
            self.text.clear();
            self.given = 0;
            let count = self.raw.read(&mut self.chunk)?;
            self.end = count == 0;
            let piece = self.chunk.get(..count).unwrap_or_default();
            self.transcoder.push(piece, self.end, &mut self.text);
        }
        let mut rest = self.text.get(self.given..).unwrap_or_default();
        let count = rest.read(space)?;
        self.given += count;
        Ok(count)
    }
}
