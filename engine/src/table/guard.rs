//! What becomes of a file that cannot be read: an error that names it, or, where the options say so, no rows.
//!
//! [`GuardedSource`] stands around the reader of a format and watches each file from opening to its last batch.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter_pushdown::FilterPushdownPropagation;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, SortOrderPushdownResult};
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_scan_config::FileScanConfig;
use datafusion_datasource::file_stream::FileOpener;
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use datafusion_datasource::{PartitionedFile, TableSchema};
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::ObjectStore;

use crate::{ErrorKind, FileUri, TidemillError};

/// Which files may be left out.
#[derive(Clone, Debug)]
pub(super) struct ReadPolicy {
    /// `ignoreMissingFiles`.
    pub(super) ignore_missing: bool,
    /// `ignoreCorruptFiles`.
    pub(super) ignore_corrupt: bool,
    /// Any file of the store, to name others.
    pub(super) store: FileUri,
}

impl ReadPolicy {
    /// None when the file's remaining rows are to be left out, else the error that names the file.
    fn judge(&self, file: &str, error: DataFusionError) -> Option<DataFusionError> {
        let uri = self.store.with_path(file);
        if is_missing(&error) {
            if self.ignore_missing {
                log::warn!("skipping {uri}, which is not there any more: {error}");
                return None;
            }
            return Some(missing_file(&uri).with_source(error).into());
        }
        if self.ignore_corrupt && !matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) {
            log::warn!("skipping the rest of {uri}, which cannot be read: {error}");
            return None;
        }
        Some(unreadable_file(&uri, error).into())
    }
}

/// The error for a file that is gone.
pub(crate) fn missing_file(uri: &FileUri) -> TidemillError {
    TidemillError::new(
        ErrorKind::Corrupt,
        "FAILED_READ_FILE.FILE_NOT_EXIST",
        format!(
            "Encountered error while reading file {}. File does not exist: it was listed, but is not there any more. \
             Put it back, or set option ignoreMissingFiles to read on without it.",
            uri.to_hadoop()
        ),
    )
}

/// The error for a file that cannot be read.
pub(super) fn unreadable_file(uri: &FileUri, error: DataFusionError) -> TidemillError {
    let name = uri.to_hadoop();
    if let Some(ours) = TidemillError::find(&error) {
        if ours.message().contains(&name) {
            return ours.clone();
        }
        let text = format!("Encountered error while reading file {name}. {}", ours.message());
        return TidemillError::new(ours.kind(), ours.condition(), text).with_source(error);
    }
    let text = format!(
        "Encountered error while reading file {name}. {}",
        error.strip_backtrace()
    );
    TidemillError::new(ErrorKind::Corrupt, "FAILED_READ_FILE.NO_HINT", text).with_source(error)
}

