//! The file source as a query drives it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::DataType;
use async_trait::async_trait;
use bytes::Bytes;
use tidemill_checkpoint::{CheckpointError, CheckpointFileManager, Creation, FileStatus, Offset};

use crate::source::testing::{ALL, Fixture, drain, next};

fn line(value: &str) -> String {
    format!("{{\"k\":\"{value}\"}}\n")
}

fn offset(number: u64) -> Offset {
    super::log::to_offset(number)
}

#[tokio::test]
async fn files_come_by_modification_time_then_by_name() {
    let f = Fixture::new();
    f.put("in/c.json", line("first"), 10);
    f.put("in/b.json", line("third"), 20);
    f.put("in/a.json", line("second"), 20);
    for hidden in ["in/_x.json", "in/.y.json", "in/sub/z.json", "in/w._COPYING_"] {
        f.put(hidden, line("never"), 1);
    }
    let source = f.json(&[("maxFilesPerTrigger", "1")]).await;
    let batches = drain(&f, source.as_ref(), None).await;
    assert_eq!(batches, [["first"], ["second"], ["third"]]);
}

#[tokio::test]
async fn the_log_holds_what_spark_would_write() {
    let f = Fixture::new();
    f.put("in/a b%20ü.json", line("x"), 1_704_067_260);
    let source = f.json(&[]).await;
    let end = next(source.as_ref(), None).await;
    assert_eq!(end, Some(Offset::new("{\"logOffset\":0}")));
    let written = fs::read_to_string(f.path("ckpt/sources/0/0")).unwrap();
    let folder = f.path("in");
    let expected = format!(
        "v1\n{{\"path\":\"file://{}/a%20b%2520ü.json\",\"timestamp\":1704067260000,\"batchId\":0}}",
        folder.display()
    );
    assert_eq!(written, expected);
    assert_eq!(next(source.as_ref(), end.as_ref()).await, end);
    assert_eq!(
        source.description(),
        format!("FileStreamSource[file:{}]", folder.display())
    );
}

#[tokio::test]
async fn a_batch_may_choose_files_by_their_last_change_and_a_stream_may_not() {
    let f = Fixture::new();
    f.put("in/old.json", line("old"), 1_704_067_199);
    f.put("in/new.json", line("new"), 1_704_067_201);
    let options = [("modifiedBefore", "2024-01-01T00:00:00")];
    let definition = f
        .define("json", &[("k", DataType::Utf8)], &options)
        .await
        .unwrap();
    let table = definition.batch_table().unwrap();
    assert_eq!(f.rows(table).await, ["old"]);
    let error = definition.open(f.context()).await.unwrap_err();
    assert_eq!(error.condition(), "UNSUPPORTED_OPTION");
    assert!(error.message().contains("'modifiedBefore'"), "{error}");
}

#[tokio::test]
async fn nothing_was_ever_there_means_no_offset() {
    let f = Fixture::new();
    let source = f.json(&[]).await;
    assert_eq!(next(source.as_ref(), None).await, None);
}

#[tokio::test]
async fn limits_cut_batches_and_bytes_take_at_least_one_file() {
    let f = Fixture::new();
    for (at, name) in ["a", "b", "c", "d", "e"].iter().enumerate() {
        f.put(&format!("in/{name}.json"), line(name), at as u64 + 1);
    }
    let two = f.json(&[("maxFilesPerTrigger", "2")]).await;
    assert_eq!(
        drain(&f, two.as_ref(), None).await,
        [vec!["a", "b"], vec!["c", "d"], vec!["e"]]
    );
    fs::remove_dir_all(f.path("ckpt")).unwrap();
    let size = line("a").len().to_string();
    let one = f.json(&[("maxBytesPerTrigger", "1")]).await;
    assert_eq!(drain(&f, one.as_ref(), None).await.len(), 5);
    fs::remove_dir_all(f.path("ckpt")).unwrap();
    let exact = f.json(&[("maxBytesPerTrigger", &size)]).await;
    assert_eq!(drain(&f, exact.as_ref(), None).await.len(), 5);
}

#[tokio::test]
async fn the_latest_first_are_the_newest_at_each_look() {
    let f = Fixture::new();
    f.put("in/a.json", line("a"), 1);
    f.put("in/b.json", line("b"), 2);
    let source = f
        .json(&[("latestFirst", "true"), ("maxFilesPerTrigger", "1")])
        .await;
    let first = next(source.as_ref(), None).await.unwrap();
    f.put("in/c.json", line("c"), 3);
    let rest = drain(&f, source.as_ref(), Some(first.clone())).await;
    assert_eq!(rest, [["c"], ["a"]]);
    let table = source.batch(None, &first).await.unwrap();
    assert_eq!(f.rows(table).await, ["b"]);
}

