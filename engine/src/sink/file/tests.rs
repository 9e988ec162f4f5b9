//! The file sink against its promises: names, log, exactly once, crashes.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::execution::context::SessionContext;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;
use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager};
use tidemill_checkpoint::{CheckpointFileManager, InlineBlocking, LocalFileManager, SinkFileStatus};

use super::*;
use crate::Conf;
use crate::sink::testing::{batch, batch_of, context, start};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("v", DataType::Int64, true),
    ]))
}

fn rows(rows: &[(&str, i64)]) -> RecordBatch {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.0)));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1)));
    RecordBatch::try_new(schema(), vec![keys, values]).unwrap()
}

struct Output {
    format: &'static str,
    schema: SchemaRef,
    folder: TempDir,
    options: Vec<(&'static str, &'static str)>,
    partition_by: Vec<String>,
    conf: Conf,
}

impl Output {
    fn new() -> Self {
        Self {
            format: "parquet",
            schema: schema(),
            folder: TempDir::new().unwrap(),
            options: Vec::new(),
            partition_by: Vec::new(),
            conf: Conf::new(),
        }
    }

    fn partitioned(by: &str) -> Self {
        Self {
            partition_by: vec![by.to_owned()],
            ..Self::new()
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn manager(&self) -> Arc<dyn CheckpointFileManager> {
        Arc::new(LocalFileManager::new(self.path(), Arc::new(InlineBlocking)))
    }

    async fn sink(&self) -> FileSink {
        self.sink_with(self.manager()).await.unwrap()
    }

    async fn sink_with(&self, manager: Arc<dyn CheckpointFileManager>) -> Result<FileSink> {
        let mut ctx = context(Arc::clone(&self.schema), &self.options);
        ctx.options.set("path", self.path().to_str().unwrap());
        ctx.partition_by = self.partition_by.clone();
        ctx.conf = Arc::new(self.conf.clone());
        let options = FileSinkOptions::parse(self.format, &ctx)?;
        FileSink::with_manager(options, manager, None, ctx.clock).await
    }

    fn log_file(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(METADATA_FOLDER).join(name)).unwrap()
    }

    /// Part files under the output, by their names relative to it.
    fn part_files(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path
                    .strip_prefix(self.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                if path.is_dir() && name != METADATA_FOLDER {
                    folders.push(path);
                } else if path.is_file() {
                    out.push(name);
                }
            }
        }
        out.sort();
        out
    }

    /// The values of `v` in the files that the log names, sorted.
    async fn logged_values(&self) -> Vec<i64> {
        let sink = self.sink().await;
        let mut out = Vec::new();
        for file in sink.log.all_files().await.unwrap() {
            out.extend(values(&file));
        }
        out.sort_unstable();
        out
    }
}

fn values(file: &SinkFileStatus) -> Vec<i64> {
    let path = FileUri::from_hadoop(&file.path).unwrap().local_path().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), file.size, "{path:?}");
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let batches = reader.build().unwrap().map(Result::unwrap);
    let values = batches.map(|b| {
        b.column_by_name("v")
            .unwrap()
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    });
    values.flatten().collect()
}

#[tokio::test]
async fn a_batch_is_logged_as_spark_logs_it() {
    let output = Output::new();
    let sink = output.sink().await;
    sink.start(start(0, false)).await.unwrap();
    let partitions = vec![vec![rows(&[("a", 1)])], vec![rows(&[("b", 2), ("c", 3)])]];
    let done = sink
        .add_batch(&batch(0, partitions, schema()).await)
        .await
        .unwrap();
    assert_eq!(done, SinkProgress::rows(-1));

    let log = output.log_file("0");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert_eq!(lines[0], "v1");
    for (task, line) in lines[1..].iter().enumerate() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let keys: Vec<&String> = entry.as_object().unwrap().keys().collect();
        let expected = [
            "path",
            "size",
            "isDir",
            "modificationTime",
            "blockReplication",
            "blockSize",
            "action",
        ];
        assert_eq!(keys, expected);
        let prefix = format!("file://{}/part-{task:05}-", output.path().display());
        assert!(entry["path"].as_str().unwrap().starts_with(&prefix), "{line}");
        assert!(
            line.ends_with(r#""blockReplication":1,"blockSize":33554432,"action":"add"}"#),
            "{line}"
        );
    }
    assert!(output.part_files()[0].ends_with("-c000.snappy.parquet"));
    assert_eq!(output.logged_values().await, [1, 2, 3]);
}

