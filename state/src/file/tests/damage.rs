//! Damaged files: always an error with the path, never a panic, never fewer records.

use proptest::prelude::*;
use tidemill_checkpoint::CheckpointErrorKind;

use super::*;
use crate::StateError;

const PATH: &str = "/ckpt/state/0/1/7.delta";

fn files() -> Vec<(CompressionCodec, bool, Vec<u8>)> {
    let mut files: Vec<_> = FIXTURES
        .iter()
        .map(|(codec, file)| (*codec, false, file.to_vec()))
        .collect();
    for file in [WITH_ROW_CHECKSUMS, REMOVALS] {
        files.push((CompressionCodec::Lz4, true, file.to_vec()));
    }
    for codec in CODECS {
        files.push((codec, false, write(&[], codec, false)));
        files.push((codec, true, write(&many(16), codec, true)));
    }
    files
}

fn assert_names_the_file(error: &StateError) {
    assert_eq!(error.kind(), CheckpointErrorKind::Corrupt, "{error}");
    let text = error.to_string();
    assert!(
        text.contains(PATH) && text.contains("Restore the file from a copy"),
        "{text}"
    );
}

#[test]
fn a_file_that_ends_early_is_torn_wherever_it_ends() {
    for (codec, row_checksum, file) in files() {
        for end in 0..file.len() {
            let error = read(PATH, &file[..end], codec, row_checksum).unwrap_err();
            assert_names_the_file(&error);
            assert!(
                matches!(error, StateError::FileTorn { .. }),
                "{codec} {end}: {error}"
            );
        }
    }
}

#[test]
fn a_file_of_many_blocks_that_ends_early_is_torn() {
    for codec in CODECS {
        let file = write(&many(8_000), codec, false);
        for end in (0..file.len()).step_by(9_973) {
            assert_names_the_file(&read(PATH, &file[..end], codec, false).unwrap_err());
        }
    }
}

#[test]
fn what_follows_the_end_is_an_error() {
    for (codec, row_checksum, file) in files() {
        for extra in [&[0][..], &[0xff; 4], &[0; 30], &file] {
            let longer = [&file, extra].concat();
            assert_names_the_file(&read(PATH, &longer, codec, row_checksum).unwrap_err());
        }
    }
}

#[test]
fn a_changed_byte_never_changes_a_record_that_has_a_checksum() {
    for (codec, row_checksum, file) in files() {
        let protected = row_checksum || codec == CompressionCodec::Lz4;
        let whole = read(PATH, &file, codec, row_checksum).unwrap();
        for position in 0..file.len() {
            for change in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[position] ^= change;
                match read(PATH, &damaged, codec, row_checksum) {
                    Err(error) => assert_names_the_file(&error),
                    // Another way to say the same, as a match at another distance in a run.
                    Ok(records) => assert!(!protected || records == whole, "{codec} {position} {change:x}"),
                }
            }
        }
    }
}

#[test]
fn a_row_checksum_that_differs_has_sparks_name() {
    let mut stream = vec![0, 0, 0, 8];
    stream.extend([1; 8]);
    stream.extend([0, 0, 0, 12]);
    stream.extend([2; 12]);
    stream.extend([0xff; 4]);
    let error = read(PATH, &stored(&stream), CompressionCodec::Lzf, true).unwrap_err();
    assert_eq!(error.condition(), "STATE_STORE_ROW_CHECKSUM_VERIFICATION_FAILED");
    assert_names_the_file(&error);
    // Too short for any checksum.
    stream[15] = 3;
    stream.drain(19..28);
    let error = read(PATH, &stored(&stream), CompressionCodec::Lzf, true).unwrap_err();
    assert_names_the_file(&error);
}

#[test]
fn a_file_in_another_codec_is_refused() {
    for (written, file) in FIXTURES {
        for codec in CODECS.into_iter().filter(|codec| *codec != written) {
            assert_names_the_file(&read(PATH, file, codec, false).unwrap_err());
        }
    }
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    // A record of 2 GiB, and a snappy chunk that claims 4 GiB.
    let stream = [0x7f, 0xff, 0xff, 0xff, 0, 0];
    assert_names_the_file(&read(PATH, &stored(&stream), CompressionCodec::Lzf, false).unwrap_err());
    let mut snappy = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x07".to_vec();
    snappy.extend([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x01]);
    assert_names_the_file(&read(PATH, &snappy, CompressionCodec::Snappy, false).unwrap_err());
}

#[test]
fn the_store_and_the_version_are_named_beside_the_file() {
    let store = crate::StateStoreId::new(crate::OperatorId(2), 5);
    let error = read(PATH, &[], CompressionCodec::Lz4, false)
        .unwrap_err()
        .loading(&store, crate::StateStoreVersion(7));
    assert_eq!(error.condition(), "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED");
    assert_names_the_file(&error);
    let text = error.to_string();
    assert!(
        text.contains("operator 2, partition 5, store default, version 7"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn noise_never_panics(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        codec in proptest::sample::select(&CODECS[..]),
        prefix in 0_usize..60,
        row_checksum in any::<bool>(),
    ) {
        let mut file = write(&many(3), codec, row_checksum);
        file.truncate(prefix);
        file.extend(noise);
        if let Err(error) = read(PATH, &file, codec, row_checksum) {
            assert_names_the_file(&error);
        }
    }
}
