//! A stream that code feeds: for tests and for embedding.
//!
//! Blocks are numbered from 0; an offset is the number of the last block, as a bare integer. A block stays until
//! every query that was ever opened on the stream has committed it, so a query can be stopped, started again on its
//! checkpoint and replayed within the life of the stream. A checkpoint that is ahead of the stream, or that needs a
//! block which is gone, is an error.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use tidemill_checkpoint::Offset;
use tokio::sync::watch;

use super::{ReadLimit, SourceContext, SourceDefinition, StreamSource, offset};
use crate::{ErrorKind, Result, TidemillError};

/// A stream that code feeds, block by block. Clones feed the same stream.
#[derive(Clone, Debug)]
pub struct MemoryStream {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    schema: SchemaRef,
    blocks: Mutex<Blocks>,
    /// How many blocks were ever added.
    added: watch::Sender<i64>,
}

#[derive(Debug, Default)]
struct Blocks {
    /// The number of the first block that is kept.
    first: i64,
    kept: std::collections::VecDeque<Vec<RecordBatch>>,
    /// Per query (by its folder in its checkpoint): the newest block that it has committed, -1 for none.
    committed: BTreeMap<String, i64>,
}

impl Blocks {
    fn end(&self) -> i64 {
        self.first
            .saturating_add(i64::try_from(self.kept.len()).unwrap_or(i64::MAX))
    }

    fn drop_committed(&mut self) {
        let Some(floor) = self.committed.values().min().copied() else {
            return;
        };
        while self.first <= floor && self.kept.pop_front().is_some() {
            self.first += 1;
        }
    }
}

impl MemoryStream {
    /// An empty stream of rows with this schema.
    pub fn new(schema: SchemaRef) -> Self {
        Self {
            shared: Arc::new(Shared {
                schema,
                blocks: Mutex::default(),
                added: watch::Sender::new(0),
            }),
        }
    }

    /// The schema of the rows.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.shared.schema)
    }

    /// Adds one block of one batch; gives its offset.
    ///
    /// # Errors
    /// When the batch has other columns than the stream.
    pub fn add_batch(&self, batch: RecordBatch) -> Result<Offset> {
        self.add_batches(vec![batch])
    }

    /// Adds one block of several batches; gives its offset.
    ///
    /// # Errors
    /// When a batch has other columns than the stream.
    pub fn add_batches(&self, batches: Vec<RecordBatch>) -> Result<Offset> {
        let batches = batches
            .into_iter()
            .map(|batch| self.conform(&batch))
            .collect::<Result<Vec<_>>>()?;
        let end = {
            let mut blocks = self.shared.lock();
            blocks.kept.push_back(batches);
            blocks.end()
        };
        self.shared.added.send_replace(end);
        Ok(Offset::new((end - 1).to_string()))
    }

    /// The stream as a source: read it in any number of queries.
    pub fn definition(&self) -> Arc<SourceDefinition> {
        SourceDefinition::memory(self.clone())
    }

    pub(super) fn open(&self, context: &SourceContext) -> Arc<dyn StreamSource> {
        let reader = context.checkpoint.describe(&context.folder);
        self.shared.lock().committed.entry(reader.clone()).or_insert(-1);
        Arc::new(MemorySource {
            shared: Arc::clone(&self.shared),
            reader,
            seen: Mutex::new(0),
            end: Mutex::new(None),
        })
    }

    /// The same columns under the stream's own schema (names and nullability are the stream's).
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = &self.shared.schema;
        let same = batch.num_columns() == schema.fields().len()
            && batch
                .columns()
                .iter()
                .zip(schema.fields())
                .all(|(column, field)| column.data_type() == field.data_type());
        if !same {
            return Err(TidemillError::invalid(
                "MEMORY_STREAM_SCHEMA_MISMATCH",
                format!(
                    "a memory stream of {schema} was given a batch of {}",
                    batch.schema()
                ),
            ));
        }
        RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()).map_err(|e| {
            TidemillError::invalid("MEMORY_STREAM_SCHEMA_MISMATCH", e.to_string()).with_source(e)
        })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One query's reading of a memory stream.
#[derive(Debug)]
struct MemorySource {
    shared: Arc<Shared>,
    reader: String,
    /// How many blocks there were when the newest offset was last asked for.
    seen: Mutex<i64>,
    /// Where an available-now run ends.
    end: Mutex<Option<i64>>,
}

impl MemorySource {
    fn check_not_ahead(&self, number: i64, end: i64) -> Result<()> {
        if number < end {
            return Ok(());
        }
        Err(TidemillError::new(
            ErrorKind::Invalid,
            "MEMORY_STREAM_AHEAD",
            format!(
                "the checkpoint has read the memory stream up to block {number}, but the stream holds only {end} \
                 block(s): a memory stream does not outlive its process; add the same blocks again, or start with a \
                 new checkpoint"
            ),
        ))
    }
}

#[async_trait]
impl StreamSource for MemorySource {
    fn description(&self) -> String {
        let names: Vec<_> = self
            .shared
            .schema
            .fields()
            .iter()
            .map(|f| f.name().as_str())
            .collect();
        format!("MemoryStream[{}]", names.join(","))
    }