#[tokio::test]
async fn unread_files_wait_without_a_new_listing_unless_few() {
    let f = Fixture::new();
    for name in ["b", "c", "d"] {
        f.put(&format!("in/{name}.json"), line(name), 10);
    }
    let source = f.json(&[("maxFilesPerTrigger", "1")]).await;
    let first = next(source.as_ref(), None).await.unwrap();
    f.put("in/a.json", line("a"), 5);
    // c and d were listed before the older file came.
    assert_eq!(
        drain(&f, source.as_ref(), Some(first)).await,
        [["c"], ["d"], ["a"]]
    );
    fs::remove_dir_all(f.path("ckpt")).unwrap();
    fs::remove_file(f.path("in/a.json")).unwrap();
    let source = f
        .json(&[("maxFilesPerTrigger", "1"), ("maxCachedFiles", "0")])
        .await;
    let first = next(source.as_ref(), None).await.unwrap();
    f.put("in/a.json", line("a"), 5);
    assert_eq!(
        drain(&f, source.as_ref(), Some(first)).await,
        [["a"], ["c"], ["d"]]
    );
}

#[tokio::test]
async fn old_files_are_ignored_after_the_first_batch() {
    let f = Fixture::new();
    f.put("in/old.json", line("old"), 1);
    f.put("in/new.json", line("new"), 1_000);
    let options = [("maxFileAge", "10s")];
    let source = f.json(&options).await;
    let first = next(source.as_ref(), None).await;
    f.put("in/older.json", line("older"), 2);
    assert_eq!(next(source.as_ref(), first.as_ref()).await, first);
    f.put("in/fresh.json", line("fresh"), 991);
    let restarted = f.json(&options).await;
    assert_eq!(drain(&f, restarted.as_ref(), first).await, [["fresh"]]);
}

#[tokio::test]
async fn a_file_changed_in_place_is_not_read_again() {
    let f = Fixture::new();
    f.put("in/a.json", line("a"), 1);
    let source = f
        .json(&[("fileNameOnly", "true"), ("recursiveFileLookup", "true")])
        .await;
    let first = next(source.as_ref(), None).await;
    f.put("in/a.json", line("b"), 2);
    f.put("in/sub/a.json", line("c"), 3);
    assert_eq!(next(source.as_ref(), first.as_ref()).await, first);
    f.put("in/sub/d.json", line("d"), 3);
    assert_eq!(drain(&f, source.as_ref(), first).await, [["d"]]);
}

#[tokio::test]
async fn a_replay_reads_exactly_the_logged_files() {
    let f = Fixture::new();
    f.put("in/a.json", line("a"), 1);
    let source = f.json(&[]).await;
    let first = next(source.as_ref(), None).await.unwrap();
    f.put("in/b.json", line("b"), 1);
    let restarted = f.json(&[]).await;
    let table = restarted.batch(None, &first).await.unwrap();
    assert_eq!(f.rows(table).await, ["a"]);
    let table = restarted.batch(None, &Offset::new("0")).await.unwrap();
    assert_eq!(f.rows(table).await, ["a"]);
}

#[tokio::test]
async fn a_logged_but_unmentioned_entry_is_the_next_batch() {
    let f = Fixture::new();
    f.put("in/a.json", line("a"), 1);
    let options = [("maxFilesPerTrigger", "1")];
    let source = f.json(&options).await;
    next(source.as_ref(), None).await.unwrap();
    f.put("in/b.json", line("b"), 2);
    let restarted = f.json(&options).await;
    assert_eq!(next(restarted.as_ref(), None).await, Some(offset(0)));
    assert!(!f.path("ckpt/sources/0/1").exists());
    let all = restarted.latest_offset(None, ALL).await.unwrap();
    assert_eq!(all, Some(offset(1)));
}

