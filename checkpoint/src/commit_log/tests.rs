//! Files that Spark wrote come back byte for byte; a log goes on in its version.

use std::sync::Arc;

use super::*;
use crate::CheckpointError;
use crate::testing::in_memory;

const V1: &str = "v1\n{\"nextBatchWatermarkMs\":1704067195000}";
const V2: &str = "v2\n{\"nextBatchWatermarkMs\":1704067202000,\"stateUniqueIds\":{\"0\":[[\"93a18339-881c-42c8-b954-a495fe496216\"],[\"6b8132cc-0527-41c7-98c1-aff063424ea0\"]]}}";
const V2_STATELESS: &str = "v2\n{\"nextBatchWatermarkMs\":0,\"stateUniqueIds\":{}}";
const V3: &str = "v3\n{\"nextBatchWatermarkMs\":0,\"sinkMetadataMap\":{\"sink_x\":{\"sinkName\":\"sink_x\",\"commitOffset\":\"-\",\"providerName\":\"org.apache.spark.sql.execution.streaming.sinks.FileStreamSink\",\"apiVersion\":\"DSv1\",\"isActive\":true}}}";

fn parse(text: &str) -> Result<(CommitLogVersion, CommitMetadata)> {
    CommitMetadata::parse("/c/commits/4", text.as_bytes())
}

#[test]
fn commits_of_spark_come_back_byte_for_byte() {
    for text in [V1, V2, V2_STATELESS, V3] {
        let (version, entry) = parse(text).unwrap();
        assert_eq!(entry.encode("p", version).unwrap(), text);
    }
}

#[test]
fn a_missing_second_line_is_an_empty_object_and_unknown_keys_are_passed_over() {
    for text in ["v1", "v1\n", "v1\n{}", "v3\n{\"later\":[1]}"] {
        assert_eq!(parse(text).unwrap().1.next_batch_watermark_ms, 0, "{text}");
    }
}

#[test]
fn damaged_commits_are_told_apart() {
    assert!(matches!(parse("").unwrap_err(), CheckpointError::Empty { .. }));
    assert!(matches!(
        parse(&V1[..20]).unwrap_err(),
        CheckpointError::Torn { .. }
    ));
    assert!(matches!(
        parse("v1\n[]x").unwrap_err(),
        CheckpointError::Malformed { .. }
    ));
    assert!(matches!(
        parse("v4\n{}").unwrap_err(),
        CheckpointError::UnsupportedVersion {
            supported: 3,
            found: 4,
            ..
        }
    ));
    assert!(matches!(
        parse("4").unwrap_err(),
        CheckpointError::MalformedVersion { .. }
    ));
    let error = CommitMetadata::parse("/c/commits/4", b"\xc3\x28").unwrap_err();
    assert!(matches!(error, CheckpointError::NotUtf8 { .. }));
    assert!(error.to_string().contains("/c/commits/4"), "{error}");
}

#[test]
fn what_a_version_has_no_place_for_is_not_dropped_silently() {
    let (_, with_ids) = parse(V2).unwrap();
    let (_, with_sinks) = parse(V3).unwrap();
    for (entry, version) in [
        (&with_ids, CommitLogVersion::V1),
        (&with_sinks, CommitLogVersion::V1),
        (&with_sinks, CommitLogVersion::V2),
    ] {
        let error = entry.encode("p", version).unwrap_err();
        assert!(matches!(error, CheckpointError::NotInVersion { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_log_of_each_version_goes_on_in_it() {
    for (existing, expected) in [
        (V1, "v1\n{\"nextBatchWatermarkMs\":7}".to_owned()),
        (
            V2,
            "v2\n{\"nextBatchWatermarkMs\":7,\"stateUniqueIds\":{}}".to_owned(),
        ),
        (
            V3,
            V3.replace("\"nextBatchWatermarkMs\":0", "\"nextBatchWatermarkMs\":7"),
        ),
    ] {
        let manager = in_memory();
        manager.replace("commits/0", existing.into()).await.unwrap();
        let log = CommitLog::open(Arc::clone(&manager), CommitLogVersion::V1)
            .await
            .unwrap();
        let created = log.add(BatchId::new(1), &CommitMetadata::new(7)).await.unwrap();
        assert_eq!(created, Creation::Created);
        let content = manager.read("commits/1").await.unwrap().unwrap();
        assert_eq!(std::str::from_utf8(&content).unwrap(), expected);
        assert_eq!(
            log.get(BatchId::new(1))
                .await
                .unwrap()
                .unwrap()
                .next_batch_watermark_ms,
            7
        );
    }
}

#[tokio::test]
async fn a_new_log_is_written_in_the_version_asked_for() {
    let manager = in_memory();
    let log = CommitLog::open(Arc::clone(&manager), CommitLogVersion::V2)
        .await
        .unwrap();
    let _ = log.add(BatchId::FIRST, &CommitMetadata::new(0)).await.unwrap();
    let content = manager.read("commits/0").await.unwrap().unwrap();
    assert_eq!(std::str::from_utf8(&content).unwrap(), V2_STATELESS);
    assert_eq!(
        log.latest().await.unwrap().map(|(id, _)| id),
        Some(BatchId::FIRST)
    );
}
