//! Writes the rows of one physical partition: one file, or one per partition folder.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::runtime::{JoinSet, SpawnedTask};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tidemill_checkpoint::SinkFileStatus;
use tokio::sync::mpsc;

use super::names::part_name;
use super::partition::PartitionLayout;
use super::parts::PartStarter;
use super::writer::{PartEncoder, PartFormat, PartOutput};
use crate::clock::Clock;
use crate::file_uri::FileUri;
use crate::{Result, TidemillError};

/// Batches read ahead of the encoder, so that reading and encoding overlap.
const READ_AHEAD_BATCHES: usize = 2;

/// What the tasks of a batch share.
#[derive(Clone, Debug)]
pub(crate) struct TaskContext {
    pub(crate) format: Arc<PartFormat>,
    pub(crate) layout: Arc<PartitionLayout>,
    pub(crate) extension: Arc<str>,
    pub(crate) max_open_files: usize,
    /// How many rows a file may have; none for no limit.
    pub(crate) max_records_per_file: Option<NonZeroUsize>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) parts: PartStarter,
}

/// Pulls the stream to its end; gives the files written, durable but for their folders.
pub(crate) async fn write_task(
    ctx: TaskContext,
    task: usize,
    mut stream: SendableRecordBatchStream,
) -> Result<Vec<SinkFileStatus>> {
    let schema = stream.schema();
    let (sender, mut receiver) = mpsc::channel(READ_AHEAD_BATCHES);
    let reader = SpawnedTask::spawn(async move {
        while let Some(batch) = stream.next().await {
            if sender.send(batch).await.is_err() {
                break;
            }
        }
    });
    let mut writer = TaskWriter::new(ctx, task);
    if writer.ctx.layout.is_partitioned() {
        let mut splitter = writer.ctx.layout.splitter(&schema)?;
        while let Some(batch) = receiver.recv().await {
            for (folder, rows) in splitter.split(&batch?)? {
                writer.write(folder, splitter.folder(folder), &rows)?;
            }
        }
    } else {
        if task == 0 {
            // Spark writes a file for task 0 even when the batch is empty.
            writer.part(NO_FOLDER, "")?;
        }
        while let Some(batch) = receiver.recv().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                writer.write(NO_FOLDER, "", &batch)?;
            }
        }
    }
    let joined = reader.join().await;
    joined.map_err(|e| TidemillError::internal(format!("reading a batch for the file sink: {e}")))?;
    writer.finish().await
}

/// The open and the finished files of a task.
struct TaskWriter {
    ctx: TaskContext,
    task: usize,
    open: HashMap<usize, OpenPart>,
    /// How many files each folder has had.
    counters: HashMap<usize, u32>,
    clock: u64,
    finished: JoinSet<Result<SinkFileStatus>>,
}

struct OpenPart {
    uri: FileUri,
    encoder: Box<dyn PartEncoder>,
    rows: usize,
    used: u64,
}

/// The folder number of files that are not in partition folders.
const NO_FOLDER: usize = 0;

impl TaskWriter {
    fn new(ctx: TaskContext, task: usize) -> Self {
        Self {
            ctx,
            task,
            open: HashMap::new(),
            counters: HashMap::new(),
            clock: 0,
            finished: JoinSet::new(),
        }
    }

    /// Writes rows of one folder, into as many files as they need.
    fn write(&mut self, number: usize, folder: &str, rows: &RecordBatch) -> Result<()> {
        let Some(max) = self.ctx.max_records_per_file else {
            return self.part(number, folder)?.encoder.write(rows);
        };
        let mut from = 0;
        while from < rows.num_rows() {
            let is_full = self.open.get(&number).is_some_and(|part| part.rows >= max.get());
            if is_full && let Some(full) = self.open.remove(&number) {
                self.close(full)?;
            }
            let part = self.part(number, folder)?;
            let len = (max.get() - part.rows).min(rows.num_rows() - from);
            part.encoder.write(&rows.slice(from, len))?;
            part.rows += len;
            from += len;
        }
        Ok(())
    }

    fn part(&mut self, number: usize, folder: &str) -> Result<&mut OpenPart> {
        self.clock += 1;
        if !self.open.contains_key(&number) {
            if self.open.len() >= self.ctx.max_open_files {
                self.close_oldest()?;
            }
            let part = self.begin(number, folder)?;
            self.open.insert(number, part);
        }
        let part = self.open.get_mut(&number);
        let part = part.ok_or_else(|| TidemillError::internal("a part file vanished"))?;
        part.used = self.clock;
        Ok(part)
    }

    fn begin(&mut self, number: usize, folder: &str) -> Result<OpenPart> {
        let counter = self.counters.entry(number).or_default();
        let id = self.ctx.clock.new_id();
        let mut name = part_name(self.task, id, *counter, !folder.is_empty(), &self.ctx.extension);
        *counter += 1;
        if !folder.is_empty() {
            name = format!("{folder}/{name}");
        }
        let (uri, output) = self.ctx.parts.begin(&name)?;
        Ok(OpenPart {
            uri,
            encoder: self.ctx.format.open(output)?,
            rows: 0,
            used: self.clock,
        })
    }

    /// Makes room for another file: the one that rows came for least recently is done with; later rows of its
    /// folder get a file with the next counter.
    fn close_oldest(&mut self) -> Result<()> {
        let oldest = self
            .open
            .iter()
            .min_by_key(|(_, part)| part.used)
            .map(|(number, _)| *number);
        if let Some(part) = oldest.and_then(|number| self.open.remove(&number)) {
            self.close(part)?;
        }
        Ok(())
    }

    /// Syncs in the background.
    fn close(&mut self, part: OpenPart) -> Result<()> {
        let output: PartOutput = part.encoder.finish()?;
        let parts = self.ctx.parts.clone();
        self.finished.spawn(parts.complete(part.uri, output));
        Ok(())
    }

    async fn finish(mut self) -> Result<Vec<SinkFileStatus>> {
        for (_, part) in std::mem::take(&mut self.open) {
            self.close(part)?;
        }
        let mut out = Vec::with_capacity(self.finished.len());
        while let Some(done) = self.finished.join_next().await {
            out.push(done.map_err(|e| TidemillError::internal(format!("a file sync: {e}")))??);
        }
        out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(out)
    }
}
