//! Files that Spark wrote come back byte for byte; damaged ones name their path.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::testing::in_memory;
use crate::{CheckpointError, Offset};

const V1: &str = "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":1795225825000,\"conf\":{\"spark.sql.streaming.stateStore.providerClass\":\"org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider\",\"spark.sql.shuffle.partitions\":\"3\",\"spark.sql.streaming.multipleWatermarkPolicy\":\"min\"}}\n{\"logOffset\":0}\n-";
const V2: &str = "v2\n{\"batchWatermarkMs\":1704067202000,\"batchTimestampMs\":1795227905525,\"conf\":{\"spark.sql.shuffle.partitions\":\"3\",\"a\":\"1\"},\"sourceMetadataInfo\":{}}\nsrc_a:{\"logOffset\":0}\nsrc_b:-";

fn parse(text: &str) -> Result<OffsetSeq> {
    OffsetSeq::parse("/c/offsets/4", text.as_bytes())
}

#[test]
fn entries_of_spark_come_back_byte_for_byte() {
    for (text, version) in [(V1, OffsetLogVersion::V1), (V2, OffsetLogVersion::V2)] {
        let entry = parse(text).unwrap();
        assert_eq!(entry.encode("p", version).unwrap(), text);
        assert_eq!(offset_seq::version_of("p", text.as_bytes()).unwrap(), version);
    }
}

#[test]
fn sources_are_named_by_position_in_version_1_and_by_id_in_version_2() {
    let v1 = parse(V1).unwrap();
    assert_eq!(v1.offset("0"), Some(&Offset::new("{\"logOffset\":0}")));
    assert_eq!(v1.offsets.get(1), Some(&("1".to_owned(), None)));
    let v2 = parse(V2).unwrap();
    assert_eq!(v2.offset("src_a"), Some(&Offset::new("{\"logOffset\":0}")));
    assert_eq!(v2.offset("src_b"), None);
    assert_eq!(v2.metadata.unwrap().batch_watermark_ms, 1_704_067_202_000);
}

#[test]
fn other_key_order_blanks_and_a_last_newline_are_accepted() {
    let entry = parse(
        "v1\n{ \"conf\" : {}, \"batchTimestampMs\": 5,\"batchWatermarkMs\" : 4}\n{ \"logOffset\" : 7 }\n",
    )
    .unwrap();
    let metadata = entry.metadata.clone().unwrap();
    assert_eq!((metadata.batch_watermark_ms, metadata.batch_timestamp_ms), (4, 5));
    assert_eq!(entry.offsets.len(), 1);
}

#[test]
fn the_oldest_form_has_no_metadata() {
    let entry = parse("v1\n\n3").unwrap();
    assert_eq!(entry.metadata, None);
    assert_eq!(entry.offset("0"), Some(&Offset::new("3")));
    assert_eq!(entry.encode("p", OffsetLogVersion::V1).unwrap(), "v1\n\n3");
}

#[test]
fn metadata_without_some_keys_takes_zero_and_no_confs() {
    let metadata = parse("v1\n{}\n3").unwrap().metadata.unwrap();
    assert_eq!(metadata, OffsetSeqMetadata::default());
}

#[test]
fn unknown_metadata_is_kept_and_a_control_batch_is_seen() {
    let text = "v2\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":1,\"conf\":{},\"sourceMetadataInfo\":{\"0\":{\"sourceId\":\"0\"}},\"controlBatchInfo\":{\"operationType\":\"REPARTITION\"},\"newer\":[1]}\n0:1";
    let entry = parse(text).unwrap();
    assert_eq!(entry.encode("p", OffsetLogVersion::V2).unwrap(), text);
    let operation = entry.metadata.unwrap().control_operation();
    assert_eq!(operation.as_deref(), Some("REPARTITION"));
    assert_eq!(parse(V2).unwrap().metadata.unwrap().control_operation(), None);
}

#[test]
fn a_torn_offset_file_names_its_path() {
    for end in [2, 3, 10, 100, V1.len() - 4, V1.len() - 2, V1.len() - 18] {
        let cut = &V1[..end];
        let Err(error) = parse(cut) else {
            // Cut behind a whole line the file is one of a query with fewer sources, which the engine counts.
            assert!(cut.ends_with('}') || cut.ends_with('\n'), "{cut}");
            continue;
        };
        assert!(matches!(error, CheckpointError::Torn { .. }), "{end} {error}");
        assert!(error.to_string().contains("/c/offsets/4"), "{error}");
    }
    let error = parse("v2\n{}\nsrc_").unwrap_err();
    assert!(matches!(error, CheckpointError::Torn { .. }), "{error}");
}

