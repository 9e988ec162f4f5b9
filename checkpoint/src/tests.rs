//! A whole checkpoint: opening, resuming, purging, and a crash at every write.

use std::sync::Arc;

use indexmap::IndexMap;
use uuid::Uuid;

use crate::testing::{FaultMoment, FaultyFileManager, in_memory};
use crate::{
    BatchId, CheckpointError, CheckpointErrorKind, CheckpointFileManager, CheckpointLock, CheckpointOptions,
    CommitMetadata, Creation, InlineBlocking, LocalFileManager, Offset, OffsetSeq, OffsetSeqMetadata, Result,
    ResumePoint, StreamingCheckpoint,
};

const ID: Uuid = Uuid::from_u128(0xbed0_2a81_f057_47c6_8a09_4818_8d3a_7401);

async fn open(manager: &Arc<dyn CheckpointFileManager>) -> Result<StreamingCheckpoint> {
    open_with(manager, CheckpointOptions::default()).await
}

async fn open_with(
    manager: &Arc<dyn CheckpointFileManager>,
    options: CheckpointOptions,
) -> Result<StreamingCheckpoint> {
    StreamingCheckpoint::open(Arc::clone(manager), ID, options).await
}

async fn put(manager: &Arc<dyn CheckpointFileManager>, path: &str, content: &str) {
    manager.replace(path, content.to_owned().into()).await.unwrap();
}

/// A checkpoint whose logs hold these batches.
async fn logged(offsets: &[u64], commits: &[u64]) -> Arc<dyn CheckpointFileManager> {
    let manager = in_memory();
    put(&manager, "metadata", &format!("{{\"id\":\"{ID}\"}}")).await;
    for id in offsets {
        let line = format!(
            "v1\n{{\"batchWatermarkMs\":{},\"batchTimestampMs\":9,\"conf\":{{}}}}\n{{\"logOffset\":{id}}}",
            id * 10
        );
        put(&manager, &format!("offsets/{id}"), &line).await;
    }
    for id in commits {
        let line = format!("v1\n{{\"nextBatchWatermarkMs\":{}}}", id * 10 + 5);
        put(&manager, &format!("commits/{id}"), &line).await;
    }
    manager
}

fn entry(id: u64) -> OffsetSeq {
    OffsetSeq::new(
        OffsetSeqMetadata::new(0, 9, IndexMap::new()),
        vec![(
            "0".to_owned(),
            Some(Offset::new(format!("{{\"logOffset\":{id}}}"))),
        )],
    )
}

