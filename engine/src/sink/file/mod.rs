//! The file sink: part files and a log by batch id, exactly once.
//!
//! A batch is written in this order: part files in place, their content made durable as each is done, then their
//! folders, then `_spark_metadata/N`, which is created whole or not at all and never replaced. Only files that the log
//! names count, so a crash before the entry leaves rubbish that nobody reads, and after it the batch is known: when
//! it comes again its rows are pulled (state and watermark depend on it) and dropped.

mod names;
mod options;
mod partition;
mod parts;
mod task;
mod writer;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use object_store::ObjectStore;
use tidemill_checkpoint::{
    BatchId, CheckpointFileManager, CompactibleFileStreamLog, Creation, Fsync, SinkFileStatus,
};

use self::options::FileSinkOptions;
use self::parts::BatchParts;
use self::task::{TaskContext, write_task};
use self::writer::{PartStatus, sync_folder};
use super::noop::discard;
use super::partitions::run_partitions;
use super::{SinkBatch, SinkContext, SinkProgress, SinkStart, StreamSink};
use crate::blocking::run_blocking;
use crate::clock::Clock;
use crate::file_uri::FileUri;
use crate::{ErrorKind, Result, TidemillError};

pub(crate) use writer::record_error;

pub use names::{DEFAULT_PARTITION, METADATA_FOLDER};
pub use options::{MAX_OPEN_FILES, SKIP_LOGGED_BATCHES};

/// What a local file system reports to Hadoop.
const BLOCK_REPLICATION: i32 = 1;
const BLOCK_SIZE_BYTES: u64 = 33_554_432;

/// Writes files of one format under one folder.
#[derive(Debug)]
pub struct FileSink {
    options: FileSinkOptions,
    log: CompactibleFileStreamLog<SinkFileStatus>,
    /// The newest batch in the log, as far as this sink knows.
    latest: Mutex<Option<BatchId>>,
    store: Option<Arc<dyn ObjectStore>>,
    clock: Arc<dyn Clock>,
}

impl FileSink {
    /// Checks the options, makes the output folder and opens its log; `format` is the sink's lower-case name.
    pub(crate) async fn open(format: &str, ctx: &SinkContext) -> Result<Self> {
        let options = FileSinkOptions::parse(format, ctx)?;
        let runtime = ctx.session.runtime_env();
        let manager = options.root.file_manager(&runtime, options.fsync)?;
        let store = match options.root.is_local() {
            true => None,
            false => Some(options.root.object_store(&runtime)?.0),
        };
        Self::with_manager(options, manager, store, Arc::clone(&ctx.clock)).await
    }

    async fn with_manager(
        options: FileSinkOptions,
        manager: Arc<dyn CheckpointFileManager>,
        store: Option<Arc<dyn ObjectStore>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        make_folder(&options.root, options.fsync).await?;
        let log = CompactibleFileStreamLog::open(manager, METADATA_FOLDER, options.log.clone()).await?;
        let latest = Mutex::new(log.latest().await?);
        Ok(Self {
            options,
            log,
            latest,
            store,
            clock,
        })
    }

    fn latest(&self) -> Option<BatchId> {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, batch: &SinkBatch, parts: &BatchParts) -> Result<Vec<SinkFileStatus>> {
        let ctx = TaskContext {
            format: Arc::clone(&self.options.format),
            layout: Arc::clone(&self.options.layout),
            extension: Arc::clone(&self.options.extension),
            max_open_files: self.options.max_open_files,
            max_records_per_file: self.options.max_records_per_file,
            clock: Arc::clone(&self.clock),
            parts: parts.starter(),
        };
        let work = |task, stream| write_task(ctx.clone(), task, stream);
        let files = run_partitions(batch.execute()?, work).await?;
        parts.sync_folders().await?;
        Ok(files.into_iter().flatten().collect())
    }

    fn concurrent(&self, id: BatchId) -> TidemillError {
        let folder = self.options.root.join(METADATA_FOLDER);
        TidemillError::new(
            ErrorKind::Concurrent,
            "CONCURRENT_STREAM_LOG_UPDATE",
            format!(
                "Concurrent update to the log. Multiple streaming jobs detected for {id}: another query has written \
                 batch {id} to {folder} meanwhile. Let only one query write to an output folder; the rows of this \
                 one were not added"
            ),
        )
    }
}

#[async_trait]
impl StreamSink for FileSink {
    fn description(&self) -> String {
        format!("FileSink[{}]", self.options.root.to_description())
    }

    async fn start(&self, start: SinkStart) -> Result<()> {
        let latest = self.log.latest().await?;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = latest;
        let Some(latest) = latest else { return Ok(()) };
        let expected = latest < start.first_batch || (start.rerun && latest == start.first_batch);
        if expected || self.options.skip_logged_batches {
            return Ok(());
        }
        Err(TidemillError::invalid(
            "SINK_LOG_AHEAD",
            format!(
                "the output {} holds batches up to {latest}, but this query goes on with batch {}: the rows of the \
                 batches between would be dropped. The output belongs to another checkpoint: use that checkpoint, or \
                 another output folder; or set {SKIP_LOGGED_BATCHES} to true to drop those rows, as Spark does",
                self.options.root, start.first_batch
            ),
        ))
    }

    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress> {
        // Spark's file sink reports no number of rows either.
        let done = SinkProgress::rows(-1);
        if self.latest().is_some_and(|latest| batch.batch_id <= latest) {
            discard(batch).await?;
            return Ok(done);
        }
        let mut parts = BatchParts::new(self.options.root.clone(), self.store.clone(), self.options.fsync);
        let files = match self.write(batch, &parts).await {
            Ok(files) => files,
            Err(e) => {
                parts.discard().await;
                return Err(e);
            }
        };
        parts.keep();
        match self.log.add(batch.batch_id, files, self.clock.now_ms()).await? {
            Creation::Created => {
                *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch.batch_id);
                Ok(done)
            }
            Creation::AlreadyExists => {
                parts.discard().await;
                Err(self.concurrent(batch.batch_id))
            }
        }
    }
}

/// The entry of a file in the log.
fn status(uri: &FileUri, found: PartStatus) -> SinkFileStatus {
    SinkFileStatus {
        path: uri.to_hadoop(),
        size: found.size_bytes,
        is_dir: false,
        modification_time: found.modified_ms,
        block_replication: BLOCK_REPLICATION,
        block_size: BLOCK_SIZE_BYTES,
        action: SinkFileStatus::ADD_ACTION.to_owned(),
    }
}

/// Makes the output folder, and its name durable; object stores have no folders.
async fn make_folder(root: &FileUri, fsync: Fsync) -> Result<()> {
    let Some(path) = root.local_path() else {
        return Ok(());
    };
    let made = run_blocking(move || {
        if path.is_dir() {
            return Ok(());
        }
        let missing = path.ancestors().take_while(|folder| !folder.exists()).count();
        std::fs::create_dir_all(&path)?;
        let mut above = path.ancestors().skip(1).take(missing);
        match fsync {
            Fsync::On => above.try_for_each(sync_folder),
            Fsync::Off => Ok(()),
        }
    });
    made.await?.map_err(|e| io_error("create the folder", root, e))
}

/// The file system refused.
fn io_error(action: &str, uri: &FileUri, error: io::Error) -> TidemillError {
    TidemillError::new(
        ErrorKind::Retry,
        "FILE_SINK_WRITE_FAILED",
        format!("the file sink cannot {action} {uri}: {error}"),
    )
    .with_source(error)
}

#[cfg(test)]
mod tests;
