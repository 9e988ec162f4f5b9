//! Text records (JSON, CSV, text lines) to Arrow and back, with Spark's meaning per field.
//!
//! A decoder is fed bytes of one file in pieces of any size and gives batches of the schema it was made
//! for. An encoder appends the bytes that Spark's writer would write. Neither does I/O. What a decoder
//! promises:
//! - the rows do not depend on how the input was cut;
//! - a batch has at most the configured number of rows (8192 by default);
//! - a value that does not fit its column is null and the whole record goes into the corrupt-record
//!   column, if the schema has one (mode PERMISSIVE); the record is left out (DROPMALFORMED); or decoding
//!   fails with [`RecordError::Malformed`] (FAILFAST);
//! - with a projection, unneeded fields are not converted, so what is wrong with them is not seen, as in
//!   Spark; but where only the corrupt-record column is wanted, which Spark refuses, all fields are.
//!
//! Columns should be nullable: a null for a column that is not makes [`RecordDecoder::flush`] fail.

mod assembler;
mod column;
mod csv;
mod encoding;
mod error;
mod json;
mod line;
mod option;
mod text;
mod text_value;
mod transcoding_encoder;
pub mod value;

#[cfg(test)]
mod tests;

use arrow::array::RecordBatch;

pub use csv::{
    CSV_READ_OPTIONS, CSV_WRITE_OPTIONS, CsvDecoder, CsvEncoder, CsvReadOptions, CsvWriteOptions,
    infer_csv_schema,
};
pub use encoding::{Encoding, Transcoder};
pub use error::RecordError;
pub use json::{
    JSON_READ_OPTIONS, JSON_WRITE_OPTIONS, JsonDecoder, JsonEncoder, JsonReadOptions, JsonWriteOptions,
    infer_json_schema,
};
pub(crate) use json::{JsonPath, JsonText, infer_json_type};
pub use option::{OptionSupport, ParseMode, RecordOption};
pub use text::{
    TEXT_READ_OPTIONS, TEXT_WRITE_OPTIONS, TextDecoder, TextEncoder, TextReadOptions, TextWriteOptions,
};

pub use transcoding_encoder::TranscodingEncoder;

/// The number of rows in a batch unless another is asked for.
pub const DEFAULT_BATCH_ROWS: usize = 8192;

/// Turns the bytes of one file into record batches.
pub trait RecordDecoder: Send {
    /// Reads whole records from the front of `input` and returns how many bytes they took.
    ///
    /// The caller keeps the other bytes and gives them again with more behind them. Fewer bytes than whole
    /// records may be taken when a batch is full: call [`Self::flush`] and go on. With `end_of_input` the
    /// last record needs no separator; when all bytes are taken and `flush` gives nothing, the file is read.
    ///
    /// # Errors
    /// [`RecordError::Malformed`] in mode FAILFAST, and what makes the file unreadable as a whole.
    fn decode(&mut self, input: &[u8], end_of_input: bool) -> Result<usize, RecordError>;

    /// The number of rows decoded and not yet flushed.
    fn rows(&self) -> usize;

    /// Whether a full batch is waiting: `decode` takes no more until it is flushed.
    fn is_full(&self) -> bool;

    /// The next batch of rows decoded so far; none if there are none.
    ///
    /// # Errors
    /// If a column of the batch exceeds 2 GiB, or a null meets a column that allows none.
    fn flush(&mut self) -> Result<Option<RecordBatch>, RecordError>;
}

/// Turns record batches into the bytes of one file.
pub trait RecordEncoder: Send {
    /// Appends what stands at the start of a file: the header line of CSV, if one is asked for.
    fn start(&mut self, _out: &mut Vec<u8>) {}

    /// Appends the rows of `batch`, which must have the schema the encoder was made for.
    ///
    /// # Errors
    /// If the batch has a type that the format cannot hold.
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RecordError>;
}
