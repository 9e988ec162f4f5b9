//! A stateful query over a stream that the test feeds: its rows by batch, its checkpoint and its state.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use datafusion::arrow::array::{ArrayRef, TimestampMicrosecondArray};
use datafusion::arrow::array::{Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::DataFrame;
use futures::future::BoxFuture;
use serde_json::Value;
use tempfile::TempDir;
use tidemill::prelude::*;
use tidemill::source::MemoryStream;
use tidemill::{FileManagerHook, StreamingSessionBuilder};
use tidemill_checkpoint::{InlineBlocking, LocalFileManager};
use tidemill_sql::StreamableTable;
use tidemill_state::{
    OperatorId, StateStoreConf, StateStoreId, StateStoreSpec, StateStoreVersion, StateStores,
};

use super::values::{comparable, rows_of};

/// One row of the stream `e`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Event time, ms since the epoch.
    pub(crate) ts_ms: Option<i64>,
    pub(crate) k: Option<&'static str>,
    pub(crate) g: Option<i32>,
    pub(crate) v: Option<i64>,
    pub(crate) x: Option<f64>,
}

impl Event {
    /// An event of a key at a time, value 1.
    pub(crate) fn at(ts_ms: i64, k: &'static str) -> Self {
        Self {
            ts_ms: Some(ts_ms),
            k: Some(k),
            g: None,
            v: Some(1),
            x: None,
        }
    }

    /// The columns of the stream.
    pub(crate) fn schema() -> SchemaRef {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new("ts", utc, true),
            Field::new("k", DataType::Utf8, true),
            Field::new("g", DataType::Int32, true),
            Field::new("v", DataType::Int64, true),
            Field::new("x", DataType::Float64, true),
        ]))
    }

    /// These rows as one batch.
    pub(crate) fn batch(events: &[Self]) -> RecordBatch {
        let times = events.iter().map(|e| e.ts_ms.map(|ms| ms * 1000));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
            Arc::new(events.iter().map(|e| e.k).collect::<StringArray>()),
            Arc::new(events.iter().map(|e| e.g).collect::<Int32Array>()),
            Arc::new(events.iter().map(|e| e.v).collect::<Int64Array>()),
            Arc::new(events.iter().map(|e| e.x).collect::<Float64Array>()),
        ];
        RecordBatch::try_new(Self::schema(), columns).unwrap()
    }
}

/// What a query reads: a DataFrame over the session, where the stream is the table `e`.
pub(crate) type Build = dyn Fn(StreamingSession) -> BoxFuture<'static, Result<DataFrame>> + Send + Sync;

/// A SELECT over `STREAM(e)`.
pub(crate) fn select(text: &str) -> Box<Build> {
    let text = text.to_owned();
    Box::new(move |session| {
        let text = text.clone();
        Box::pin(async move { session.sql(&text).await })
    })
}

/// `SELECT * FROM STREAM(e)`, changed by the builder.
pub(crate) fn changed(change: fn(DataFrame) -> Result<DataFrame>) -> Box<Build> {
    Box::new(move |session| Box::pin(async move { change(session.sql("SELECT * FROM STREAM(e)").await?) }))
}

/// The rows of the state by operator, partition and key.
pub(crate) type State = BTreeMap<(u32, u32, Vec<u8>), Vec<u8>>;

/// Two streams, `e` and `f`, a sink and a checkpoint folder that outlive sessions. The sink keeps the last rows of each
/// batch.
pub(crate) struct StatefulFixture {
    stream: MemoryStream,
    other: MemoryStream,
    mode: OutputMode,
    folder: TempDir,
    confs: Vec<(String, String)>,
    rows: Arc<Mutex<BTreeMap<u64, Vec<Value>>>>,
    fed: AtomicUsize,
}

/// One run of the query.
pub(crate) struct Run {
    pub(crate) session: StreamingSession,
    pub(crate) query: StreamingQuery,
}

impl StatefulFixture {
    pub(crate) fn new(mode: OutputMode, partitions: u32) -> Self {
        Self {
            stream: MemoryStream::new(Event::schema()),
            other: MemoryStream::new(Event::schema()),
            mode,
            folder: TempDir::with_prefix("tidemill-stateful-").unwrap(),
            confs: Vec::new(),
            rows: Arc::default(),
            fed: AtomicUsize::new(0),
        }
        .conf("spark.sql.shuffle.partitions", &partitions.to_string())
    }

    /// A conf of the sessions from now on.
    pub(crate) fn conf(mut self, key: &str, value: &str) -> Self {
        self.set_conf(key, value);
        self
    }

    pub(crate) fn set_conf(&mut self, key: &str, value: &str) {
        self.confs.push((key.to_owned(), value.to_owned()));
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.folder.path().join("checkpoint")
    }

    /// How many blocks the stream was fed.
    pub(crate) fn blocks(&self) -> usize {
        self.fed.load(Ordering::SeqCst)
    }