#[tokio::test]
async fn an_empty_batch_writes_one_empty_file_but_none_into_partition_folders() {
    let output = Output::new();
    let empty = || batch(0, vec![vec![], vec![]], schema());
    output.sink().await.add_batch(&empty().await).await.unwrap();
    assert_eq!(output.part_files().len(), 1);
    assert_eq!(output.logged_values().await, [0_i64; 0]);

    let output = Output::partitioned("k");
    output.sink().await.add_batch(&empty().await).await.unwrap();
    assert_eq!(output.log_file("0"), "v1");
}

#[tokio::test]
async fn a_batch_that_is_in_the_log_is_dropped() {
    let output = Output::new();
    let sink = output.sink().await;
    for _ in 0..2 {
        sink.add_batch(&batch(0, vec![vec![rows(&[("a", 1)])]], schema()).await)
            .await
            .unwrap();
    }
    let again = output.sink().await;
    again.start(start(0, true)).await.unwrap();
    again
        .add_batch(&batch(0, vec![vec![rows(&[("a", 1)])]], schema()).await)
        .await
        .unwrap();
    assert_eq!(output.logged_values().await, [1]);
    assert_eq!(output.part_files().len(), 1);
}

#[tokio::test]
async fn a_file_has_no_more_rows_than_it_may() {
    for (mut output, files, last) in [
        (Output::new(), 3, "-c002.snappy.parquet"),
        (Output::partitioned("k"), 4, ".c001.snappy.parquet"),
    ] {
        output.options.push(("maxRecordsPerFile", "2"));
        let sink = output.sink().await;
        let part = vec![
            rows(&[("x", 1), ("x", 2), ("x", 3)]),
            rows(&[("y", 4), ("y", 5), ("y", 6)]),
        ];
        sink.add_batch(&batch(0, vec![part], schema()).await)
            .await
            .unwrap();
        let found = output.part_files();
        assert_eq!(found.len(), files, "{found:?}");
        assert!(found.iter().any(|f| f.ends_with(last)), "{found:?}");
        assert_eq!(output.logged_values().await, [1, 2, 3, 4, 5, 6]);
    }
    let mut output = Output::new();
    output.conf.set("spark.sql.files.maxRecordsPerFile", "1");
    let part = vec![rows(&[("x", 1), ("x", 2)])];
    let sink = output.sink().await;
    sink.add_batch(&batch(0, vec![part], schema()).await)
        .await
        .unwrap();
    assert_eq!(output.part_files().len(), 2);
    let mut output = Output::new();
    output.options.push(("maxRecordsPerFile", "many"));
    let error = output.sink_with(output.manager()).await.unwrap_err();
    assert_eq!(error.condition(), "INVALID_OPTION_VALUE");
}

