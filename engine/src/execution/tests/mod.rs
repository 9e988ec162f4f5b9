//! The loop on real checkpoint files, with a source and a sink made for tests.

mod async_progress;
mod crash;
mod lifecycle;
mod recovery;
mod reports;
mod triggers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use futures::StreamExt;
use tempfile::TempDir;
use tidemill_checkpoint::Offset;
use tokio::sync::watch;

use crate::sink::{SinkBatch, SinkProgress, SinkStart, StreamSink};
use crate::source::{ReadLimit, SourceContext, StreamSource, StreamSourceProvider};
use crate::{
    DataFrameStreamingExt, DataStreamWriter, OptionSpec, Options, Result, StreamingSession,
    StreamingSessionBuilder, TidemillError,
};

pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]))
}

/// A stream of 0, 1, 2 …: as many as it was told there are. An offset is how many were read.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) there_are: watch::Sender<i64>,
    committed: Arc<Mutex<Vec<String>>>,
    asked: Arc<AtomicU64>,
}

impl Numbers {
    pub(super) fn new(there_are: i64) -> Self {
        Self {
            there_are: watch::Sender::new(there_are),
            committed: Arc::default(),
            asked: Arc::default(),
        }
    }

    pub(super) fn grow_to(&self, there_are: i64) {
        self.there_are.send_replace(there_are);
    }

    /// How often the source was asked for its newest offset.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// What was released to the source.
    pub(super) fn committed(&self) -> Vec<String> {
        self.committed.lock().unwrap().clone()
    }
}

#[async_trait]
impl StreamSourceProvider for Numbers {
    fn short_name(&self) -> &str {
        "numbers"
    }

    fn options(&self) -> &[OptionSpec] {
        &[OptionSpec::Known("limit"), OptionSpec::Known("endless")]
    }

    async fn schema(&self, _user: Option<SchemaRef>, _options: &Options) -> Result<SchemaRef> {
        Ok(schema())
    }

    async fn open(&self, _: SchemaRef, options: &Options, _: SourceContext) -> Result<Arc<dyn StreamSource>> {
        Ok(Arc::new(OpenNumbers {
            numbers: self.clone(),
            limit: options.get_positive("limit")?,
            endless: options.get_bool("endless", false)?,
            frozen: Mutex::default(),
            seen: AtomicI64::new(0),
        }))
    }
}

#[derive(Debug)]
struct OpenNumbers {
    numbers: Numbers,
    limit: Option<u64>,
    endless: bool,
    frozen: Mutex<Option<i64>>,
    /// How many there were at the last look.
    seen: AtomicI64,
}

fn number(offset: Option<&Offset>) -> i64 {
    offset.map_or(0, |o| o.json().parse().unwrap())
}

#[async_trait]
impl StreamSource for OpenNumbers {
    fn description(&self) -> String {
        "Numbers".to_owned()
    }

    fn default_read_limit(&self) -> ReadLimit {
        self.limit.map_or(ReadLimit::AllAvailable, ReadLimit::MaxRows)
    }

    async fn latest_offset(&self, start: Option<&Offset>, limit: ReadLimit) -> Result<Option<Offset>> {
        let all = self
            .frozen
            .lock()
            .unwrap()
            .unwrap_or(*self.numbers.there_are.borrow());
        self.numbers.asked.fetch_add(1, Ordering::Relaxed);
        self.seen.store(all, Ordering::Relaxed);
        let from = number(start);
        let end = match limit {
            ReadLimit::MaxRows(rows) => all.min(from + i64::try_from(rows).unwrap()),
            _ => all,
        };
        Ok((end > 0).then(|| Offset::new(end.max(from).to_string())))
    }

    async fn batch(&self, start: Option<&Offset>, end: &Offset) -> Result<Arc<dyn TableProvider>> {
        let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(number(start)..number(Some(end))));
        let batch = RecordBatch::try_new(schema(), vec![rows]).unwrap();
        Ok(Arc::new(MemTable::try_new(schema(), vec![vec![batch]])?))
    }

    async fn commit(&self, end: &Offset) -> Result<()> {
        self.numbers.committed.lock().unwrap().push(end.json().to_owned());
        Ok(())
    }

    async fn prepare_for_available_now(&self) -> Result<bool> {
        *self.frozen.lock().unwrap() = Some(*self.numbers.there_are.borrow());
        Ok(!self.endless)
    }

    async fn wait_for_data(&self) {
        let seen = self.seen.load(Ordering::Relaxed);
        let _ = self.numbers.there_are.subscribe().wait_for(|n| *n > seen).await;
    }
}

