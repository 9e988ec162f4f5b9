//! Where stores come from: a provider loads versions and looks after the files.
//!
//! [`StateStoreProvider`] is the contract, [`HdfsBackedStateStoreProvider`] Spark's default one, and [`StateStores`]
//! the handle that operators are given. A provider keeps what the last commit left in memory, so that the next batch
//! loads without I/O; a store is open in one transaction at a time. Any number of
//! stores may be loaded and committed at the same time; a bounded number of them work on files at once.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use tidemill_checkpoint::{Blocking, FileManagerRef};

use crate::conf::StateStoreConf;
use crate::error::Result;
use crate::id::{StateStoreId, StateStoreVersion};
use crate::store::{StateStore, StateStoreSpec};

mod hdfs_backed;
mod load;
mod maintenance;
mod slots;
#[cfg(test)]
mod tests;
mod transaction;

pub use hdfs_backed::HdfsBackedStateStoreProvider;

/// Loads versions of stores and keeps their files in order.
#[async_trait]
pub trait StateStoreProvider: Debug + Send + Sync {
    /// Opens a version of a store for one transaction. Version 0 is empty; any other must exist whole, a missing or
    /// damaged file is an error and never an empty store. An error too while another transaction has the store open.
    async fn load(
        &self,
        id: &StateStoreId,
        version: StateStoreVersion,
        spec: &StateStoreSpec,
    ) -> Result<Box<dyn StateStore>>;

    /// Writes the snapshots that are due and deletes the files that no retained version needs, for the stores loaded
    /// in this run. May run while batches go on, and may be dropped at any point.
    async fn maintain(&self) -> Result<()>;

    /// Whether a store loaded in this run has so many deltas since its last snapshot that one is due.
    fn is_maintenance_due(&self) -> bool {
        false
    }

    /// Resolves when no store is open in a transaction.
    async fn wait_until_closed(&self) {}

    /// The name of the kind of provider, as the operator metadata and errors give it.
    fn name(&self) -> &'static str;
}

/// All stores of one run of a query; a handle that is cloned into operators.
#[derive(Clone, Debug)]
pub struct StateStores {
    provider: Arc<dyn StateStoreProvider>,
}

impl StateStores {
    /// Stores in delta and snapshot files under the checkpoint's `state` folder. `manager` has the checkpoint as its
    /// root; heavy work runs through `blocking`.
    pub fn new(manager: FileManagerRef, conf: StateStoreConf, blocking: Arc<dyn Blocking>) -> Self {
        Self::with_provider(Arc::new(HdfsBackedStateStoreProvider::new(
            manager, conf, blocking,
        )))
    }

    /// Stores of another provider.
    pub fn with_provider(provider: Arc<dyn StateStoreProvider>) -> Self {
        Self { provider }
    }

    /// Opens a version of a store for one transaction: [`StateStoreProvider::load`].
    pub async fn load(
        &self,
        id: &StateStoreId,
        version: StateStoreVersion,
        spec: &StateStoreSpec,
    ) -> Result<Box<dyn StateStore>> {
        self.provider.load(id, version, spec).await
    }

    /// Looks after the files: [`StateStoreProvider::maintain`].
    pub async fn maintain(&self) -> Result<()> {
        self.provider.maintain().await
    }

    /// Whether maintenance would write a snapshot: [`StateStoreProvider::is_maintenance_due`].
    pub fn is_maintenance_due(&self) -> bool {
        self.provider.is_maintenance_due()
    }

    /// Resolves when no store is open: [`StateStoreProvider::wait_until_closed`].
    pub async fn wait_until_closed(&self) {
        self.provider.wait_until_closed().await;
    }

    /// The name of the kind of provider.
    pub fn provider_name(&self) -> &'static str {
        self.provider.name()
    }
}
