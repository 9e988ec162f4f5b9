//! The bytes of deltas and snapshots, against files that Spark wrote and against damage.

use super::{Change, ChangeWriter, read_changes};
use crate::{CompressionCodec, Result};

mod codecs;
mod damage;
mod folding;
mod listing;
mod records;

const CODECS: [CompressionCodec; 4] = [
    CompressionCodec::Lz4,
    CompressionCodec::Zstd,
    CompressionCodec::Snappy,
    CompressionCodec::Lzf,
];

/// The same two puts in every codec, as Spark wrote them.
const FIXTURES: [(CompressionCodec, &[u8]); 4] = [
    (CompressionCodec::Lz4, include_bytes!("../fixtures/lz4.delta")),
    (CompressionCodec::Zstd, include_bytes!("../fixtures/zstd.delta")),
    (
        CompressionCodec::Snappy,
        include_bytes!("../fixtures/snappy.delta"),
    ),
    (CompressionCodec::Lzf, include_bytes!("../fixtures/lzf.delta")),
];

/// The same puts with row checksums, in lz4.
const WITH_ROW_CHECKSUMS: &[u8] = include_bytes!("../fixtures/row_checksum.delta");

/// Three removals with row checksums, in lz4.
const REMOVALS: &[u8] = include_bytes!("../fixtures/row_checksum_removals.delta");

/// A record: a key, and its value unless it was removed.
type Record = (Vec<u8>, Option<Vec<u8>>);

/// The records of a file.
fn read(path: &str, content: &[u8], codec: CompressionCodec, row_checksum: bool) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    read_changes(path, content, codec, row_checksum, &mut |change| {
        records.push(match change {
            Change::Put { key, value } => (key.to_vec(), Some(value.to_vec())),
            Change::Remove { key } => (key.to_vec(), None),
        });
        Ok(())
    })?;
    Ok(records)
}

/// The file of some records.
fn write(records: &[Record], codec: CompressionCodec, row_checksum: bool) -> Vec<u8> {
    let mut writer = ChangeWriter::new(codec, row_checksum).unwrap();
    for (key, value) in records {
        match value {
            Some(value) => writer.put(key, value).unwrap(),
            None => writer.remove(key).unwrap(),
        }
    }
    writer.finish().unwrap().to_vec()
}

/// Records that fill several blocks and compress a little: keys of `u…`, values with a counter, every 7th removed.
fn many(count: u32) -> Vec<Record> {
    let record = |number: u32| {
        let mut key = vec![0; 24];
        key[8] = 8;
        key[16..]
            .copy_from_slice(format!("u{:07}", number.wrapping_mul(2_654_435_761) % 9_999_999).as_bytes());
        let mut value = vec![0; 16];
        value[8..12].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_le_bytes());
        (key, (!number.is_multiple_of(7)).then_some(value))
    };
    (0..count).map(record).collect()
}

/// A file in lzf that holds `stream` as it is.
fn stored(stream: &[u8]) -> Vec<u8> {
    let mut file = vec![b'Z', b'V', 0];
    file.extend_from_slice(&u16::try_from(stream.len()).unwrap().to_be_bytes());
    file.extend_from_slice(stream);
    file
}