#[test]
fn empty_binary_malformed_and_newer_files_are_told_apart() {
    let error = parse("").unwrap_err();
    assert!(matches!(error, CheckpointError::Empty { .. }), "{error}");
    let error = OffsetSeq::parse("/c/offsets/4", b"v1\n\xff\xfe").unwrap_err();
    assert!(
        matches!(
            error,
            CheckpointError::NotUtf8 {
                position_bytes: 3,
                ..
            }
        ),
        "{error}"
    );
    for text in ["{}", "v", "vx\n", "1\n", "v0\n", "version1\n{}", "v-1\n"] {
        let error = parse(text).unwrap_err();
        assert!(
            matches!(error, CheckpointError::MalformedVersion { .. }),
            "{text} {error}"
        );
        assert_eq!(error.condition(), "MALFORMED_LOG_FILE");
    }
    for text in ["v3\n{}\n1", "v99999999999999999999\n"] {
        let error = parse(text).unwrap_err();
        assert!(
            matches!(error, CheckpointError::UnsupportedVersion { supported: 2, .. }),
            "{error}"
        );
        assert_eq!(error.condition(), "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION");
    }
    for text in [
        "v1\nnonsense\n1",
        "v1\n{}\nnonsense",
        "v1\n[]\n1",
        "v1\n{}\n1 2",
        "v1\n{\"conf\":3}\n1",
    ] {
        let error = parse(text).unwrap_err();
        assert!(
            matches!(error, CheckpointError::Malformed { .. }),
            "{text} {error}"
        );
    }
}

#[test]
fn an_entry_that_its_version_cannot_hold_is_not_written() {
    let entry = |id: &str, json: &str| {
        OffsetSeq::new(
            OffsetSeqMetadata::default(),
            vec![(id.to_owned(), Some(Offset::new(json)))],
        )
    };
    for (id, json) in [("a:b", "1"), ("", "1"), ("a", "1\n2"), ("a", "")] {
        let error = entry(id, json).encode("p", OffsetLogVersion::V2).unwrap_err();
        assert!(
            matches!(error, CheckpointError::NotInVersion { version: 2, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_existing_log_goes_on_in_its_version() {
    let manager = in_memory();
    let log = OffsetSeqLog::open(Arc::clone(&manager), OffsetLogVersion::V2)
        .await
        .unwrap();
    let entry = OffsetSeq::new(
        OffsetSeqMetadata::default(),
        vec![("0".to_owned(), Some(Offset::new("1")))],
    );
    assert_eq!(log.add(BatchId::FIRST, &entry).await.unwrap(), Creation::Created);
    assert_eq!(
        log.add(BatchId::FIRST, &entry).await.unwrap(),
        Creation::AlreadyExists
    );

    let log = OffsetSeqLog::open(Arc::clone(&manager), OffsetLogVersion::V1)
        .await
        .unwrap();
    assert_eq!(log.version(), OffsetLogVersion::V2);
    let _ = log.add(BatchId::new(1), &entry).await.unwrap();
    let content = manager.read("offsets/1").await.unwrap().unwrap();
    assert!(content.starts_with(b"v2\n"));
    assert_eq!(
        log.latest().await.unwrap().map(|(id, _)| id),
        Some(BatchId::new(1))
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        watermark_ms: i64,
        timestamp_ms: i64,
        conf in proptest::collection::vec(("\\PC{1,8}", "\\PC{0,8}"), 0..4),
        offsets in proptest::collection::vec(proptest::option::of(any::<i64>()), 1..4),
        named: bool,
    ) {
        let metadata = OffsetSeqMetadata::new(watermark_ms, timestamp_ms, conf.into_iter().collect());
        let offsets = offsets
            .into_iter()
            .enumerate()
            .map(|(i, offset)| (i.to_string(), offset.map(|o| Offset::new(o.to_string()))))
            .collect();
        let mut entry = OffsetSeq::new(metadata, offsets);
        let version = if named { OffsetLogVersion::V2 } else { OffsetLogVersion::V1 };
        let text = entry.encode("p", version).unwrap();
        if named {
            entry.metadata = entry.metadata.map(|line| line.for_version_2());
        }
        prop_assert!(!text.ends_with('\n'));
        prop_assert_eq!(OffsetSeq::parse("p", text.as_bytes()).unwrap(), entry);
    }
}