fn is_missing(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(object_store::Error::NotFound { .. }) = error.downcast_ref::<object_store::Error>() {
            return true;
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::NotFound
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// A format's reader under a [`ReadPolicy`].
#[derive(Clone)]
pub(super) struct GuardedSource {
    inner: Arc<dyn FileSource>,
    policy: Arc<ReadPolicy>,
}

impl GuardedSource {
    pub(super) fn new(inner: Arc<dyn FileSource>, policy: ReadPolicy) -> Self {
        Self {
            inner,
            policy: Arc::new(policy),
        }
    }

    fn with_inner(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Self {
            inner,
            policy: Arc::clone(&self.policy),
        })
    }
}

impl FileSource for GuardedSource {
    fn create_file_opener(
        &self,
        object_store: Arc<dyn ObjectStore>,
        base_config: &FileScanConfig,
        partition: usize,
    ) -> DataFusionResult<Arc<dyn FileOpener>> {
        self.inner
            .create_file_opener(object_store, base_config, partition)
    }

    fn create_morselizer(
        &self,
        object_store: Arc<dyn ObjectStore>,
        base_config: &FileScanConfig,
        partition: usize,
    ) -> DataFusionResult<Box<dyn Morselizer>> {
        Ok(Box::new(GuardedMorselizer {
            inner: self
                .inner
                .create_morselizer(object_store, base_config, partition)?,
            policy: Arc::clone(&self.policy),
        }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        self.with_inner(self.inner.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_extra(t, f)
    }

    fn supports_repartitioning(&self) -> bool {
        self.inner.supports_repartitioning()
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        repartition_file_min_size: usize,
        output_ordering: Option<LexOrdering>,
        config: &FileScanConfig,
    ) -> DataFusionResult<Option<FileScanConfig>> {
        self.inner.repartitioned(
            target_partitions,
            repartition_file_min_size,
            output_ordering,
            config,
        )
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> DataFusionResult<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let mut pushed = self.inner.try_pushdown_filters(filters, config)?;
        pushed.updated_node = pushed.updated_node.map(|inner| self.with_inner(inner));
        Ok(pushed)
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> DataFusionResult<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(match self.inner.try_pushdown_sort(order, properties)? {
            SortOrderPushdownResult::Exact { inner } => SortOrderPushdownResult::Exact {
                inner: self.with_inner(inner),
            },
            SortOrderPushdownResult::Inexact { inner } => SortOrderPushdownResult::Inexact {
                inner: self.with_inner(inner),
            },
            SortOrderPushdownResult::Unsupported => SortOrderPushdownResult::Unsupported,
        })
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.inner.reorder_files(files)
    }

    fn try_pushdown_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> DataFusionResult<Option<Arc<dyn FileSource>>> {
        let pushed = self.inner.try_pushdown_projection(projection)?;
        Ok(pushed.map(|inner| self.with_inner(inner)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        self.inner.apply_expressions(f)
    }
}

#[derive(Debug)]
struct GuardedMorselizer {
    inner: Box<dyn Morselizer>,
    policy: Arc<ReadPolicy>,
}

impl Morselizer for GuardedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> DataFusionResult<Box<dyn MorselPlanner>> {
        let watch = Watch {
            file: file.object_meta.location.to_string(),
            policy: Arc::clone(&self.policy),
        };
        match self.inner.plan_file(file) {
            Ok(inner) => Ok(watch.planner(inner)),
            Err(error) => watch.give_up(error),
        }
    }
}

/// One file under watch.
#[derive(Clone, Debug)]
struct Watch {
    file: String,
    policy: Arc<ReadPolicy>,
}

impl Watch {
    fn planner(&self, inner: Box<dyn MorselPlanner>) -> Box<dyn MorselPlanner> {
        Box::new(GuardedPlanner {
            inner: Some(inner),
            watch: self.clone(),
        })
    }

    fn give_up(&self, error: DataFusionError) -> DataFusionResult<Box<dyn MorselPlanner>> {
        match self.policy.judge(&self.file, error) {
            Some(error) => Err(error),
            None => Ok(Box::new(GuardedPlanner {
                inner: None,
                watch: self.clone(),
            })),
        }
    }
}

#[derive(Debug)]
struct GuardedPlanner {
    /// None when the file is left out.
    inner: Option<Box<dyn MorselPlanner>>,
    watch: Watch,
}

impl MorselPlanner for GuardedPlanner {
    fn plan(self: Box<Self>) -> DataFusionResult<Option<MorselPlan>> {
        let Self { inner, watch } = *self;
        let Some(inner) = inner else { return Ok(None) };
        let mut plan = match inner.plan() {
            Ok(Some(plan)) => plan,
            Ok(None) => return Ok(None),
            Err(error) => return watch.policy.judge(&watch.file, error).map_or(Ok(None), Err),
        };
        let morsels = plan
            .take_morsels()
            .into_iter()
            .map(|inner| {
                Box::new(GuardedMorsel {
                    inner,
                    watch: watch.clone(),
                }) as Box<dyn Morsel>
            })
            .collect();
        let planners = plan
            .take_ready_planners()
            .into_iter()
            .map(|p| watch.planner(p))
            .collect();
        let pending = plan.take_pending_planner();
        let mut plan = MorselPlan::new().with_morsels(morsels).with_planners(planners);
        if let Some(pending) = pending {
            plan.set_pending_planner(async move {
                match pending.await {
                    Ok(inner) => Ok(watch.planner(inner)),
                    Err(error) => watch.give_up(error),
                }
            });
        }
        Ok(Some(plan))
    }
}

#[derive(Debug)]
struct GuardedMorsel {
    inner: Box<dyn Morsel>,
    watch: Watch,
}

impl Morsel for GuardedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, DataFusionResult<RecordBatch>> {
        let watch = self.watch;
        // An error ends the file: what follows it is left out with it.
        self.inner
            .into_stream()
            .scan(false, move |over, batch| {
                let next = match batch {
                    _ if *over => None,
                    Ok(batch) => Some(Ok(batch)),
                    Err(error) => {
                        *over = true;
                        watch.policy.judge(&watch.file, error).map(Err)
                    }
                };
                std::future::ready(next)
            })
            .boxed()
    }
}