    /// Adds a block without waiting for it.
    pub(crate) fn add(&self, events: &[Event]) {
        self.stream.add_batch(Event::batch(events)).unwrap();
        self.fed.fetch_add(1, Ordering::SeqCst);
    }

    /// Adds a block to the stream `f` without waiting for it.
    pub(crate) fn add_other(&self, events: &[Event]) {
        self.other.add_batch(Event::batch(events)).unwrap();
    }

    /// What a batch gave.
    pub(crate) fn batch(&self, id: u64) -> Vec<Value> {
        self.rows.lock().unwrap().get(&id).cloned().unwrap_or_default()
    }

    /// What every batch gave.
    pub(crate) fn batches(&self) -> BTreeMap<u64, Vec<Value>> {
        self.rows.lock().unwrap().clone()
    }

    /// Takes what the batches gave since the last time.
    pub(crate) fn take_batches(&self) -> BTreeMap<u64, Vec<Value>> {
        std::mem::take(&mut *self.rows.lock().unwrap())
    }

    /// Starts the query in a session of its own.
    pub(crate) async fn start(&self, build: &Build) -> Result<Run> {
        self.start_with(build, None).await
    }

    /// The same with something between the engine and the files.
    pub(crate) async fn start_with(&self, build: &Build, hook: Option<FileManagerHook>) -> Result<Run> {
        let mut builder: StreamingSessionBuilder = StreamingSession::builder();
        for (key, value) in &self.confs {
            builder = builder.conf(key, value);
        }
        if let Some(hook) = hook {
            builder = builder.with_file_manager(hook);
        }
        let session = builder.build()?;
        for (name, stream) in [("e", &self.stream), ("f", &self.other)] {
            let batch = Arc::new(EmptyTable::new(Event::schema()));
            let table = StreamableTable::new(batch, stream.definition());
            session.context().register_table(name, Arc::new(table))?;
        }
        let rows = Arc::clone(&self.rows);
        let query = build(session.clone())
            .await?
            .write_stream()
            .output_mode(self.mode)
            .option("checkpointLocation", self.checkpoint().display())
            .foreach_batch(move |batch, id| {
                let rows = Arc::clone(&rows);
                async move {
                    let given = comparable(rows_of(&batch.collect().await?));
                    rows.lock().unwrap().insert(id.get(), given);
                    Ok::<(), DataFusionError>(())
                }
            })
            .start()
            .await?;
        Ok(Run { session, query })
    }

    /// Starts the query, feeds it these rows as one block, and stops it when nothing is left to do.
    pub(crate) async fn run(&self, build: &Build, events: &[Event]) -> Result<()> {
        self.add(events);
        let run = self.start(build).await?;
        let done = run.query.process_all_available().await;
        run.session.stop().await?;
        done
    }

    /// Every file of the checkpoint and its content. A file that goes while this looks, as the beginning of a write that
    /// failed, is none.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = super::golden::files(&self.checkpoint());
        let content_of = |path: PathBuf| match fs::read(&path) {
            Ok(content) => Some((path, content)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("{}: {error}", path.display()),
        };
        files.into_iter().filter_map(content_of).collect()
    }

    /// The state after the newest batch.
    pub(crate) async fn state(&self) -> State {
        let commits = numbered(&self.checkpoint().join("commits"));
        let newest = commits.into_iter().max().unwrap();
        state_of(
            &self.checkpoint(),
            StateStoreConf::default(),
            u64::from(newest) + 1,
        )
        .await
    }
}

impl Run {
    /// Feeds the query and waits until nothing is left to do.
    pub(crate) async fn feed(&self, fixture: &StatefulFixture, events: &[Event]) -> Result<()> {
        fixture.add(events);
        self.query.process_all_available().await
    }
}

/// Every row of the state of this version, in all operators and partitions of a checkpoint.
pub(crate) async fn state_of(checkpoint: &Path, conf: StateStoreConf, version: u64) -> State {
    let files = Arc::new(LocalFileManager::new(checkpoint, Arc::new(InlineBlocking)));
    let stores = StateStores::new(files, conf, Arc::new(InlineBlocking));
    let mut rows = State::new();
    for operator in numbered(&checkpoint.join("state")) {
        for partition in numbered(&checkpoint.join(format!("state/{operator}"))) {
            let id = StateStoreId::new(OperatorId(operator), partition);
            let store = stores
                .load(&id, StateStoreVersion(version), &StateStoreSpec::default())
                .await
                .unwrap();
            store
                .for_each(&mut |key, value| {
                    rows.insert((operator, partition, key.to_vec()), value.to_vec());
                    Ok(())
                })
                .unwrap();
            store.abort();
        }
    }
    rows
}

fn numbered(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .filter_map(|e| e.unwrap().file_name().to_str().unwrap().parse().ok())
        .collect()
}
