//! JSON, CSV and text part files: the record encoders behind a codec.

use std::io;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tidemill_sql::SqlError;
use tidemill_sql::record::{
    CsvEncoder, CsvWriteOptions, Encoding, JsonEncoder, JsonWriteOptions, RecordEncoder, RecordError,
    TextEncoder, TextWriteOptions, TranscodingEncoder,
};

use super::codec::{CompressedOutput, TextCodec};
use super::{PartEncoder, PartOutput};
use crate::{ErrorKind, Result, TidemillError};

/// Encoded bytes are handed to the codec in pieces of about this size.
const BUFFER_BYTES: usize = 256 * 1024;

/// How the records of a file are written.
#[derive(Clone, Debug)]
pub(crate) enum RecordOptions {
    Json(JsonWriteOptions),
    Csv(CsvWriteOptions),
    Text(TextWriteOptions),
}

impl RecordOptions {
    /// The character set of the files.
    fn encoding(&self) -> Encoding {
        match self {
            Self::Json(options) => options.encoding(),
            Self::Csv(options) => options.encoding(),
            Self::Text(_) => Encoding::Utf8,
        }
    }
}

/// What all part files of a sink share.
#[derive(Debug)]
pub(crate) struct RecordFormat {
    schema: SchemaRef,
    options: RecordOptions,
    codec: TextCodec,
}

impl RecordFormat {
    /// For rows of this schema; errors when the format cannot hold a column.
    pub(crate) fn new(schema: SchemaRef, options: RecordOptions, codec: TextCodec) -> Result<Self> {
        let format = Self {
            schema,
            options,
            codec,
        };
        format.encoder()?;
        Ok(format)
    }

    fn encoder(&self) -> Result<Box<dyn RecordEncoder>> {
        let encoding = self.options.encoding();
        let encoder: Box<dyn RecordEncoder> = match self.options.clone() {
            RecordOptions::Json(options) => {
                Box::new(JsonEncoder::new(&self.schema, options).map_err(record_error)?)
            }
            RecordOptions::Csv(options) => {
                Box::new(CsvEncoder::new(&self.schema, options).map_err(record_error)?)
            }
            RecordOptions::Text(options) => {
                Box::new(TextEncoder::new(&self.schema, options).map_err(record_error)?)
            }
        };
        if encoding == Encoding::Utf8 {
            return Ok(encoder);
        }
        Ok(Box::new(TranscodingEncoder::new(encoder, encoding)))
    }

    /// A new part file.
    pub(crate) fn open(&self, output: PartOutput) -> Result<RecordPart> {
        let mut part = RecordPart {
            encoder: self.encoder()?,
            output: self.codec.open(output).map_err(failed)?,
            buffer: Vec::new(),
        };
        part.encoder.start(&mut part.buffer);
        Ok(part)
    }
}

/// One part file.
pub(crate) struct RecordPart {
    encoder: Box<dyn RecordEncoder>,
    output: CompressedOutput,
    buffer: Vec<u8>,
}

impl RecordPart {
    fn flush(&mut self) -> Result<()> {
        self.output.write(&self.buffer).map_err(failed)?;
        self.buffer.clear();
        Ok(())
    }
}

impl PartEncoder for RecordPart {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.encoder
            .encode(batch, &mut self.buffer)
            .map_err(record_error)?;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<PartOutput> {
        self.flush()?;
        self.output.finish().map_err(failed)
    }
}

/// The record encoders' errors carry a condition of their own.
pub(crate) fn record_error(error: RecordError) -> TidemillError {
    SqlError::from(error).into()
}

fn failed(error: io::Error) -> TidemillError {
    TidemillError::new(
        ErrorKind::Retry,
        "FILE_SINK_WRITE_FAILED",
        format!("cannot write a part file: {error}"),
    )
    .with_source(error)
}
