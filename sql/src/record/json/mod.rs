//! JSON records, one a line or a whole file.

mod base64;
mod convert;
mod decoder;
mod encoder;
mod infer;
mod path;
mod read_options;
mod tape;
mod unescape;
mod write_options;

pub use decoder::JsonDecoder;
pub use encoder::JsonEncoder;
pub use infer::infer_json_schema;
pub(crate) use infer::infer_json_type;
pub(crate) use path::{JsonPath, JsonText};
pub use read_options::{JSON_READ_OPTIONS, JsonReadOptions};
pub use write_options::{JSON_WRITE_OPTIONS, JsonWriteOptions};
