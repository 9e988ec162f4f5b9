//! One record of a delta or snapshot, and the numbers both directions share.

/// Stands for the length of a removed key's value, and for a key's length at the end of the stream.
pub(super) const NONE: i32 = -1;

/// How many bytes a length or a row checksum takes.
pub(super) const INT_BYTES: usize = 4;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// The key has this value now.
    Put {
        /// The key row.
        key: &'a [u8],
        /// The value row.
        value: &'a [u8],
    },
    /// The key is gone.
    Remove {
        /// The key row.
        key: &'a [u8],
    },
}

/// The checksum of a row: CRC-32C over the key, then the value; over the key alone when it is removed.
pub(super) fn row_checksum(key: &[u8], value: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), value)
}
