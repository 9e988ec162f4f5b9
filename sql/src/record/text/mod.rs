//! Text records: one STRING column, one row a line.

mod decoder;

pub use decoder::{TEXT_READ_OPTIONS, TextDecoder, TextReadOptions};
