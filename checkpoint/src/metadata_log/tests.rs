//! The compactible logs: numbering, deletion, reading, other writers.

use std::sync::Arc;

use super::*;
use crate::testing::{FaultMoment, FaultyFileManager, in_memory};
use crate::{BatchId, CheckpointError, CheckpointFileManager, Creation, Result};

type SourceLog = CompactibleFileStreamLog<FileSourceEntry>;
type SinkLog = CompactibleFileStreamLog<SinkFileStatus>;

/// Far enough after any file's modification time that no cleanup delay holds it back.
const LATER_MS: i64 = 10_000_000_000_000;

fn options(compact_interval: u64, min_batches_to_retain: u64) -> CompactibleLogOptions {
    CompactibleLogOptions {
        compact_interval,
        min_batches_to_retain,
        cleanup_delay_ms: 0,
        ..CompactibleLogOptions::default()
    }
}

fn input(id: u64) -> FileSourceEntry {
    FileSourceEntry {
        path: format!("file:///in/{id}.json"),
        timestamp: 1_704_067_260_000,
        batch_id: id,
    }
}

fn output(name: &str, action: &str, modification_time: i64) -> SinkFileStatus {
    SinkFileStatus {
        path: format!("file:///out/{name}"),
        size: 707,
        is_dir: false,
        modification_time,
        block_replication: 1,
        block_size: 33_554_432,
        action: action.to_owned(),
    }
}

async fn names(manager: &Arc<dyn CheckpointFileManager>, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = manager
        .list(folder)
        .await
        .unwrap()
        .into_iter()
        .map(|file| file.name)
        .collect();
    names.sort_by_key(|name| name.trim_end_matches(".compact").parse::<u64>().unwrap());
    names
}

async fn text(manager: &Arc<dyn CheckpointFileManager>, path: &str) -> String {
    String::from_utf8(manager.read(path).await.unwrap().unwrap().to_vec()).unwrap()
}

async fn filled(
    manager: &Arc<dyn CheckpointFileManager>,
    options: CompactibleLogOptions,
    count: u64,
) -> SourceLog {
    let log = SourceLog::open(Arc::clone(manager), "sources/0", options)
        .await
        .unwrap();
    for id in 0..count {
        let created = log
            .add(BatchId::new(id), vec![input(id)], LATER_MS)
            .await
            .unwrap();
        assert_eq!(created, Creation::Created);
    }
    log
}

#[test]
fn lines_of_spark_come_back_byte_for_byte() {
    let source = "v1\n{\"path\":\"file:///tmp/a%20b%2520ü.json\",\"timestamp\":1704067260000,\"batchId\":0}";
    let entries = entry::parse::<FileSourceEntry>("p", source.as_bytes()).unwrap();
    assert_eq!(entry::encode("p", &entries).unwrap(), source);
    let sink = "v1\n{\"path\":\"file:///tmp/o/part-00000-a029f144-8337-47c2-96a6-3065428ce501-c000.snappy.parquet\",\"size\":714,\"isDir\":false,\"modificationTime\":1795227440924,\"blockReplication\":1,\"blockSize\":33554432,\"action\":\"add\"}";
    let entries = entry::parse::<SinkFileStatus>("p", sink.as_bytes()).unwrap();
    assert_eq!(entry::encode("p", &entries).unwrap(), sink);
    assert!(entry::parse::<SinkFileStatus>("p", b"v1").unwrap().is_empty());
    assert_eq!(entry::encode::<SinkFileStatus>("p", &[]).unwrap(), "v1");
}

#[test]
fn damaged_log_files_are_told_apart() {
    let parse = |content: &[u8]| entry::parse::<FileSourceEntry>("/c/sources/0/3", content).unwrap_err();
    assert!(matches!(parse(b""), CheckpointError::Empty { .. }));
    assert!(matches!(parse(b"v1\n\xff"), CheckpointError::NotUtf8 { .. }));
    assert!(matches!(
        parse(b"v1\n{\"path\":\"file:///"),
        CheckpointError::Torn { .. }
    ));
    assert!(matches!(
        parse(b"v1\n{\"path\":\"a\"}"),
        CheckpointError::Malformed { .. }
    ));
    assert!(matches!(
        parse(b"v2\n"),
        CheckpointError::UnsupportedVersion { supported: 1, .. }
    ));
    assert!(parse(b"x").to_string().contains("/c/sources/0/3"));
}

#[tokio::test]
async fn compaction_falls_where_spark_puts_it_and_repeats_everything_in_order() {
    let manager = in_memory();
    filled(&manager, options(3, 100), 7).await;
    assert_eq!(
        names(&manager, "sources/0").await,
        ["0", "1", "2.compact", "3", "4", "5.compact", "6"]
    );
    let lines: Vec<String> = text(&manager, "sources/0/5.compact")
        .await
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.len(), 7);
    for (id, line) in (0_u64..).zip(&lines[1..]) {
        assert!(line.contains(&format!("/in/{id}.json")), "{line}");
    }
}

