//! The stores of one task of a stateful operator: one per state partition that it owns, loaded and committed together.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::internal_datafusion_err;
use datafusion::error::Result as DataFusionResult;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use tidemill_state::{StateStore, StateStoreId, StateStoreMetrics, StateStoreSpec};

use super::{BatchState, StateCommit, StateInfo};
use crate::error::state;

/// How many stores of a task are read or written at a time: files wait for the disk side by side, threads do not.
const STORES_AT_ONCE: usize = 32;

/// What a task counted besides its stores.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TaskCounts {
    pub(super) rows_dropped_by_watermark: u64,
    pub(super) dropped_duplicate_rows: Option<u64>,
    pub(super) all_updates: Duration,
    pub(super) all_removals: Duration,
}

/// The stores of one task.
#[derive(Debug)]
pub(super) struct OpenStores {
    /// By state partition; none where another task owns it.
    stores: Vec<Option<Box<dyn StateStore>>>,
}

impl OpenStores {
    /// Loads the batch's version of every owned state partition.
    pub(super) async fn load(
        batch: &BatchState,
        info: &StateInfo,
        spec: &StateStoreSpec,
        owned: &[u32],
    ) -> DataFusionResult<Self> {
        let loads: Vec<_> = owned
            .iter()
            .map(|partition| load(batch, info, spec, *partition).boxed())
            .collect();
        let loaded: Vec<_> = stream::iter(loads)
            .buffer_unordered(STORES_AT_ONCE)
            .try_collect()
            .await?;
        let mut stores: Vec<Option<Box<dyn StateStore>>> = Vec::new();
        for (partition, store) in loaded {
            let place = usize::try_from(partition)
                .map_err(|_| internal_datafusion_err!("state partition {partition}"))?;
            if stores.len() <= place {
                stores.resize_with(place + 1, || None);
            }
            if let Some(slot) = stores.get_mut(place) {
                *slot = Some(store);
            }
        }
        Ok(Self { stores })
    }

    /// The store of a state partition.
    ///
    /// # Errors
    /// A state partition that another task owns: the shuffle sent a row astray.
    pub(super) fn of(&mut self, partition: i32) -> DataFusionResult<&mut Box<dyn StateStore>> {
        usize::try_from(partition)
            .ok()
            .and_then(|place| self.stores.get_mut(place))
            .and_then(Option::as_mut)
            .ok_or_else(|| {
                internal_datafusion_err!(
                    "state partition {partition} is not owned by the task that got its rows"
                )
            })
    }

    /// The owned stores.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Box<dyn StateStore>> {
        self.stores.iter_mut().flatten()
    }

    /// Commits every store and reports it; what the task counted is reported with the first.
    pub(super) async fn commit(
        self,
        batch: &Arc<BatchState>,
        info: &StateInfo,
        mut counts: TaskCounts,
    ) -> DataFusionResult<()> {
        let commits: Vec<_> = self
            .stores
            .into_iter()
            .flatten()
            .map(|store| commit(batch, store).boxed())
            .collect();
        let mut commits = stream::iter(commits).buffer_unordered(STORES_AT_ONCE);
        while let Some((partition, metrics, commit)) = commits.try_next().await? {
            let counted = std::mem::take(&mut counts);
            batch.report(StateCommit {
                operator: info.operator,
                partition,
                metrics,
                rows_dropped_by_watermark: counted.rows_dropped_by_watermark,
                dropped_duplicate_rows: counted.dropped_duplicate_rows,
                all_updates: counted.all_updates,
                all_removals: counted.all_removals,
                commit,
            });
        }
        Ok(())
    }
}

async fn load(
    batch: &BatchState,
    info: &StateInfo,
    spec: &StateStoreSpec,
    partition: u32,
) -> DataFusionResult<(u32, Box<dyn StateStore>)> {
    let id = StateStoreId::new(info.operator, partition);
    let store = batch.stores().load(&id, info.version(), spec).await;
    Ok((partition, store.map_err(state)?))
}

async fn commit(
    batch: &BatchState,
    store: Box<dyn StateStore>,
) -> DataFusionResult<(u32, StateStoreMetrics, Duration)> {
    let partition = store.id().partition;
    let began = batch.now();
    let metrics = store.commit().await.map_err(state)?;
    Ok((partition, metrics, batch.now().saturating_sub(began)))
}
