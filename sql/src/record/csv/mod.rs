//! CSV records.

mod convert;
mod decoder;
mod encoder;
mod infer;
mod read_options;
mod tokenizer;
mod write_options;

pub use decoder::CsvDecoder;
pub use encoder::CsvEncoder;
pub use infer::infer_csv_schema;
pub use read_options::{CSV_READ_OPTIONS, CsvReadOptions};
pub use write_options::{CSV_WRITE_OPTIONS, CsvWriteOptions};
