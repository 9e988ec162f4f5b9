//! A path as a batch table.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::file_table::{FileTable, TableLayout};
use super::format::FileFormat;
use super::listing::FileListing;
use super::path_files::PathFiles;

/// A path as a batch table: its files are looked up at each scan, so a query sees those that have come since the
/// table was made. The columns are those found when it was made.
#[derive(Debug)]
pub(crate) struct BatchFileTable {
    listing: FileListing,
    ignore_sink_log: bool,
    layout: Arc<TableLayout>,
    format: Arc<FileFormat>,
}

impl BatchFileTable {
    /// The table of the files that the listing finds.
    pub(crate) fn new(
        listing: FileListing,
        ignore_sink_log: bool,
        layout: Arc<TableLayout>,
        format: Arc<FileFormat>,
    ) -> Self {
        Self {
            listing,
            ignore_sink_log,
            layout,
            format,
        }
    }
}

#[async_trait]
impl TableProvider for BatchFileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.layout.schema())
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
        let mut files = PathFiles::new(self.listing.clone(), self.ignore_sink_log);
        let files = files.list(state.runtime_env(), None).await?;
        FileTable::new(files, Arc::clone(&self.layout), Arc::clone(&self.format))
            .scan(state, projection, filters, limit)
            .await
    }
}
