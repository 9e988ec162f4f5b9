//! The logs of queries whose operators are not built yet, read alone.

use std::sync::Arc;

use tidemill_checkpoint::{
    CheckpointOptions, InlineBlocking, LocalFileManager, OffsetLogVersion, OffsetSeq, ResumePoint,
    StreamingCheckpoint,
};
use uuid::Uuid;

use super::batch_json;
use crate::harness::golden::GoldenCase;

async fn open(case: &GoldenCase) -> StreamingCheckpoint {
    let manager = LocalFileManager::new(case.root().join("checkpoint"), Arc::new(InlineBlocking));
    StreamingCheckpoint::open(Arc::new(manager), Uuid::nil(), CheckpointOptions::default())
        .await
        .unwrap()
}

/// Offsets as the case writes them: by id in version 2, else by position.
fn offsets(entry: &OffsetSeq, version: OffsetLogVersion) -> Vec<String> {
    let text = |(id, offset): &(String, Option<tidemill_checkpoint::Offset>)| {
        let offset = offset.as_ref().map_or("-", |o| o.json());
        match version {
            OffsetLogVersion::V2 => format!("{id}:{offset}"),
            _ => offset.to_string(),
        }
    };
    entry.offsets.iter().map(text).collect()
}

fn golden_offsets(case: &GoldenCase, batch: u64) -> Vec<String> {
    let offsets = batch_json(case, batch)["offsets"].clone();
    offsets
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o.as_str().unwrap().to_string())
        .collect()
}

#[tokio::test]
async fn an_offset_log_of_version_two_says_where_to_go_on() {
    let case = GoldenCase::unpack("offset_log_v2");
    let checkpoint = open(&case).await;
    let version = checkpoint.offset_log().version();
    assert_eq!(version, OffsetLogVersion::V2);
    let ResumePoint::Continue {
        next,
        start,
        watermark_ms,
    } = checkpoint.resume().await.unwrap()
    else {
        panic!("the last batch is committed");
    };
    let last = case.batches().pop().unwrap().id;
    assert_eq!(next.get(), last + 1);
    assert_eq!(offsets(&start, version), golden_offsets(&case, last));
    let golden = batch_json(&case, last)["nextBatchWatermarkMs"].as_i64();
    assert_eq!(Some(watermark_ms), golden);
}

#[tokio::test]
async fn a_batch_without_its_commit_is_to_run_again_over_its_logged_range() {
    let case = GoldenCase::unpack("uncommitted_batch");
    let checkpoint = open(&case).await;
    let version = checkpoint.offset_log().version();
    let ResumePoint::Rerun { batch, start, end } = checkpoint.resume().await.unwrap() else {
        panic!("the last batch is not committed");
    };
    let last = case.batches().pop().unwrap().id;
    assert_eq!(batch.get(), last);
    assert_eq!(offsets(&end, version), golden_offsets(&case, last));
    assert_eq!(offsets(&start.unwrap(), version), golden_offsets(&case, last - 1));
}
