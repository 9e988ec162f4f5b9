//! Files in other character sets than UTF-8, written.

use arrow::array::RecordBatch;

use super::{Encoding, RecordEncoder, RecordError};

/// Writes what another encoder writes, in another character set: a character that the set lacks becomes `?`, and UTF-16 has
/// a mark at its start, as Java writes them.
pub struct TranscodingEncoder {
    encoder: Box<dyn RecordEncoder>,
    encoding: Encoding,
    /// What the encoder wrote last, in UTF-8.
    text: Vec<u8>,
    has_begun: bool,
}

impl TranscodingEncoder {
    /// For one file.
    pub fn new(encoder: Box<dyn RecordEncoder>, encoding: Encoding) -> Self {
        Self {
            encoder,
            encoding,
            text: Vec::new(),
            has_begun: false,
        }
    }

    fn transcode(&mut self, out: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(&self.text);
        if !text.is_empty() && !std::mem::replace(&mut self.has_begun, true) {
            out.extend_from_slice(self.encoding.mark());
        }
        self.encoding.append(&text, out);
        self.text.clear();
    }
}

impl RecordEncoder for TranscodingEncoder {
    fn start(&mut self, out: &mut Vec<u8>) {
        self.encoder.start(&mut self.text);
        self.transcode(out);
    }

    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.encoder.encode(batch, &mut self.text)?;
        self.transcode(out);
        Ok(())
    }
}