async fn ids(manager: &Arc<dyn CheckpointFileManager>, folder: &str) -> Vec<u64> {
    let mut ids: Vec<u64> = manager
        .list(folder)
        .await
        .unwrap()
        .iter()
        .map(|file| file.name.parse().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_new_checkpoint_gets_the_id_and_keeps_it() {
    let manager = in_memory();
    let checkpoint = open(&manager).await.unwrap();
    assert_eq!(checkpoint.resume().await.unwrap(), ResumePoint::Fresh);
    let content = manager.read("metadata").await.unwrap().unwrap();
    assert_eq!(&content[..], b"{\"id\":\"bed02a81-f057-47c6-8a09-48188d3a7401\"}");
    let again = StreamingCheckpoint::open(manager, Uuid::from_u128(1), CheckpointOptions::default())
        .await
        .unwrap();
    assert_eq!(again.metadata().id, ID);
}

#[tokio::test]
async fn a_committed_checkpoint_goes_on_with_the_higher_watermark() {
    let manager = logged(&[5, 6, 7], &[5, 6, 7]).await;
    let ResumePoint::Continue {
        next,
        start,
        watermark_ms,
    } = open(&manager).await.unwrap().resume().await.unwrap()
    else {
        panic!("expected to go on");
    };
    assert_eq!((next, watermark_ms), (BatchId::new(8), 75));
    assert_eq!(start.offset("0"), Some(&Offset::new("{\"logOffset\":7}")));
    put(&manager, "commits/7", "v1").await;
    let ResumePoint::Continue { watermark_ms, .. } = open(&manager).await.unwrap().resume().await.unwrap()
    else {
        panic!("expected to go on");
    };
    assert_eq!(watermark_ms, 70);
}

#[tokio::test]
async fn only_the_newest_uncommitted_batch_is_run_again() {
    let manager = logged(&[4, 5, 6, 7], &[4, 5]).await;
    let ResumePoint::Rerun { batch, start, end } = open(&manager).await.unwrap().resume().await.unwrap()
    else {
        panic!("expected to run again");
    };
    assert_eq!(batch, BatchId::new(7));
    assert_eq!(
        start.unwrap().offset("0"),
        Some(&Offset::new("{\"logOffset\":6}"))
    );
    assert_eq!(end.metadata.unwrap().batch_watermark_ms, 70);
}

#[tokio::test]
async fn a_missing_predecessor_and_a_commit_above_the_offsets_are_errors_that_name_the_file() {
    let manager = logged(&[3, 7], &[3]).await;
    let error = open(&manager).await.unwrap().resume().await.unwrap_err();
    assert!(
        matches!(error, CheckpointError::MissingPredecessor { batch: 7, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("offsets/6"), "{error}");
    assert_eq!(error.kind(), CheckpointErrorKind::Corrupt);

    let options = CheckpointOptions {
        asynchronous: true,
        ..CheckpointOptions::default()
    };
    let resumed = open_with(&manager, options)
        .await
        .unwrap()
        .resume()
        .await
        .unwrap();
    assert!(matches!(resumed, ResumePoint::Rerun { batch, .. } if batch == BatchId::new(7)));

    for offsets in [&[][..], &[3]] {
        let manager = logged(offsets, &[3, 7]).await;
        let error = open(&manager).await.unwrap().resume().await.unwrap_err();
        assert!(
            matches!(error, CheckpointError::CommitAboveOffsets { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("commits/7"), "{error}");
    }
}

#[tokio::test]
async fn gaps_and_leftovers_below_do_not_matter() {
    let manager = logged(&[0, 2, 5, 6], &[1, 2, 6]).await;
    for name in [
        "offsets/.6.crc",
        "offsets/.7.x.tmp",
        "commits/9.tmp",
        "offsets/notes.txt",
    ] {
        put(&manager, name, "junk").await;
    }
    let resumed = open(&manager).await.unwrap().resume().await.unwrap();
    assert!(matches!(resumed, ResumePoint::Continue { next, .. } if next == BatchId::new(7)));
}

#[tokio::test]
async fn a_damaged_newest_entry_is_an_error_that_names_it() {
    for (path, content) in [
        ("offsets/1", ""),
        ("offsets/1", "v1\n{\"batchWater"),
        ("offsets/1", "v9\n"),
        ("commits/1", ""),
        ("commits/1", "v1\n{\"next"),
        ("metadata", ""),
        ("metadata", "{\"id\":\"bed0"),
        ("metadata", "{\"id\":\"not an id\"}"),
    ] {
        let manager = logged(&[0, 1], &[0, 1]).await;
        put(&manager, path, content).await;
        let error = match open(&manager).await {
            Ok(checkpoint) => checkpoint.resume().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains(path), "{path} {content:?}: {error}");
    }
}

#[tokio::test]
async fn an_unfinished_control_batch_is_refused_and_a_finished_one_is_not() {
    let control = "v2\n{\"conf\":{},\"sourceMetadataInfo\":{},\"controlBatchInfo\":{\"operationType\":\"REPARTITION\"}}\n0:1";
    let manager = logged(&[0], &[0]).await;
    put(&manager, "offsets/1", control).await;
    let error = open(&manager).await.unwrap().resume().await.unwrap_err();
    assert!(matches!(error, CheckpointError::ControlBatch { .. }), "{error}");
    put(&manager, "commits/1", "v1").await;
    let resumed = open(&manager).await.unwrap().resume().await.unwrap();
    assert!(matches!(resumed, ResumePoint::Continue { .. }));
}

#[tokio::test]
async fn files_of_another_life_without_metadata_are_refused() {
    for path in ["offsets/0", "commits/0", "offsets/.0.crc"] {
        let manager = in_memory();
        put(&manager, path, "v1").await;
        let error = open(&manager).await.unwrap_err();
        assert_eq!(error.condition(), "STREAMING_CHECKPOINT_MISSING_METADATA_FILE");
        assert!(error.to_string().contains(path), "{error}");
    }
    for path in ["sources/0/0", "state/0/1/3.delta"] {
        let manager = in_memory();
        put(&manager, path, "v1").await;
        let error = open(&manager).await.unwrap_err();
        assert_eq!(error.condition(), "STATE_STORE_CHECKPOINT_LOCATION_NOT_EMPTY");
        assert!(error.to_string().contains(path), "{error}");
        assert!(
            manager.read("metadata").await.unwrap().is_none(),
            "nothing was made"
        );
    }
    let manager = in_memory();
    put(&manager, "notes.txt", "mine").await;
    put(&manager, "other/0", "mine").await;
    open(&manager).await.unwrap();
}

#[tokio::test]
async fn the_two_checks_can_be_switched_off() {
    let manager = logged(&[0], &[0]).await;
    manager.delete("metadata").await.unwrap();
    let mut options = CheckpointOptions {
        verify_metadata_exists: false,
        ..CheckpointOptions::default()
    };
    let error = open_with(&manager, options.clone()).await.unwrap_err();
    assert!(
        matches!(error, CheckpointError::LocationNotEmpty { .. }),
        "{error}"
    );
    options.verify_empty_on_start = false;
    let resumed = open_with(&manager, options)
        .await
        .unwrap()
        .resume()
        .await
        .unwrap();
    assert!(matches!(resumed, ResumePoint::Continue { .. }));
}

#[tokio::test]
async fn a_local_checkpoint_has_one_query_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let manager = || -> Arc<dyn CheckpointFileManager> {
        Arc::new(LocalFileManager::new(root.path(), Arc::new(InlineBlocking)))
    };
    let first = open(&manager()).await.unwrap();
    assert!(matches!(first.lock(), CheckpointLock::Held(_)));
    let error = open(&manager()).await.unwrap_err();
    assert!(matches!(error, CheckpointError::Locked { .. }), "{error}");
    assert_eq!(error.kind(), CheckpointErrorKind::Concurrent);
    assert!(
        error.to_string().contains(&root.path().display().to_string()),
        "{error}"
    );
    drop(first);
    open(&manager()).await.unwrap();
}

#[tokio::test]
async fn without_locks_the_second_writer_of_an_entry_loses() {
    let manager = in_memory();
    let (first, second) = (open(&manager).await.unwrap(), open(&manager).await.unwrap());
    assert!(matches!(first.lock(), CheckpointLock::Unsupported));
    let won = first.offset_log().add(BatchId::FIRST, &entry(0)).await.unwrap();
    let lost = second.offset_log().add(BatchId::FIRST, &entry(1)).await.unwrap();
    assert_eq!((won, lost), (Creation::Created, Creation::AlreadyExists));
    let path = second.offset_log().log().describe(BatchId::FIRST);
    let error = lost.or_concurrent(&path).unwrap_err();
    assert_eq!(error.condition(), "CONCURRENT_STREAM_LOG_UPDATE");
    assert!(error.to_string().contains("offsets/0"), "{error}");
    won.or_concurrent(&path).unwrap();
}

#[tokio::test]
async fn purging_leaves_one_more_than_the_retention_and_lists_nothing() {
    let manager = logged(&[0, 1, 2], &[0, 1, 2]).await;
    put(&manager, "offsets/.1.crc", "crc").await;
    let checkpoint = open(&manager).await.unwrap();
    for id in 3..9 {
        let _ = checkpoint
            .offset_log()
            .add(BatchId::new(id), &entry(id))
            .await
            .unwrap();
        checkpoint.purge(BatchId::new(id), 3).await.unwrap();
        let _ = checkpoint
            .commit_log()
            .add(BatchId::new(id), &CommitMetadata::new(0))
            .await
            .unwrap();
    }
    assert_eq!(ids(&manager, "offsets").await, [5, 6, 7, 8]);
    assert_eq!(ids(&manager, "commits").await, [5, 6, 7, 8]);
    assert!(manager.read("offsets/.1.crc").await.unwrap().is_none());
}

/// Runs batches up to `last` the way the engine does: log, "run", commit.
async fn run(manager: &Arc<dyn CheckpointFileManager>, last: u64, ran: &mut Vec<u64>) -> Result<()> {
    let checkpoint = open(manager).await?;
    let mut next = match checkpoint.resume().await? {
        ResumePoint::Fresh => BatchId::FIRST,
        ResumePoint::Continue { next, .. } => next,
        ResumePoint::Rerun { batch, .. } => {
            ran.push(batch.get());
            let _ = checkpoint
                .commit_log()
                .add(batch, &CommitMetadata::new(0))
                .await?;
            batch.next()
        }
    };
    while next.get() <= last {
        checkpoint
            .offset_log()
            .add(next, &entry(next.get()))
            .await?
            .or_concurrent("offsets")?;
        checkpoint.purge(next, 2).await?;
        ran.push(next.get());
        checkpoint
            .commit_log()
            .add(next, &CommitMetadata::new(0))
            .await?
            .or_concurrent("commits")?;
        next = next.next();
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_at_any_write_leaves_a_checkpoint_that_goes_on() {
    let counting = Arc::new(FaultyFileManager::counting(in_memory()));
    let handle: Arc<dyn CheckpointFileManager> = Arc::clone(&counting) as _;
    run(&handle, 6, &mut Vec::new()).await.unwrap();
    for nth in 0..counting.writes() {
        for moment in [FaultMoment::Before, FaultMoment::After] {
            let store = in_memory();
            let faulty: Arc<dyn CheckpointFileManager> =
                Arc::new(FaultyFileManager::failing(Arc::clone(&store), nth, moment));
            let mut ran = Vec::new();
            run(&faulty, 6, &mut ran).await.unwrap_err();
            run(&store, 6, &mut ran).await.unwrap();
            let mut once = ran.clone();
            once.dedup();
            assert_eq!(
                once,
                (0..=6).collect::<Vec<_>>(),
                "write {nth}, {moment:?}: {ran:?}"
            );
            assert!(ran.len() <= 8, "at most one batch is run twice: {ran:?}");
            assert!(matches!(
                open(&store).await.unwrap().resume().await.unwrap(),
                ResumePoint::Continue { next, .. } if next == BatchId::new(7)
            ));
        }
    }
}

#[test]
fn every_error_condition_is_distinct() {
    let path = || "p".to_owned();
    let errors = [
        CheckpointError::io("read", "p", "x"),
        CheckpointError::Empty {
            path: path(),
            expected: path(),
        },
        CheckpointError::NotUtf8 {
            path: path(),
            position_bytes: 0,
        },
        CheckpointError::Torn {
            path: path(),
            expected: path(),
            found: path(),
        },
        CheckpointError::MalformedVersion {
            path: path(),
            supported: 1,
            found: path(),
        },
        CheckpointError::UnsupportedVersion {
            path: path(),
            supported: 1,
            found: 2,
        },
        CheckpointError::MissingPredecessor {
            path: path(),
            batch: 1,
        },
        CheckpointError::CommitAboveOffsets {
            path: path(),
            newest_offset: path(),
        },
        CheckpointError::ConcurrentUpdate { path: path() },
        CheckpointError::Locked {
            location: path(),
            path: path(),
        },
    ];
    let mut conditions: Vec<&str> = errors.iter().map(CheckpointError::condition).collect();
    conditions.sort_unstable();
    conditions.dedup();
    assert_eq!(conditions.len(), errors.len());
}