    async fn latest_offset(&self, start: Option<&Offset>, _limit: ReadLimit) -> Result<Option<Offset>> {
        let start = start.map(|o| offset::integer(o, "a memory stream")).transpose()?;
        let end = self.shared.lock().end();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = end;
        if let Some(start) = start {
            self.check_not_ahead(start, end)?;
        }
        let frozen = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = frozen.unwrap_or(end) - 1;
        let newest = start.map_or(newest, |start| newest.max(start));
        Ok((newest >= 0).then(|| Offset::new(newest.to_string())))
    }

    fn reported_latest_offset(&self) -> Option<Offset> {
        let end = self.shared.lock().end();
        (end > 0).then(|| Offset::new((end - 1).to_string()))
    }

    async fn batch(&self, start: Option<&Offset>, end: &Offset) -> Result<Arc<dyn TableProvider>> {
        let first = match start {
            Some(start) => offset::integer(start, "a memory stream")? + 1,
            None => 0,
        };
        let last = offset::integer(end, "a memory stream")?;
        let batches: Vec<RecordBatch> = {
            let blocks = self.shared.lock();
            self.check_not_ahead(last, blocks.end())?;
            if first <= last && first < blocks.first {
                return Err(TidemillError::invalid(
                    "MEMORY_STREAM_BLOCK_GONE",
                    format!(
                        "the query needs block {first} of a memory stream that keeps only blocks from {} on: every \
                         query that was reading it had committed the earlier ones; start queries on the stream \
                         before the first of them commits",
                        blocks.first
                    ),
                ));
            }
            let skip = usize::try_from(first - blocks.first).unwrap_or(0);
            let take = usize::try_from(last - first + 1).unwrap_or(0);
            blocks
                .kept
                .iter()
                .skip(skip)
                .take(take)
                .flatten()
                .cloned()
                .collect()
        };
        Ok(Arc::new(MemTable::try_new(
            Arc::clone(&self.shared.schema),
            vec![batches],
        )?))
    }

    async fn commit(&self, end: &Offset) -> Result<()> {
        let end = offset::integer(end, "a memory stream")?;
        let mut blocks = self.shared.lock();
        let committed = blocks.committed.entry(self.reader.clone()).or_insert(-1);
        *committed = end.max(*committed);
        blocks.drop_committed();
        Ok(())
    }

    async fn prepare_for_available_now(&self) -> Result<bool> {
        let end = self.shared.lock().end();
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        Ok(true)
    }

    async fn wait_for_data(&self) {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut added = self.shared.added.subscribe();
        // The sender lives in `shared`, which this source holds.
        let _ = added.wait_for(|end| *end > seen).await;
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::super::testing::{ALL, Fixture};
    use super::*;

    fn stream() -> MemoryStream {
        MemoryStream::new(Arc::new(Schema::new(vec![Field::new(
            "v",
            DataType::Int64,
            true,
        )])))
    }

    fn batch(value: i64) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true)]));
        RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![value]))]).unwrap()
    }

    #[tokio::test]
    async fn blocks_are_numbered_and_replayed() {
        let f = Fixture::new();
        let stream = stream();
        let source = stream.definition().open(f.context()).await.unwrap();
        assert_eq!(source.latest_offset(None, ALL).await.unwrap(), None);
        assert_eq!(stream.add_batch(batch(1)).unwrap().json(), "0");
        assert_eq!(stream.add_batches(vec![batch(2), batch(3)]).unwrap().json(), "1");
        let end = source.latest_offset(None, ALL).await.unwrap().unwrap();
        assert_eq!(end.json(), "1");
        let first = Offset::new("0");
        assert_eq!(
            f.rows(source.batch(Some(&first), &end).await.unwrap()).await,
            ["2", "3"]
        );
        source.commit(&first).await.unwrap();
        let again = stream.definition().open(f.context()).await.unwrap();
        assert_eq!(
            f.rows(again.batch(Some(&first), &end).await.unwrap()).await,
            ["2", "3"]
        );
        let error = again.batch(None, &end).await.unwrap_err();
        assert_eq!(error.condition(), "MEMORY_STREAM_BLOCK_GONE");
    }

    #[tokio::test]
    async fn a_checkpoint_ahead_of_the_stream_is_an_error() {
        let f = Fixture::new();
        let stream = stream();
        stream.add_batch(batch(1)).unwrap();
        let source = stream.definition().open(f.context()).await.unwrap();
        let ahead = Offset::new("4");
        let error = source.latest_offset(Some(&ahead), ALL).await.unwrap_err();
        assert_eq!(error.condition(), "MEMORY_STREAM_AHEAD");
        assert_eq!(
            source.batch(None, &ahead).await.unwrap_err().condition(),
            "MEMORY_STREAM_AHEAD"
        );
    }

    #[tokio::test]
    async fn a_new_block_wakes_the_loop() {
        let f = Fixture::new();
        let stream = stream();
        let source = stream.definition().open(f.context()).await.unwrap();
        source.latest_offset(None, ALL).await.unwrap();
        let mut waiting = Box::pin(source.wait_for_data());
        assert!(futures::poll!(&mut waiting).is_pending());
        stream.add_batch(batch(1)).unwrap();
        waiting.await;
    }

    #[test]
    fn another_schema_is_refused() {
        let schema = Arc::new(Schema::new(vec![Field::new("v", DataType::Int32, true)]));
        let error = stream().add_batch(RecordBatch::new_empty(schema)).unwrap_err();
        assert_eq!(error.condition(), "MEMORY_STREAM_SCHEMA_MISMATCH");
    }
}
