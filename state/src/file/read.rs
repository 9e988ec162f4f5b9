//! Reads a delta or snapshot record by record, without ever holding it whole.
//!
//! Every byte counts: what follows the end marker, a length that cannot be, a block or row whose checksum differs, a
//! stream that ends early are errors with the path. So a damaged file is never read as a shorter one.

use super::change::{Change, INT_BYTES, NONE, row_checksum};
use super::compression::{Damage, Decompressor};
use super::name::is_snapshot;
use crate::{CompressionCodec, Result, StateError};

/// Rows are whole words.
const WORD_BYTES: usize = 8;

/// Calls `each` for every record in order; `path` is for messages, and its end tells a snapshot, which cannot remove
/// keys, from a delta.
///
/// # Errors
/// Torn when the end marker is missing; corrupt when framing, lengths or checksums do not fit; a row whose checksum
/// differs; and what `each` returns.
pub(crate) fn read_changes(
    path: &str,
    content: &[u8],
    codec: CompressionCodec,
    row_checksum: bool,
    each: &mut dyn FnMut(Change<'_>) -> Result<()>,
) -> Result<()> {
    let mut blocks = Decompressor::new(codec, content).map_err(|damage| damage.in_file(path))?;
    let reader = Reader { path, row_checksum };
    let mut buffer = Vec::new();
    let mut records = 0_u64;
    loop {
        let mut rest = buffer.as_slice();
        let mut ended = false;
        loop {
            match reader.step(rest, records)? {
                Step::More => break,
                Step::End(after) => {
                    rest = after;
                    ended = true;
                    break;
                }
                Step::Record(change, after) => {
                    each(change)?;
                    records = records.saturating_add(1);
                    rest = after;
                }
            }
        }
        let used = buffer.len() - rest.len();
        buffer.drain(..used);
        let more = blocks.next(&mut buffer).map_err(|damage| damage.in_file(path))?;
        if ended {
            if buffer.is_empty() && !more {
                return Ok(());
            }
            return Err(reader.corrupt(records, "something follows the end marker"));
        }
        if !more {
            return Err(Damage::torn(content.len(), "the next record or the end marker").in_file(path));
        }
    }
}

struct Reader<'a> {
    path: &'a str,
    row_checksum: bool,
}

enum Step<'a> {
    /// The buffer ends within a record.
    More,
    /// The end marker, and what follows it.
    End(&'a [u8]),
    /// A record, and what follows it.
    Record(Change<'a>, &'a [u8]),
}

impl Reader<'_> {
    fn step<'b>(&self, buffer: &'b [u8], record: u64) -> Result<Step<'b>> {
        let Some((key_length, rest)) = int(buffer) else {
            return Ok(Step::More);
        };
        if key_length == NONE {
            return Ok(Step::End(rest));
        }
        let Ok(key_bytes) = usize::try_from(key_length) else {
            return Err(StateError::KeySize {
                path: self.path.to_owned(),
                size: key_length,
                snapshot: is_snapshot(self.path),
            });
        };
        let Some((key, rest)) = rest.split_at_checked(key_bytes) else {
            return Ok(Step::More);
        };
        let Some((value_length, rest)) = int(rest) else {
            return Ok(Step::More);
        };
        if value_length == NONE && !is_snapshot(self.path) {
            let key = self.removed_key(key, record)?;
            return Ok(Step::Record(Change::Remove { key }, rest));
        }
        let Ok(value_bytes) = usize::try_from(value_length) else {
            return Err(StateError::ValueSize {
                path: self.path.to_owned(),
                size: value_length,
                snapshot: is_snapshot(self.path),
            });
        };
        let Some((value, rest)) = rest.split_at_checked(value_bytes) else {
            return Ok(Step::More);
        };
        let value = self.value(key, value, record)?;
        Ok(Step::Record(Change::Put { key, value }, rest))
    }

    fn removed_key<'b>(&self, stored: &'b [u8], record: u64) -> Result<&'b [u8]> {
        if !self.row_checksum {
            return Ok(stored);
        }
        let (checksum, key) = self.checksum(stored, record)?;
        self.verify(checksum, row_checksum(key, &[]), record)?;
        Ok(key)
    }

    fn value<'b>(&self, key: &[u8], stored: &'b [u8], record: u64) -> Result<&'b [u8]> {
        if !self.row_checksum {
            // Old versions of Spark wrote lengths that are no multiple of a word; the row is what is before.
            let floored = stored.len() - stored.len() % WORD_BYTES;
            return Ok(stored.split_at_checked(floored).map_or(stored, |(row, _)| row));
        }
        let (checksum, value) = self.checksum(stored, record)?;
        self.verify(checksum, row_checksum(key, value), record)?;
        Ok(value)
    }

    fn checksum<'b>(&self, stored: &'b [u8], record: u64) -> Result<(u32, &'b [u8])> {
        match stored.split_first_chunk::<INT_BYTES>() {
            Some((checksum, row)) => Ok((u32::from_le_bytes(*checksum), row)),
            None => Err(self.corrupt(record, "it is too short for its row checksum")),
        }
    }

    fn verify(&self, expected: u32, computed: u32, record: u64) -> Result<()> {
        if expected == computed {
            return Ok(());
        }
        Err(StateError::RowChecksum {
            path: self.path.to_owned(),
            record,
            expected,
            computed,
        })
    }

    fn corrupt(&self, record: u64, reason: &str) -> StateError {
        StateError::FileCorrupt {
            path: self.path.to_owned(),
            reason: format!("record {record}: {reason}"),
        }
    }
}

fn int(buffer: &[u8]) -> Option<(i32, &[u8])> {
    let (bytes, rest) = buffer.split_first_chunk::<INT_BYTES>()?;
    Some((i32::from_be_bytes(*bytes), rest))
}