#[tokio::test]
async fn a_vanished_file_is_an_error_that_names_it() {
    let f = Fixture::new();
    f.put("in/a.json", line("a"), 1);
    f.put("in/b.json", line("b"), 1);
    let source = f.json(&[]).await;
    let end = next(source.as_ref(), None).await.unwrap();
    let listed = source.batch(None, &end).await.unwrap();
    fs::remove_file(f.path("in/a.json")).unwrap();
    let error = source.batch(None, &end).await.unwrap_err();
    assert_eq!(error.condition(), "FAILED_READ_FILE.FILE_NOT_EXIST");
    assert!(error.message().contains("in/a.json"), "{error}");
    let error = f.try_rows(listed).await.unwrap_err();
    assert_eq!(error.condition(), "FAILED_READ_FILE.FILE_NOT_EXIST");
    let lenient = f.json(&[("ignoreMissingFiles", "true")]).await;
    let table = lenient.batch(None, &end).await.unwrap();
    assert_eq!(f.rows(table).await, ["b"]);
}

#[tokio::test]
async fn available_now_ends_with_the_files_at_its_start() {
    let f = Fixture::new();
    f.put("in/a.json", line("a"), 1);
    f.put("in/b.json", line("b"), 2);
    let source = f.json(&[("maxFilesPerTrigger", "1")]).await;
    assert!(source.prepare_for_available_now().await.unwrap());
    f.put("in/c.json", line("c"), 3);
    assert_eq!(drain(&f, source.as_ref(), None).await, [["a"], ["b"]]);
}

#[tokio::test]
async fn committed_files_are_archived_or_deleted() {
    let mut f = Fixture::new();
    f.conf
        .set("spark.sql.streaming.fileSource.cleaner.numThreads", "0");
    f.put("in/sub/a.json", line("a"), 1);
    f.put("in/sub/b.json", line("b"), 2);
    let archive = f.path("archive");
    let options = [
        ("cleanSource", "archive"),
        ("sourceArchiveDir", archive.to_str().unwrap()),
        ("maxFilesPerTrigger", "1"),
        ("recursiveFileLookup", "true"),
    ];
    let source = f.json(&options).await;
    assert_eq!(drain(&f, source.as_ref(), None).await.len(), 2);
    source.commit(&offset(0)).await.unwrap();
    let moved = format!("{}{}", archive.display(), f.path("in/sub/a.json").display());
    assert!(fs::exists(&moved).unwrap());
    assert!(!f.path("in/sub/a.json").exists() && f.path("in/sub/b.json").exists());
    f.conf
        .set("spark.sql.streaming.fileSource.cleaner.numThreads", "2");
    let deleting = f
        .json(&[("cleanSource", "delete"), ("recursiveFileLookup", "true")])
        .await;
    deleting.commit(&offset(1)).await.unwrap();
    deleting.stop().await;
    assert!(!f.path("in/sub/b.json").exists());
}

#[tokio::test]
async fn the_output_of_a_file_sink_is_listed_from_its_log() {
    let f = Fixture::new();
    f.put("in/good.json", line("good"), 1);
    f.put("in/unfinished.json", line("bad"), 1);
    let good = f.path("in/good.json");
    let size = fs::metadata(&good).unwrap().len();
    let log = format!(
        "v1\n{{\"path\":\"file://{}\",\"size\":{size},\"isDir\":false,\"modificationTime\":1000,\
         \"blockReplication\":1,\"blockSize\":33554432,\"action\":\"add\"}}",
        good.display()
    );
    f.put("in/_spark_metadata/0", log, 1);
    let source = f.json(&[]).await;
    assert_eq!(drain(&f, source.as_ref(), None).await, [["good"]]);
    let definition = f.define("json", &[("k", DataType::Utf8)], &[]).await.unwrap();
    assert_eq!(f.rows(definition.batch_table().unwrap()).await, ["good"]);
    fs::remove_dir_all(f.path("ckpt")).unwrap();
    let cleaning = f.json(&[("cleanSource", "delete")]).await;
    let error = cleaning.latest_offset(None, ALL).await.unwrap_err();
    assert_eq!(error.condition(), "CLEAN_SOURCE_FILES.SINK_OUTPUT");
}

#[tokio::test]
async fn a_log_that_ends_before_the_offset_is_refused() {
    let f = Fixture::new();
    let source = f.json(&[]).await;
    for result in [
        source.latest_offset(Some(&offset(3)), ALL).await.map(|_| ()),
        source.batch(None, &offset(3)).await.map(|_| ()),
    ] {
        assert_eq!(result.unwrap_err().condition(), "MISSING_SOURCE_LOG_ENTRY");
    }
}

#[tokio::test]
async fn another_run_that_wrote_the_entry_first_is_noticed() {
    let f = Fixture::new();
    let one = f.json(&[]).await;
    let other = f.json(&[]).await;
    f.put("in/a.json", line("a"), 1);
    next(one.as_ref(), None).await.unwrap();
    let error = other.latest_offset(None, ALL).await.unwrap_err();
    assert_eq!(error.condition(), "CONCURRENT_STREAM_LOG_UPDATE");
    assert_eq!(error.kind(), crate::ErrorKind::Concurrent);
}