#[tokio::test]
async fn rows_go_to_the_folders_of_their_partition_values() {
    let mut output = Output::partitioned("K");
    output.options.push((MAX_OPEN_FILES, "1"));
    let sink = output.sink().await;
    let part = vec![rows(&[("x y", 1), ("z", 2), ("x y", 3)]), rows(&[("x y", 4)])];
    sink.add_batch(&batch(0, vec![part], schema()).await)
        .await
        .unwrap();
    let files = output.part_files();
    // One open file at a time: the first folder is closed for the second, and goes on in another file.
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(
        files
            .iter()
            .all(|f| f.starts_with("k=x y/part-00000-") || f.starts_with("k=z/part-00000-")),
        "{files:?}"
    );
    assert!(
        files
            .iter()
            .any(|f| f.starts_with("k=x y/") && f.ends_with(".c001.snappy.parquet")),
        "{files:?}"
    );
    assert!(output.log_file("0").contains("/k=x%20y/part-00000-"));
    assert_eq!(output.logged_values().await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_log_that_spark_began_goes_on_with_its_compact_interval() {
    let mut output = Output::new();
    output
        .conf
        .set("spark.sql.streaming.fileSink.log.cleanupDelay", "600000");
    let log = output.path().join(METADATA_FOLDER);
    std::fs::create_dir_all(&log).unwrap();
    let line = |i: u64| {
        format!(
            "\n{{\"path\":\"file:///out/part-00000-{i}-c000.snappy.parquet\",\"size\":707,\"isDir\":false,\
             \"modificationTime\":1795225719697,\"blockReplication\":1,\"blockSize\":33554432,\"action\":\"add\"}}"
        )
    };
    let upto = |from: u64, to: u64| format!("v1{}", (from..=to).map(line).collect::<String>());
    for (name, content) in [
        ("8.compact", upto(0, 8)),
        ("9", upto(9, 9)),
        ("10", upto(10, 10)),
        ("11.compact", upto(0, 11)),
        ("12", upto(12, 12)),
        ("13", upto(13, 13)),
    ] {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(log.join(name))
            .unwrap();
        std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
    }
    let sink = output.sink().await;
    sink.start(start(14, false)).await.unwrap();
    sink.add_batch(&batch(14, vec![vec![rows(&[("a", 1)])]], schema()).await)
        .await
        .unwrap();
    let compact = output.log_file("14.compact");
    assert!(compact.starts_with(&upto(0, 13)), "{compact}");
    assert_eq!(compact.lines().count(), 16);
}

#[tokio::test]
async fn a_crash_at_any_write_of_the_log_neither_loses_nor_doubles_a_batch() {
    for moment in [FaultMoment::Before, FaultMoment::After] {
        for nth in 0..6 {
            let mut output = Output::new();
            output
                .conf
                .set("spark.sql.streaming.fileSink.log.compactInterval", "2");
            let manager = Arc::new(FaultyFileManager::failing(output.manager(), nth, moment));
            let sink = output.sink_with(manager).await.unwrap();
            let mut next = 0;
            let add = async |sink: &FileSink, id: u64| {
                let id_value = i64::try_from(id).unwrap();
                sink.add_batch(&batch(id, vec![vec![rows(&[("a", id_value)])]], schema()).await)
                    .await
            };
            while next < 4 && add(&sink, next).await.is_ok() {
                next += 1;
            }
            let sink = output.sink().await;
            sink.start(start(next, true)).await.unwrap();
            for id in next..4 {
                add(&sink, id).await.unwrap();
            }
            assert_eq!(output.logged_values().await, [0, 1, 2, 3], "{moment:?} {nth}");
        }
    }
}

#[tokio::test]
async fn an_output_that_is_ahead_of_the_checkpoint_is_refused() {
    let mut output = Output::new();
    let sink = output.sink().await;
    for id in 0..3 {
        sink.add_batch(&batch(id, vec![vec![rows(&[("a", 1)])]], schema()).await)
            .await
            .unwrap();
    }
    let again = output.sink().await;
    again.start(start(3, false)).await.unwrap();
    again.start(start(2, true)).await.unwrap();
    let error = again.start(start(0, false)).await.unwrap_err();
    assert_eq!(error.condition(), "SINK_LOG_AHEAD");
    assert!(
        error.message().contains("up to 2") && error.message().contains("with batch 0"),
        "{error}"
    );
    assert!(again.start(start(1, true)).await.is_err());

    output.options.push((SKIP_LOGGED_BATCHES, "true"));
    output.sink().await.start(start(0, false)).await.unwrap();
}

#[tokio::test]
async fn the_second_of_two_writers_fails_and_its_files_do_not_count() {
    let output = Output::new();
    let (first, second) = (output.sink().await, output.sink().await);
    let of = |v: i64| batch(0, vec![vec![rows(&[("a", v)])]], schema());
    first.add_batch(&of(1).await).await.unwrap();
    let error = second.add_batch(&of(2).await).await.unwrap_err();
    assert_eq!(error.condition(), "CONCURRENT_STREAM_LOG_UPDATE");
    assert_eq!(error.kind(), ErrorKind::Concurrent);
    assert_eq!(output.logged_values().await, [1]);
    assert_eq!(output.part_files().len(), 1);
}

#[tokio::test]
async fn a_failed_batch_deletes_its_files() {
    let output = Output::new();
    let sink = output.sink().await;
    let session = SessionContext::new();
    session.register_batch("t", rows(&[("a", 1), ("b", 0)])).unwrap();
    let failing = session.sql("SELECT k, 1 / v AS v FROM t").await.unwrap();
    assert!(
        sink.add_batch(&batch_of(0, session, failing).await)
            .await
            .is_err()
    );
    assert_eq!(output.part_files(), [""; 0]);
    assert!(!output.path().join(METADATA_FOLDER).join("0").exists());
}

async fn text_of(
    format: &'static str,
    options: &[(&'static str, &'static str)],
    rows: Option<RecordBatch>,
) -> (String, Vec<u8>) {
    let mut output = Output::new();
    output.format = format;
    output.options = options.to_vec();
    let schema = rows.as_ref().map_or_else(schema, RecordBatch::schema);
    output.schema = Arc::clone(&schema);
    let partition = rows.into_iter().collect();
    output
        .sink()
        .await
        .add_batch(&batch(0, vec![partition], schema).await)
        .await
        .unwrap();
    let files = output.part_files();
    assert_eq!(files.len(), 1, "{files:?}");
    let extension = files[0].rsplit_once("-c000").unwrap().1.to_owned();
    (extension, std::fs::read(output.path().join(&files[0])).unwrap())
}

#[tokio::test]
async fn text_formats_are_written_as_spark_writes_them() {
    let two = || Some(rows(&[("a b", 1), ("q\"", -2)]));
    let (extension, bytes) = text_of("json", &[], two()).await;
    assert_eq!(extension, ".json");
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "{\"k\":\"a b\",\"v\":1}\n{\"k\":\"q\\\"\",\"v\":-2}\n"
    );
    let (extension, bytes) = text_of("csv", &[("header", "true")], two()).await;
    assert_eq!(extension, ".csv");
    assert_eq!(String::from_utf8(bytes).unwrap(), "k,v\na b,1\n\"q\\\"\",-2\n");
    let (extension, bytes) = text_of("text", &[], Some(two().unwrap().project(&[0]).unwrap())).await;
    assert_eq!(extension, ".txt");
    assert_eq!(String::from_utf8(bytes).unwrap(), "a b\nq\"\n");
    let (_, bytes) = text_of("csv", &[("header", "true")], None).await;
    assert_eq!(String::from_utf8(bytes).unwrap(), "k,v\n");
    let (_, bytes) = text_of("json", &[], None).await;
    assert!(bytes.is_empty());
}

#[tokio::test]
async fn compressed_text_reads_back() {
    use std::io::Read;
    for (codec, expected) in [
        ("gzip", ".json.gz"),
        ("bzip2", ".json.bz2"),
        ("deflate", ".json.deflate"),
        ("zstd", ".json.zst"),
    ] {
        let (extension, bytes) = text_of("json", &[("compression", codec)], Some(rows(&[("a", 1)]))).await;
        assert_eq!(extension, expected);
        let bytes = bytes.as_slice();
        let mut reader: Box<dyn Read> = match codec {
            "gzip" => Box::new(flate2::read::GzDecoder::new(bytes)),
            "bzip2" => Box::new(bzip2::read::BzDecoder::new(bytes)),
            "deflate" => Box::new(flate2::read::ZlibDecoder::new(bytes)),
            _ => Box::new(zstd::stream::read::Decoder::new(bytes).unwrap()),
        };
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"k\":\"a\",\"v\":1}\n");
    }
}

#[tokio::test]
async fn an_object_store_holds_the_same_files_and_log() {
    let mut ctx = context(schema(), &[("path", "memory:///out")]);
    ctx.partition_by = vec!["k".to_owned()];
    let sink = FileSink::open("parquet", &ctx).await.unwrap();
    sink.add_batch(&batch(0, vec![vec![rows(&[("x y", 1)])]], schema()).await)
        .await
        .unwrap();
    let files = sink.log.all_files().await.unwrap();
    assert_eq!(files.len(), 1);
    assert!(
        files[0].path.starts_with("memory:///out/k=x%20y/part-00000-"),
        "{}",
        files[0].path
    );
    let uri = FileUri::from_hadoop(&files[0].path).unwrap();
    let (store, path) = uri.object_store(&ctx.session.runtime_env()).unwrap();
    let found = object_store::ObjectStoreExt::head(&store, &path).await.unwrap();
    assert_eq!(found.size, files[0].size);
}