/// Keeps each batch's rows by its id: a replay takes the place of what was there.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) batches: Mutex<BTreeMap<u64, Vec<i64>>>,
    /// Every batch that came, also replays.
    pub(super) seen: Mutex<Vec<u64>>,
    pub(super) starts: Mutex<Vec<SinkStart>>,
    /// While true, a batch waits before it is taken.
    pub(super) hold: watch::Sender<bool>,
    /// How many batches wait or went through.
    pub(super) arrived: watch::Sender<u64>,
    /// Fails this batch.
    pub(super) fail: Mutex<Option<u64>>,
}

impl Kept {
    pub(super) fn rows(&self) -> Vec<i64> {
        let mut rows: Vec<_> = self.batches.lock().unwrap().values().flatten().copied().collect();
        rows.sort_unstable();
        rows
    }

    pub(super) fn seen(&self) -> Vec<u64> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn batch(&self, id: u64) -> Vec<i64> {
        self.batches.lock().unwrap().get(&id).cloned().unwrap_or_default()
    }

    /// Resolves when the n-th batch has come to the sink.
    pub(super) async fn wait_for_arrivals(&self, n: u64) {
        self.arrived.subscribe().wait_for(|now| *now >= n).await.unwrap();
    }
}

#[async_trait]
impl StreamSink for Kept {
    fn description(&self) -> String {
        "Kept".to_owned()
    }

    async fn start(&self, start: SinkStart) -> Result<()> {
        self.starts.lock().unwrap().push(start);
        Ok(())
    }

    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress> {
        let id = batch.batch_id.get();
        self.seen.lock().unwrap().push(id);
        self.arrived.send_modify(|n| *n += 1);
        self.hold.subscribe().wait_for(|hold| !hold).await.unwrap();
        let mut rows = Vec::new();
        for mut stream in batch.execute()? {
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                let column = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
                rows.extend(column.values().iter().copied());
            }
        }
        if *self.fail.lock().unwrap() == Some(id) {
            return Err(TidemillError::invalid("SINK_IS_FULL", "no more"));
        }
        rows.sort_unstable();
        let count = i64::try_from(rows.len()).unwrap();
        self.batches.lock().unwrap().insert(id, rows);
        Ok(SinkProgress::rows(count))
    }
}

/// A source, a sink and a checkpoint folder that outlive sessions.
pub(super) struct Fixture {
    pub(super) numbers: Numbers,
    pub(super) sink: Arc<Kept>,
    pub(super) folder: TempDir,
}

impl Fixture {
    pub(super) fn new(there_are: i64) -> Self {
        Self {
            numbers: Numbers::new(there_are),
            sink: Arc::default(),
            folder: TempDir::new().unwrap(),
        }
    }

    pub(super) fn builder(&self) -> StreamingSessionBuilder {
        StreamingSession::builder().source(Arc::new(self.numbers.clone()))
    }

    pub(super) fn session(&self) -> StreamingSession {
        self.builder().build().unwrap()
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.folder.path().join("ckpt")
    }

    /// The stream, at most `limit` rows a batch.
    pub(super) async fn stream(&self, session: &StreamingSession, limit: u64) -> DataFrame {
        let reader = session.read_stream().format("numbers").option("limit", limit);
        reader.load().await.unwrap()
    }

    /// A writer of the stream, two rows a batch.
    pub(super) async fn writer(&self, session: &StreamingSession) -> DataStreamWriter {
        self.write(self.stream(session, 2).await)
    }

    pub(super) fn write(&self, frame: DataFrame) -> DataStreamWriter {
        frame
            .write_stream()
            .sink(self.sink.clone())
            .option("checkpointLocation", self.checkpoint().display())
    }

    /// Runs what is there to its end, in a session of its own.
    pub(super) async fn run_available(&self) -> Result<()> {
        let session = self.session();
        let writer = self.writer(&session).await;
        let query = writer.trigger(crate::Trigger::AvailableNow).start().await?;
        query.await_termination(None).await.map(drop)
    }

    /// The numbers of the entries of a log.
    pub(super) fn log(&self, folder: &str) -> Vec<u64> {
        entries(&self.checkpoint().join(folder))
    }

    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.checkpoint().join(path)).unwrap()
    }

    pub(super) fn remove(&self, path: &str) {
        std::fs::remove_file(self.checkpoint().join(path)).unwrap();
    }
}

fn entries(folder: &Path) -> Vec<u64> {
    let Ok(listing) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut ids: Vec<u64> = listing
        .filter_map(|e| e.unwrap().file_name().to_str()?.parse().ok())
        .collect();
    ids.sort_unstable();
    ids
}
