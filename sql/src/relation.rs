//! The table that stands for a source in a streaming plan.

use std::any::Any;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::DefaultTableSource;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableScan, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::SqlError;

/// The identity of one occurrence of a source: given when `STREAM(t)` is planned or `load()` is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u64);

impl SourceId {
    /// An id that no other occurrence in this process has.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a table must know to be read as a stream; the engine implements it for its sources.
pub trait StreamDefinition: Any + Debug + Send + Sync {
    /// The schema of the stream.
    fn schema(&self) -> SchemaRef;
    /// The same definition with further options (`STREAM t WITH (k = v)`), checked.
    fn with_options(&self, options: &HashMap<String, String>) -> Result<Arc<dyn StreamDefinition>, SqlError>;
}

/// A source in a streaming plan: a table that cannot be scanned, only bound to a batch's input.
///
/// A clone is the same occurrence.
#[derive(Clone, Debug)]
pub struct StreamingRelation {
    id: SourceId,
    name: Option<String>,
    definition: Arc<dyn StreamDefinition>,
    schema: SchemaRef,
    occurrence: SourceId,
    line: Option<StatementLine>,
}

/// The place of a relation's offset line among those of the SQL statement that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatementLine {
    /// Which of the statement's lines, from 0.
    pub(crate) index: usize,
    /// How many scans of this statement's plan there are: they stand side by side in every plan built on it.
    pub(crate) scans: usize,
}

impl StreamingRelation {
    /// A new occurrence of the source; `name` is the one given by `IDENTIFIED BY` or `read_stream().name()`.
    pub fn new(definition: Arc<dyn StreamDefinition>, name: Option<String>) -> Self {
        let schema = definition.schema();
        let id = SourceId::next();
        Self {
            id,
            name,
            definition,
            schema,
            occurrence: id,
            line: None,
        }
    }

    /// The relation that a scan reads, if it reads a stream.
    pub fn of_scan(scan: &TableScan) -> Option<&Self> {
        scan.source
            .downcast_ref::<DefaultTableSource>()?
            .table_provider
            .downcast_ref()
    }

    /// The occurrence.
    pub fn id(&self) -> SourceId {
        self.id
    }

    /// The user's name for the source, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What tells the places of one source in a statement apart: its id, or what a view gave when it was named.
    pub(crate) fn occurrence(&self) -> SourceId {
        self.occurrence
    }

    /// The same source at another place of a statement.
    pub(crate) fn at_occurrence(&self, occurrence: SourceId) -> Self {
        Self {
            occurrence,
            line: None,
            ..self.clone()
        }
    }

    /// Where the statement that wrote it puts its offset line; `None`: where it stands in the plan.
    pub(crate) fn statement_line(&self) -> Option<StatementLine> {
        self.line
    }

    /// The same occurrence with its place among the offset lines of a statement.
    pub(crate) fn with_statement_line(&self, line: StatementLine) -> Self {
        Self {
            line: Some(line),
            ..self.clone()
        }
    }

    /// What the engine opens.
    pub fn definition(&self) -> &Arc<dyn StreamDefinition> {
        &self.definition
    }
}

#[async_trait]
impl TableProvider for StreamingRelation {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Err(SqlError::new(
            "STREAMING_SOURCE_IN_BATCH_QUERY",
            "Queries with streaming sources must be executed with write_stream().start(), or CREATE STREAMING TABLE in SQL",
        )
        .into())
    }
}

/// A table that can be read both as a batch and as a stream.
#[derive(Debug)]
pub struct StreamableTable {
    batch: Arc<dyn TableProvider>,
    stream: Arc<dyn StreamDefinition>,
}

impl StreamableTable {
    /// The table with its two readings.
    pub fn new(batch: Arc<dyn TableProvider>, stream: Arc<dyn StreamDefinition>) -> Self {
        Self { batch, stream }
    }

    /// How it is read as a stream.
    pub fn stream(&self) -> &Arc<dyn StreamDefinition> {
        &self.stream
    }
}

#[async_trait]
impl TableProvider for StreamableTable {
    fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    fn table_type(&self) -> TableType {
        self.batch.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        self.batch.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.batch.scan(state, projection, filters, limit).await
    }
}
