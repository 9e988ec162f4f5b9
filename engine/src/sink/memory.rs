//! Keeps the rows in memory, as a table named after the query.
//!
//! The table can be read while the query runs: a read sees whole batches only. Complete mode replaces the rows,
//! append and update add to them. Nothing survives the process, so only complete mode may resume a checkpoint.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::TableReference;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use tidemill_checkpoint::BatchId;

use super::noop::discard;
use super::partitions::{row_count, run_partitions};
use super::{SinkBatch, SinkContext, SinkProgress, SinkStart, StreamSink};
use crate::{OptionSpec, OutputMode, Result, TidemillError};

/// Appends to, or replaces, a table in memory.
#[derive(Debug)]
pub struct MemorySink {
    mode: OutputMode,
    table: Arc<MemorySinkTable>,
}

impl MemorySink {
    /// It has no options of its own.
    pub(crate) const OPTIONS: &[OptionSpec] = &[];

    /// Registers the query's table, empty. A table that an earlier query's memory sink made is replaced; any
    /// other of that name is left alone and is an error.
    pub(crate) async fn open(ctx: &SinkContext) -> Result<Self> {
        let Some(name) = ctx.query_name.as_deref() else {
            return Err(TidemillError::invalid(
                "MISSING_QUERY_NAME",
                "queryName must be specified for memory sink.",
            ));
        };
        let table = Arc::new(MemorySinkTable {
            schema: Arc::clone(&ctx.schema),
            rows: Mutex::default(),
        });
        register(ctx, name, &table).await?;
        Ok(Self {
            mode: ctx.mode,
            table,
        })
    }

    /// The table, for a catalog of the caller's.
    pub fn table(&self) -> Arc<dyn TableProvider> {
        Arc::clone(&self.table) as Arc<dyn TableProvider>
    }
}

async fn register(ctx: &SinkContext, name: &str, table: &Arc<MemorySinkTable>) -> Result<()> {
    // Tables live under lower-case names: SQL resolves names without regard to case.
    let reference = || TableReference::bare(name.to_lowercase());
    if ctx.session.table_exist(reference())? {
        let old = ctx.session.table_provider(reference()).await?;
        if !old.is::<MemorySinkTable>() {
            return Err(TidemillError::invalid(
                "TABLE_OR_VIEW_ALREADY_EXISTS",
                format!(
                    "Cannot create the table `{name}` of the memory sink because it already exists; choose \
                     another query name, or drop or rename the existing table"
                ),
            ));
        }
        ctx.session.deregister_table(reference())?;
    }
    ctx.session
        .register_table(reference(), Arc::clone(table) as Arc<dyn TableProvider>)?;
    Ok(())
}

#[async_trait]
impl StreamSink for MemorySink {
    fn description(&self) -> String {
        "MemorySink".to_owned()
    }

    async fn start(&self, start: SinkStart) -> Result<()> {
        if start.resumed && self.mode != OutputMode::Complete {
            return Err(TidemillError::invalid(
                "MEMORY_SINK_CANNOT_RECOVER",
                "This query does not support recovering from checkpoint location. Delete the checkpoint's offsets \
                 folder to start over.",
            ));
        }
        Ok(())
    }

    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress> {
        if self.mode != OutputMode::Complete && self.table.holds(batch.batch_id) {
            return Ok(SinkProgress::rows(discard(batch).await?));
        }
        let parts = run_partitions(batch.execute()?, |_, stream| async move {
            Ok(stream.try_collect::<Vec<_>>().await?)
        })
        .await?;
        let rows: Vec<RecordBatch> = parts.into_iter().flatten().filter(|b| b.num_rows() > 0).collect();
        let count = row_count(rows.iter().map(RecordBatch::num_rows).sum());
        self.table.put(batch.batch_id, rows, self.mode);
        Ok(SinkProgress::rows(count))
    }
}

/// The rows so far, and the batch that came last.
#[derive(Debug, Default)]
struct Rows {
    latest: Option<BatchId>,
    batches: Vec<RecordBatch>,
}

/// The table of a memory sink.
#[derive(Debug)]
struct MemorySinkTable {
    schema: SchemaRef,
    rows: Mutex<Rows>,
}

impl MemorySinkTable {
    fn holds(&self, id: BatchId) -> bool {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.latest.is_some_and(|latest| id <= latest)
    }

    fn put(&self, id: BatchId, batches: Vec<RecordBatch>, mode: OutputMode) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.latest = Some(id);
        if mode == OutputMode::Complete {
            rows.batches = batches;
        } else {
            rows.batches.extend(batches);
        }
    }

    fn snapshot(&self) -> Vec<RecordBatch> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.batches.clone()
    }
}

#[async_trait]
impl TableProvider for MemorySinkTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let snapshot = self.snapshot();
        Ok(MemorySourceConfig::try_new_exec(
            &[snapshot],
            self.schema(),
            projection.cloned(),
        )?)
    }
}
