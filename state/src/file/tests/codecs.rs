//! The four framings.

use proptest::prelude::*;

use super::*;

#[test]
fn an_empty_delta_has_the_bytes_of_spark() {
    let lz4 = b"LZ4Block\x15\x04\0\0\0\x04\0\0\0\xdb\x80\x4d\x08\xff\xff\xff\xff\
        LZ4Block\x15\0\0\0\0\0\0\0\0\0\0\0\0";
    let zstd = b"\x28\xb5\x2f\xfd\x00\x48\x20\x00\x00\xff\xff\xff\xff\x01\x00\x00";
    let snappy = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x06\x04\x0c\xff\xff\xff\xff";
    let lzf = b"ZV\0\0\x04\xff\xff\xff\xff";
    let expected: [&[u8]; 4] = [lz4, zstd, snappy, lzf];
    for (codec, expected) in CODECS.into_iter().zip(expected) {
        for row_checksum in [false, true] {
            assert_eq!(write(&[], codec, row_checksum), expected, "{codec}");
            assert!(read("1.delta", expected, codec, row_checksum).unwrap().is_empty());
        }
    }
}

#[test]
fn every_codec_gives_the_changes_that_spark_wrote_in_it() {
    let all: Vec<Vec<Record>> = FIXTURES
        .iter()
        .map(|(codec, content)| read("7.delta", content, *codec, false).unwrap())
        .collect();
    assert!(!all[0].is_empty());
    for (records, (codec, _)) in all.iter().zip(FIXTURES) {
        assert_eq!(records, &all[0], "{codec}");
        assert_eq!(
            &read("7.delta", &write(records, codec, false), codec, false).unwrap(),
            records
        );
    }
}

#[test]
fn a_file_of_many_blocks_comes_back() {
    let records = many(20_000);
    let plain_bytes: usize = records
        .iter()
        .map(|(key, value)| 8 + key.len() + value.as_ref().map_or(0, Vec::len))
        .sum();
    for codec in CODECS {
        for row_checksum in [false, true] {
            let file = write(&records, codec, row_checksum);
            assert!(file.len() < plain_bytes, "{codec} does not compress");
            assert!(
                read("1.delta", &file, codec, row_checksum).unwrap() == records,
                "{codec}"
            );
        }
    }
}

#[test]
fn a_record_may_be_longer_than_a_block() {
    let long: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
        .collect();
    let records = [
        (vec![1; 8], Some(long.clone())),
        (long, None),
        (vec![2; 8], Some(vec![0; 100_000])),
    ];
    for codec in CODECS {
        let file = write(&records, codec, true);
        assert!(read("1.delta", &file, codec, true).unwrap() == records, "{codec}");
    }
}

#[test]
fn lz4_blocks_have_32_kib_and_are_stored_when_they_do_not_shrink() {
    let mut noise = 1_u64;
    let mut incompressible = Vec::new();
    for _ in 0..16_384 {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        incompressible.extend(noise.to_le_bytes());
    }
    let file = write(
        &[(incompressible, Some(vec![0; 65_536]))],
        CompressionCodec::Lz4,
        false,
    );
    let (mut rest, mut blocks) = (file.as_slice(), Vec::new());
    while !rest.is_empty() {
        let number = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        assert_eq!(&rest[..8], b"LZ4Block");
        assert_eq!(number(17) >> 28, 0);
        let compressed = usize::try_from(number(9)).unwrap();
        blocks.push((rest[8], number(13)));
        rest = &rest[21 + compressed..];
    }
    let (last, blocks) = blocks.split_last().unwrap();
    assert_eq!(*last, (0x15, 0));
    let (partial, whole) = blocks.split_last().unwrap();
    assert!(partial.1 < 32 * 1024);
    assert!(whole.iter().all(|(_, length)| *length == 32 * 1024));
    assert_eq!(
        whole.iter().map(|(token, _)| *token).collect::<Vec<_>>(),
        [0x15, 0x15, 0x15, 0x15, 0x25, 0x25]
    );
}

#[test]
fn snappy_and_lzf_chunks_are_small_enough_for_their_readers() {
    let file = write(&many(5_000), CompressionCodec::Lzf, false);
    let mut rest = file.as_slice();
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        assert_eq!((&rest[..2], rest[2]), (&b"ZV"[..], 1));
        assert!(u16::from_be_bytes([rest[5], rest[6]]) <= 0x8000);
        rest = &rest[7 + length..];
    }
    let file = write(&many(5_000), CompressionCodec::Snappy, false);
    let mut rest = &file[16..];
    while !rest.is_empty() {
        let length = usize::try_from(u32::from_be_bytes(rest[..4].try_into().unwrap())).unwrap();
        assert!(snap::raw::decompress_len(&rest[4..4 + length]).unwrap() <= 32 * 1024);
        rest = &rest[4 + length..];
    }
}

#[test]
fn lzf_matches_are_found_up_to_their_farthest_and_longest() {
    // A phrase again at every distance around the farthest one, and runs around the longest match.
    let phrase: Vec<u8> = (0..40).map(|n| n * 5 + 3).collect();
    for distance in [41, 8_191, 8_192, 8_193, 9_000] {
        let mut value = phrase.clone();
        let filler = |n: usize| u8::try_from(n * n % 251).unwrap();
        value.extend((40..distance).map(filler));
        value.extend(&phrase);
        let records = [(vec![], Some(value))];
        let file = write(&records, CompressionCodec::Lzf, true);
        assert_eq!(
            read("1.delta", &file, CompressionCodec::Lzf, true).unwrap(),
            records,
            "{distance}"
        );
    }
    for run in 0..600 {
        let records = [(vec![7; run], None), (vec![9; 3], None)];
        let file = write(&records, CompressionCodec::Lzf, false);
        assert_eq!(
            read("1.delta", &file, CompressionCodec::Lzf, false).unwrap(),
            records,
            "{run}"
        );
    }
    let long = write(&[(vec![7; 30_000], None)], CompressionCodec::Lzf, false);
    assert!(long.len() < 400, "{} bytes", long.len());
}

#[test]
fn another_codec_is_refused_by_name_and_the_four_are_offered() {
    for codec in CODECS {
        assert_eq!(
            CompressionCodec::from_name(&codec.name().to_uppercase()),
            Some(codec)
        );
    }
    assert_eq!(CompressionCodec::from_name("gzip"), None);
    let error = crate::StateError::CodecNotAvailable {
        name: "gzip".to_owned(),
    };
    assert_eq!(error.condition(), "CODEC_NOT_AVAILABLE.WITH_CONF_SUGGESTION");
    let text = error.to_string();
    assert!(
        text.contains("gzip") && CODECS.iter().all(|codec| text.contains(codec.name())),
        "{text}"
    );
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        proptest::collection::vec(0_u8..3, 0..300),
        (any::<u8>(), 0_usize..50_000).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_records_come_back_in_any_codec(
        records in proptest::collection::vec((bytes(), proptest::option::of(bytes())), 0..40),
        codec in proptest::sample::select(&CODECS[..]),
        row_checksum in any::<bool>(),
    ) {
        let expected: Vec<Record> = records
            .iter()
            .map(|(key, value)| {
                let floored = |value: &Vec<u8>| value[..value.len() - value.len() % 8].to_vec();
                let value = if row_checksum { value.clone() } else { value.as_ref().map(floored) };
                (key.clone(), value)
            })
            .collect();
        let file = write(&records, codec, row_checksum);
        prop_assert!(read("1.delta", &file, codec, row_checksum).unwrap() == expected);
    }
}
