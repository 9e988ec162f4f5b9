//! What stateful operators share during one batch: the stores they load from and the commits they report.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::common::internal_datafusion_err;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use tidemill_state::{OperatorId, StateStoreMetrics, StateStores};

/// Time since some fixed moment, for measuring only.
pub type MonotonicClock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// One state partition of one operator, committed in this batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StateCommit {
    /// The operator.
    pub operator: OperatorId,
    /// The state partition.
    pub partition: u32,
    /// The store's figures.
    pub metrics: StateStoreMetrics,
    /// Rows (of an aggregation: groups) that came behind the watermark.
    pub rows_dropped_by_watermark: u64,
    /// Duplicates that a deduplication held back; `None` for other operators.
    pub dropped_duplicate_rows: Option<u64>,
    /// Time spent merging rows into the state.
    pub all_updates: Duration,
    /// Time spent removing rows behind the watermark.
    pub all_removals: Duration,
    /// Time spent writing the version.
    pub commit: Duration,
}

/// The stores of a run and the commits of a batch: an extension of the task's configuration.
pub struct BatchState {
    stores: StateStores,
    clock: MonotonicClock,
    commits: Mutex<Vec<StateCommit>>,
}

impl BatchState {
    /// For one batch.
    pub fn new(stores: StateStores, clock: MonotonicClock) -> Self {
        Self {
            stores,
            clock,
            commits: Mutex::default(),
        }
    }

    /// The batch state of a task.
    ///
    /// # Errors
    /// A stateful plan that runs outside of a streaming query.
    pub(crate) fn of_task(context: &TaskContext) -> DataFusionResult<Arc<Self>> {
        context.session_config().get_extension::<Self>().ok_or_else(|| {
            internal_datafusion_err!("a stateful operator runs only in a batch of a streaming query")
        })
    }

    /// The commits so far, one per operator and state partition: a later one replaces an earlier one.
    pub fn commits(&self) -> Vec<StateCommit> {
        self.commits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The stores.
    pub(crate) fn stores(&self) -> &StateStores {
        &self.stores
    }

    /// Time for measuring.
    pub(crate) fn now(&self) -> Duration {
        (self.clock)()
    }

    pub(crate) fn report(&self, commit: StateCommit) {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        commits.retain(|other| (other.operator, other.partition) != (commit.operator, commit.partition));
        commits.push(commit);
    }
}

impl fmt::Debug for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchState").finish_non_exhaustive()
    }
}