#[tokio::test]
async fn deletion_leaves_what_spark_left_with_interval_3_and_4_retained() {
    let manager = in_memory();
    let log = filled(&manager, options(3, 4), 14).await;
    assert_eq!(
        names(&manager, "sources/0").await,
        ["8.compact", "9", "10", "11.compact", "12", "13"]
    );
    let all: Vec<u64> = log
        .all_files()
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.batch_id)
        .collect();
    assert_eq!(all, (0..14).collect::<Vec<_>>());
}

#[tokio::test]
async fn young_files_and_switched_off_deletion_keep_everything() {
    for kept in [
        CompactibleLogOptions {
            cleanup_delay_ms: 1,
            ..options(3, 4)
        },
        CompactibleLogOptions {
            deletion: false,
            ..options(3, 4)
        },
    ] {
        let manager = in_memory();
        filled(&manager, kept, 14).await;
        assert_eq!(names(&manager, "sources/0").await.len(), 14);
    }
}

#[tokio::test]
async fn hidden_checksums_go_with_the_deleted_entries() {
    let manager = in_memory();
    for id in [0, 1] {
        manager
            .replace(&format!("sources/0/.{id}.crc"), "crc".into())
            .await
            .unwrap();
    }
    filled(&manager, options(3, 4), 14).await;
    let left = manager.list("sources/0").await.unwrap();
    assert!(left.iter().all(|file| !file.name.ends_with(".crc")), "{left:?}");
}

#[tokio::test]
async fn an_existing_logs_interval_wins_over_the_option() {
    let manager = in_memory();
    filled(&manager, options(3, 4), 8).await;
    let log = SourceLog::open(Arc::clone(&manager), "sources/0", options(10, 100))
        .await
        .unwrap();
    assert_eq!(log.compact_interval(), 3);
    assert_eq!(log.latest().await.unwrap(), Some(BatchId::new(7)));
    let _ = log.add(BatchId::new(8), vec![input(8)], LATER_MS).await.unwrap();
    assert!(
        names(&manager, "sources/0")
            .await
            .contains(&"8.compact".to_owned())
    );
}

