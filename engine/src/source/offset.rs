//! Offsets that are one number.

use tidemill_checkpoint::Offset;

use crate::{ErrorKind, Result, TidemillError};

/// The number of an offset that is a bare JSON integer; `source` is for the message.
pub(super) fn integer(offset: &Offset, source: &str) -> Result<i64> {
    offset
        .json()
        .trim()
        .parse()
        .map_err(|_| malformed(offset, source, "an integer"))
}

/// The error for an offset that another source wrote.
pub(super) fn malformed(offset: &Offset, source: &str, expected: &str) -> TidemillError {
    TidemillError::new(
        ErrorKind::Corrupt,
        "MALFORMED_SOURCE_OFFSET",
        format!(
            "the offset log holds '{offset}' for {source}, where {expected} is expected; the checkpoint belongs to \
             another query, or its sources have changed places"
        ),
    )
}