#[tokio::test]
async fn a_log_that_spark_compacted_is_continued() {
    let mut f = Fixture::new();
    f.conf
        .set("spark.sql.streaming.fileSource.log.compactInterval", "3");
    let entry = |n: u64| {
        let path = f.path(&format!("in/{n:03}.json"));
        let time = (1_704_067_260 + 60 * n) * 1_000;
        format!(
            "\n{{\"path\":\"file://{}\",\"timestamp\":{time},\"batchId\":{n}}}",
            path.display()
        )
    };
    for n in 0..6 {
        f.put(
            &format!("in/{n:03}.json"),
            line(&n.to_string()),
            1_704_067_260 + 60 * n,
        );
    }
    let compact: String = (0..3).map(entry).collect();
    f.put("ckpt/sources/0/2.compact", format!("v1{compact}"), 1);
    f.put("ckpt/sources/0/3", format!("v1{}", entry(3)), 1);
    let source = f.json(&[("maxFilesPerTrigger", "1")]).await;
    let table = source.batch(Some(&offset(1)), &offset(3)).await.unwrap();
    assert_eq!(f.rows(table).await, ["2", "3"]);
    assert_eq!(drain(&f, source.as_ref(), Some(offset(3))).await, [["4"], ["5"]]);
    assert_eq!(
        fs::read_to_string(f.path("ckpt/sources/0/5.compact")).unwrap(),
        format!("v1{}", (0..6).map(entry).collect::<String>())
    );
}

/// Fails one write of a run, before or after it is done.
#[derive(Debug)]
struct FailingManager {
    inner: Arc<dyn CheckpointFileManager>,
    left: AtomicUsize,
    after: bool,
}

impl FailingManager {
    fn failure(&self, path: &str) -> CheckpointError {
        CheckpointError::Io {
            action: "write",
            path: path.to_owned(),
            source: "the test pulls the plug".into(),
        }
    }
}

#[async_trait]
impl CheckpointFileManager for FailingManager {
    async fn list(&self, folder: &str) -> Result<Vec<FileStatus>, CheckpointError> {
        self.inner.list(folder).await
    }

    async fn read(&self, path: &str) -> Result<Option<Bytes>, CheckpointError> {
        self.inner.read(path).await
    }

    async fn create(&self, path: &str, content: Bytes) -> Result<Creation, CheckpointError> {
        let fails = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if fails && !self.after {
            return Err(self.failure(path));
        }
        let created = self.inner.create(path, content).await?;
        if fails {
            Err(self.failure(path))
        } else {
            Ok(created)
        }
    }

    async fn replace(&self, path: &str, content: Bytes) -> Result<(), CheckpointError> {
        self.inner.replace(path, content).await
    }

    async fn delete(&self, path: &str) -> Result<(), CheckpointError> {
        self.inner.delete(path).await
    }

    fn describe(&self, path: &str) -> String {
        self.inner.describe(path)
    }
}

#[tokio::test]
async fn a_crash_at_any_write_of_the_log_loses_and_doubles_nothing() {
    for write in 0..5 {
        for after in [false, true] {
            let mut f = Fixture::new();
            f.conf
                .set("spark.sql.streaming.fileSource.log.compactInterval", "2");
            for n in 0..5 {
                f.put(&format!("in/{n}.json"), line(&n.to_string()), n + 1);
            }
            let manager = Arc::new(FailingManager {
                inner: f.manager(),
                left: AtomicUsize::new(write),
                after,
            });
            let definition = f
                .define("json", &[("k", DataType::Utf8)], &[("maxFilesPerTrigger", "1")])
                .await
                .unwrap();
            let source = definition.open(f.context_with(manager)).await.unwrap();
            let mut rows: Vec<String> = Vec::new();
            let mut start = None;
            while let Ok(end) = source
                .latest_offset(start.as_ref(), source.default_read_limit())
                .await
            {
                let table = source.batch(start.as_ref(), end.as_ref().unwrap()).await.unwrap();
                rows.extend(f.rows(table).await);
                start = end;
            }
            assert_eq!(rows.len(), write);
            let restarted = definition.open(f.context()).await.unwrap();
            rows.extend(drain(&f, restarted.as_ref(), start).await.concat());
            assert_eq!(rows, ["0", "1", "2", "3", "4"], "write {write}, after {after}");
        }
    }
}