#[tokio::test]
async fn an_entry_is_found_in_its_file_in_a_compact_one_and_in_memory() {
    let manager = in_memory();
    let writer = filled(&manager, options(3, 4), 14).await;
    let reader = SourceLog::open(
        Arc::clone(&manager),
        "sources/0",
        CompactibleLogOptions::default(),
    )
    .await
    .unwrap();
    for log in [&writer, &reader] {
        for id in 0..14 {
            assert_eq!(
                log.get(BatchId::new(id)).await.unwrap(),
                Some(vec![input(id)]),
                "{id}"
            );
        }
        assert_eq!(log.get(BatchId::new(14)).await.unwrap(), None);
        let range = log
            .between(Some(BatchId::new(2)), BatchId::new(12))
            .await
            .unwrap();
        assert_eq!(range, (3..=12).map(input).collect::<Vec<_>>());
        let first = log.between(None, BatchId::FIRST).await.unwrap();
        assert_eq!(first, vec![input(0)]);
        let error = log
            .between(Some(BatchId::new(12)), BatchId::new(14))
            .await
            .unwrap_err();
        assert!(
            matches!(error, CheckpointError::MissingLogEntry { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn another_writer_is_noticed_by_the_create_that_fails() {
    let manager = in_memory();
    let log = filled(&manager, options(10, 100), 2).await;
    filled_by_another(&manager).await;
    let added = log.add(BatchId::new(2), vec![input(2)], LATER_MS).await.unwrap();
    assert_eq!(added, Creation::AlreadyExists);
    let added = log.add(BatchId::new(1), vec![input(1)], LATER_MS).await.unwrap();
    assert_eq!(added, Creation::AlreadyExists, "an older entry is there already");
}

async fn filled_by_another(manager: &Arc<dyn CheckpointFileManager>) {
    let other = SourceLog::open(Arc::clone(manager), "sources/0", options(10, 100))
        .await
        .unwrap();
    let _ = other
        .add(BatchId::new(2), vec![input(2)], LATER_MS)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_gap_is_refused_when_written_and_when_read() {
    let manager = in_memory();
    let log = filled(&manager, options(10, 100), 2).await;
    let error = log
        .add(BatchId::new(3), vec![input(3)], LATER_MS)
        .await
        .unwrap_err();
    assert!(
        matches!(error, CheckpointError::MissingLogEntry { .. }),
        "{error}"
    );
    manager.delete("sources/0/0").await.unwrap();
    let error = log.all_files().await.unwrap_err();
    assert!(error.to_string().contains("sources/0/0"), "{error}");
}

#[tokio::test]
async fn deleted_outputs_cancel_their_additions_and_expired_ones_go_at_compaction() {
    let manager = in_memory();
    let retained = CompactibleLogOptions {
        retention_ms: Some(100),
        ..options(3, 100)
    };
    let log = SinkLog::open(Arc::clone(&manager), "", retained).await.unwrap();
    let add = |id: u64, entries: Vec<SinkFileStatus>| {
        let log = &log;
        async move { log.add(BatchId::new(id), entries, 1_000).await.unwrap() }
    };
    let _ = add(0, vec![output("a", "add", 950), output("old", "add", 899)]).await;
    let _ = add(1, vec![output("a", "delete", 960), output("b", "add", 900)]).await;
    assert_eq!(log.all_files().await.unwrap().len(), 2, "old and b");
    let _ = add(2, vec![]).await;
    let kept: Vec<String> = log
        .all_files()
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    assert_eq!(kept, ["file:///out/b"]);
    assert_eq!(text(&manager, "2.compact").await.lines().count(), 2);
    assert_eq!(log.get(BatchId::new(2)).await.unwrap(), Some(vec![]));
}

#[tokio::test]
async fn foreign_names_are_passed_over() {
    let manager = in_memory();
    for name in [
        ".0.crc",
        ".1.abc.tmp",
        "x",
        "5.compact.tmp",
        "07",
        "-1",
        "9.delta",
        "folder/3",
    ] {
        manager
            .replace(&format!("sources/0/{name}"), "junk".into())
            .await
            .unwrap();
    }
    let log = SourceLog::open(Arc::clone(&manager), "sources/0", options(3, 4))
        .await
        .unwrap();
    assert_eq!(log.latest().await.unwrap(), None);
    assert!(log.all_files().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_interval_of_zero_is_refused() {
    let error = SourceLog::open(in_memory(), "sources/0", options(0, 4))
        .await
        .unwrap_err();
    assert!(matches!(error, CheckpointError::InvalidOption { .. }), "{error}");
}

async fn write_all(manager: Arc<dyn CheckpointFileManager>, up_to: u64) -> Result<()> {
    let log = SourceLog::open(manager, "sources/0", options(3, 2)).await?;
    let first = log.latest().await?.map_or(0, |id| id.next().get());
    for id in first..up_to {
        let _ = log.add(BatchId::new(id), vec![input(id)], LATER_MS).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_at_any_write_loses_and_repeats_nothing() {
    let counting = Arc::new(FaultyFileManager::counting(in_memory()));
    write_all(Arc::clone(&counting) as _, 12).await.unwrap();
    assert!(counting.writes() > 12, "the run deletes too");
    for nth in 0..counting.writes() {
        for moment in [FaultMoment::Before, FaultMoment::After] {
            let store = in_memory();
            let faulty = Arc::new(FaultyFileManager::failing(Arc::clone(&store), nth, moment));
            write_all(Arc::clone(&faulty) as _, 12).await.unwrap_err();
            assert!(faulty.crashed());
            write_all(Arc::clone(&store), 12).await.unwrap();
            let log = SourceLog::open(store, "sources/0", options(3, 2)).await.unwrap();
            let all: Vec<u64> = log
                .all_files()
                .await
                .unwrap()
                .iter()
                .map(|entry| entry.batch_id)
                .collect();
            assert_eq!(all, (0..12).collect::<Vec<_>>(), "write {nth}, {moment:?}");
        }
    }
}

#[tokio::test]
async fn appending_lists_nothing_and_reads_only_to_compact() {
    let manager = Arc::new(CountingReads::new(in_memory()));
    let log = SourceLog::open(Arc::clone(&manager) as _, "sources/0", options(10, 20))
        .await
        .unwrap();
    for id in 0..50 {
        let _ = log
            .add(BatchId::new(id), vec![input(id)], LATER_MS)
            .await
            .unwrap();
        assert_eq!(log.get(BatchId::new(id)).await.unwrap(), Some(vec![input(id)]));
    }
    assert_eq!(manager.lists(), 1, "only to open");
    assert_eq!(
        manager.reads(),
        9 + 4 * 10,
        "only the files since the compact one, and it, at each compaction"
    );
}

/// Counts look-ups.
#[derive(Debug)]
struct CountingReads {
    inner: Arc<dyn CheckpointFileManager>,
    counts: std::sync::Mutex<(u64, u64)>,
}

impl CountingReads {
    fn new(inner: Arc<dyn CheckpointFileManager>) -> Self {
        Self {
            inner,
            counts: std::sync::Mutex::default(),
        }
    }
    fn lists(&self) -> u64 {
        self.counts.lock().unwrap().0
    }
    fn reads(&self) -> u64 {
        self.counts.lock().unwrap().1
    }
}

#[async_trait::async_trait]
impl CheckpointFileManager for CountingReads {
    async fn list(&self, folder: &str) -> Result<Vec<crate::FileStatus>> {
        self.counts.lock().unwrap().0 += 1;
        self.inner.list(folder).await
    }
    async fn read(&self, path: &str) -> Result<Option<bytes::Bytes>> {
        self.counts.lock().unwrap().1 += 1;
        self.inner.read(path).await
    }
    async fn create(&self, path: &str, content: bytes::Bytes) -> Result<Creation> {
        self.inner.create(path, content).await
    }
    async fn replace(&self, path: &str, content: bytes::Bytes) -> Result<()> {
        self.inner.replace(path, content).await
    }
    async fn delete(&self, path: &str) -> Result<()> {
        self.inner.delete(path).await
    }
    fn describe(&self, path: &str) -> String {
        self.inner.describe(path)
    }
}
