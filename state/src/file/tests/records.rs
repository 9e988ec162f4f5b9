//! The record stream: Spark's bytes, lengths, row checksums.

use super::*;

const WORD_COUNT: &[u8] = include_bytes!("../fixtures/word_count.delta");

fn row_of_text(text: &str) -> Vec<u8> {
    let mut row = vec![0; 16];
    row[8] = u8::try_from(text.len()).unwrap();
    row[12] = 16;
    row.extend_from_slice(text.as_bytes());
    row.resize(row.len().next_multiple_of(8), 0);
    row
}

fn row_of_count(count: u8) -> Vec<u8> {
    let mut row = vec![0; 16];
    row[8] = count;
    row
}

#[test]
fn a_word_count_that_spark_wrote_is_read() {
    let records = read("2.delta", WORD_COUNT, CompressionCodec::Lz4, false).unwrap();
    let words = ["naïve", "café", "日本語"];
    let expected: Vec<Record> = words
        .iter()
        .map(|word| (row_of_text(word), Some(row_of_count(1))))
        .collect();
    assert_eq!(records, expected);
}

#[test]
fn the_stream_is_lengths_and_rows_and_an_end_marker() {
    let records = [
        (row_of_text("naïve"), Some(row_of_count(1))),
        (row_of_text("naïve"), None),
    ];
    // So little does not compress, so lzf holds the stream as it is.
    let mut stream = vec![0, 0, 0, 0x18];
    stream.extend(row_of_text("naïve"));
    stream.extend([0, 0, 0, 0x10]);
    stream.extend(row_of_count(1));
    stream.extend([0, 0, 0, 0x18]);
    stream.extend(row_of_text("naïve"));
    stream.extend([0xff; 8]);
    assert_eq!(
        read("2.delta", &stored(&stream), CompressionCodec::Lzf, false).unwrap(),
        records
    );
    let written = write(&records, CompressionCodec::Lzf, false);
    assert_eq!(
        read("2.delta", &written, CompressionCodec::Lzf, false).unwrap(),
        records
    );
}

#[test]
fn a_key_may_be_empty_and_may_come_twice() {
    let records = [
        (vec![], Some(row_of_count(1))),
        (vec![], None),
        (vec![], Some(row_of_count(2))),
        (vec![], Some(vec![])),
    ];
    for codec in CODECS {
        for row_checksum in [false, true] {
            let file = write(&records, codec, row_checksum);
            assert_eq!(
                read("1.delta", &file, codec, row_checksum).unwrap(),
                records,
                "{codec}"
            );
        }
    }
}

#[test]
fn row_checksums_that_spark_wrote_fit_their_rows() {
    let lz4 = CompressionCodec::Lz4;
    let puts = read("7.delta", WITH_ROW_CHECKSUMS, lz4, true).unwrap();
    let (codec, plain) = FIXTURES[0];
    assert_eq!(puts, read("7.delta", plain, codec, false).unwrap());
    let removals = read("4.delta", REMOVALS, lz4, true).unwrap();
    assert_eq!(removals.len(), 3);
    assert!(
        removals
            .iter()
            .all(|(key, value)| key.len() % 8 == 0 && value.is_none())
    );
    for records in [puts, removals] {
        assert_eq!(
            read("4.delta", &write(&records, lz4, true), lz4, true).unwrap(),
            records
        );
    }
}

#[test]
fn a_row_checksum_stands_before_the_value_or_the_removed_key() {
    let (key, value) = (row_of_text("k"), row_of_count(1));
    let file = write(
        &[(key.clone(), Some(value.clone())), (key.clone(), None)],
        CompressionCodec::Lz4,
        true,
    );
    let plain = read("1.delta", &file, CompressionCodec::Lz4, false).unwrap();
    let joined = [key.as_slice(), value.as_slice()].concat();
    let stored_value = [crc32c::crc32c(&joined).to_le_bytes().as_slice(), value.as_slice()].concat();
    let stored_key = [crc32c::crc32c(&key).to_le_bytes().as_slice(), key.as_slice()].concat();
    assert_eq!(plain[0].0, key);
    // Read without checksums, the length is no multiple of a word and is floored.
    assert_eq!(plain[0].1.as_deref(), Some(&stored_value[..16]));
    assert_eq!(plain[1], (stored_key, None));
}

#[test]
fn a_value_length_that_is_no_multiple_of_a_word_is_floored() {
    let mut stream = vec![0, 0, 0, 8];
    stream.extend([1; 8]);
    stream.extend([0, 0, 0, 20]);
    stream.extend([2; 20]);
    stream.extend([0xff; 4]);
    let records = read("1.delta", &stored(&stream), CompressionCodec::Lzf, false).unwrap();
    assert_eq!(records, [(vec![1; 8], Some(vec![2; 16]))]);
}

#[test]
fn impossible_lengths_have_sparks_names() {
    let key_size = [0xff, 0xff, 0xff, 0xfe];
    let mut value_size = vec![0, 0, 0, 8];
    value_size.extend([1; 8]);
    let mut removal = value_size.clone();
    value_size.extend([0xff, 0xff, 0xff, 0xfe]);
    removal.extend([0xff; 8]);
    let class = "CANNOT_LOAD_STATE_STORE";
    for (path, stream, condition) in [
        ("c/1.delta", &key_size[..], "CANNOT_READ_DELTA_FILE_KEY_SIZE"),
        ("c/1.snapshot", &key_size, "CANNOT_READ_SNAPSHOT_FILE_KEY_SIZE"),
        ("c/1.delta", &value_size, "UNCATEGORIZED"),
        (
            "c/1.snapshot",
            &value_size,
            "CANNOT_READ_SNAPSHOT_FILE_VALUE_SIZE",
        ),
        ("c/1.snapshot", &removal, "CANNOT_READ_SNAPSHOT_FILE_VALUE_SIZE"),
    ] {
        let error = read(path, &stored(stream), CompressionCodec::Lzf, false).unwrap_err();
        assert_eq!(error.condition(), format!("{class}.{condition}"), "{path}");
        assert!(error.to_string().contains(path), "{error}");
    }
    read("c/1.delta", &stored(&removal), CompressionCodec::Lzf, false).unwrap();
}

#[test]
fn what_the_reader_of_records_refuses_ends_the_reading() {
    let file = write(&many(10), CompressionCodec::Lz4, false);
    let mut seen = 0;
    let refused = read_changes("1.delta", &file, CompressionCodec::Lz4, false, &mut |_| {
        seen += 1;
        if seen == 3 {
            Err(crate::StateError::WorkDropped)
        } else {
            Ok(())
        }
    });
    assert!(matches!(refused, Err(crate::StateError::WorkDropped)));
    assert_eq!(seen, 3);
}
