//! The reading of a scan that begins before anyone asks for its rows.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::common::spawn_buffered;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion_datasource::file_scan_config::FileScanConfig;
use datafusion_datasource::source::DataSourceExec;

/// So many record batches of a partition are read before they are asked for.
const BATCHES_AHEAD: usize = 4;

/// Whether a scan reads files: whatever is in memory already need not be fetched.
pub(super) fn reads_files(scan: &Arc<dyn ExecutionPlan>) -> bool {
    scan.downcast_ref::<DataSourceExec>()
        .is_some_and(|scan| scan.data_source().downcast_ref::<FileScanConfig>().is_some())
}

/// The streams of a scan's partitions, once their reading has begun; what is never taken is read no further when this is
/// dropped.
#[derive(Default)]
pub(super) struct ReadAhead {
    begun: Mutex<Vec<Option<SendableRecordBatchStream>>>,
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").finish_non_exhaustive()
    }
}

impl ReadAhead {
    /// Reads each partition in a task of its own.
    pub(super) fn begin(&self, scan: &Arc<dyn ExecutionPlan>, task: &Arc<TaskContext>) -> Result<()> {
        let streams = (0..scan.output_partitioning().partition_count()).map(|partition| {
            let stream = scan.execute(partition, Arc::clone(task))?;
            Ok(Some(spawn_buffered(stream, BATCHES_AHEAD)))
        });
        *self.begun() = streams.collect::<Result<_>>()?;
        Ok(())
    }

    /// The stream of a partition, once, if its reading has begun.
    pub(super) fn take(&self, partition: usize) -> Option<SendableRecordBatchStream> {
        self.begun().get_mut(partition).and_then(Option::take)
    }

    fn begun(&self) -> MutexGuard<'_, Vec<Option<SendableRecordBatchStream>>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
