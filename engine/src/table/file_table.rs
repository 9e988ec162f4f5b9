//! A given list of files as a table.
//!
//! Files keep their order within a partition of the scan. Filters that name only partition columns leave out whole
//! files; all filters are offered to the reader (Parquet prunes row groups and pages by them) and still applied above
//! it. No statistics are collected when a scan is planned.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use chrono::DateTime;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::{PartitionedFile, TableSchema};
use object_store::ObjectMeta;

use super::format::{FileFormat, FileFormatKind};
use super::guard::{GuardedSource, ReadPolicy};
use super::parquet_types::ParquetAdapterFactory;
use super::record_source::RecordSource;
use super::{TableFile, partition};
use crate::{FileUri, Result};

/// The columns of a table of files: those in the files, then those that the folders name.
#[derive(Clone, Debug)]
pub(crate) struct TableLayout {
    schema: SchemaRef,
    data: SchemaRef,
    partition_columns: Vec<FieldRef>,
    base: Option<FileUri>,
}

impl TableLayout {
    /// `base` is the folder below which folder names are partition columns.
    pub(crate) fn new(data: SchemaRef, partition_columns: Vec<FieldRef>, base: Option<FileUri>) -> Self {
        let fields: Vec<FieldRef> = data
            .fields()
            .iter()
            .cloned()
            .chain(partition_columns.iter().cloned())
            .collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            data,
            partition_columns,
            base,
        }
    }

    /// All columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns that folders name.
    pub(crate) fn partition_columns(&self) -> &[FieldRef] {
        &self.partition_columns
    }

    /// The folder below which folder names are partition columns.
    pub(crate) fn base(&self) -> Option<&FileUri> {
        self.base.as_ref()
    }
}

/// A given list of files as a table.
#[derive(Debug)]
pub(crate) struct FileTable {
    files: Vec<TableFile>,
    layout: Arc<TableLayout>,
    format: Arc<FileFormat>,
}

impl FileTable {
    /// The table of these files, read in this order.
    pub(crate) fn new(files: Vec<TableFile>, layout: Arc<TableLayout>, format: Arc<FileFormat>) -> Self {
        Self {
            files,
            layout,
            format,
        }
    }

    /// The files with the values of their partition columns, without those that the filters rule out.
    fn chosen(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<(&TableFile, Vec<ScalarValue>)>> {
        let columns = &self.layout.partition_columns;
        let mut chosen = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let root = file.uri.with_path("/");
            let base = self.layout.base.as_ref().unwrap_or(&root);
            let values = partition::values(Some(base), &file.uri, columns, &self.format.time_zone)?;
            chosen.push((file, values));
        }
        let of_partitions = |filter: &&Expr| {
            !filter.is_volatile()
                && !filter.column_refs().is_empty()
                && filter
                    .column_refs()
                    .iter()
                    .all(|c| columns.iter().any(|column| *column.name() == c.name))
        };
        let filters: Vec<&Expr> = filters.iter().filter(of_partitions).collect();
        if filters.is_empty() || chosen.is_empty() {
            return Ok(chosen);
        }
        let schema = Arc::new(Schema::new(columns.clone()));
        let arrays = (0..columns.len())
            .map(|at| {
                let values = chosen.iter().filter_map(|(_, values)| values.get(at).cloned());
                ScalarValue::iter_to_array(values)
            })
            .collect::<DataFusionResult<Vec<ArrayRef>>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
            .map_err(datafusion::error::DataFusionError::from)?;
        let schema = DFSchema::try_from(schema.as_ref().clone())?;
        let mut keep = vec![true; chosen.len()];
        for filter in filters {
            let expr = state.create_physical_expr(filter.clone(), &schema)?;
            let result = expr.evaluate(&batch)?.into_array(batch.num_rows())?;
            if let Some(result) = result.as_boolean_opt() {
                for (keep, value) in keep.iter_mut().zip(result.iter()) {
                    *keep &= value == Some(true);
                }
            }
        }
        let mut keep = keep.into_iter();
        chosen.retain(|_| keep.next().unwrap_or(true));
        Ok(chosen)
    }

    fn source(&self, state: &dyn Session) -> Arc<dyn FileSource> {
        let columns = self.layout.partition_columns.clone();
        let schema = TableSchema::builder(Arc::clone(&self.layout.data))
            .with_table_partition_cols(columns)
            .build();
        match self.format.kind {
            FileFormatKind::Parquet => Arc::new(parquet_source(state, schema)),
            FileFormatKind::Orc | FileFormatKind::Json | FileFormatKind::Csv | FileFormatKind::Text => {
                Arc::new(RecordSource::new(schema, Arc::clone(&self.format)))
            }
        }
    }

    fn plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let chosen = self.chosen(state, filters)?;
        let Some((first, _)) = chosen.first() else {
            let schema = match projection {
                Some(columns) => Arc::new(
                    self.layout
                        .schema
                        .project(columns)
                        .map_err(datafusion::error::DataFusionError::from)?,
                ),
                None => Arc::clone(&self.layout.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        let policy = ReadPolicy {
            ignore_missing: self.format.ignore_missing_files,
            ignore_corrupt: self.format.ignore_corrupt_files,
            store: first.uri.clone(),
        };
        // Registers stores that open by themselves.
        first.uri.object_store(state.runtime_env())?;
        let url = first.uri.store_url()?;
        let source = Arc::new(GuardedSource::new(self.source(state), policy));
        let files = chosen
            .into_iter()
            .map(|(file, values)| {
                Ok(PartitionedFile::new_from_meta(object_meta(file)?).with_partition_values(values))
            })
            .collect::<Result<Vec<_>>>()?;
        let config = FileScanConfigBuilder::new(url, source)
            .with_file_groups(grouped(files, state.config().target_partitions()))
            .with_preserve_order(true)
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(ParquetAdapterFactory)))
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Runs of files, one a partition.
fn grouped(files: Vec<PartitionedFile>, partitions: usize) -> Vec<FileGroup> {
    let size = files.len().div_ceil(partitions.max(1)).max(1);
    files
        .chunks(size)
        .map(|run| FileGroup::new(run.to_vec()))
        .collect()
}

/// A file as object stores know it.
pub(super) fn object_meta(file: &TableFile) -> Result<ObjectMeta> {
    Ok(ObjectMeta {
        location: file.uri.store_path()?,
        last_modified: DateTime::from_timestamp_millis(file.modified_ms).unwrap_or_default(),
        size: file.size_bytes,
        e_tag: None,
        version: None,
    })
}

/// DataFusion's reader under the session's settings; Spark's INT96 timestamps are microseconds of UTC.
fn parquet_source(state: &dyn Session, schema: TableSchema) -> ParquetSource {
    let mut options = state.default_table_options().parquet;
    options.global = state.config_options().execution.parquet.clone();
    options.global.coerce_int96 = Some("us".to_owned());
    options.global.coerce_int96_tz = Some("UTC".to_owned());
    let hint = options.global.metadata_size_hint;
    let source = ParquetSource::new(schema).with_table_parquet_options(options);
    match hint {
        Some(hint) => source.with_metadata_size_hint(hint),
        None => source,
    }
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.layout.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(self.plan(state, projection, filters, limit)?)
    }
}
