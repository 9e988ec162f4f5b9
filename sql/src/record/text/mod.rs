//! Text records: one STRING column, one row a line.

mod decoder;
mod encoder;

pub use decoder::{TEXT_READ_OPTIONS, TextDecoder, TextReadOptions};
pub use encoder::{TEXT_WRITE_OPTIONS, TextEncoder, TextWriteOptions};

use super::RecordError;
use super::option::OptionReader;

/// The bytes of option `lineSep` in the set of `encoding`, which says nothing of the text itself, as in Spark.
fn line_sep(options: &OptionReader<'_>) -> Result<Option<Vec<u8>>, RecordError> {
    if options.line_sep()?.is_none() {
        return Ok(None);
    }
    let text = options.text("lineSep").unwrap_or_default();
    let bytes = options.encoding()?.unwrap_or_default().bytes_of(&text);
    match bytes {
        Some(bytes) => Ok(Some(bytes)),
        None => Err(RecordError::invalid(
            "lineSep",
            &text,
            "characters that option 'encoding' has",
        )),
    }
}
