//! JSON records, one a line or a whole file.

mod base64;
mod convert;
mod decoder;
mod read_options;
mod tape;
mod unescape;

pub use decoder::JsonDecoder;
pub use read_options::{JSON_READ_OPTIONS, JsonReadOptions};
