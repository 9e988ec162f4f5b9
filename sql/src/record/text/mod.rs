//! Text records: one STRING column, one row a line.

mod decoder;
mod encoder;

pub use decoder::{TEXT_READ_OPTIONS, TextDecoder, TextReadOptions};
pub use encoder::{TEXT_WRITE_OPTIONS, TextEncoder, TextWriteOptions};
