//! Stores in memory whose versions are delta and snapshot files.

use std::sync::Arc;

use async_trait::async_trait;
use tidemill_checkpoint::{Blocking, FileManagerRef};

use super::slots::{Lease, Shared};
use super::transaction::HdfsBackedStateStore;
use super::{StateStoreProvider, load, maintenance};
use crate::conf::StateStoreConf;
use crate::error::Result;
use crate::id::{StateStoreId, StateStoreVersion};
use crate::store::{StateStore, StateStoreSpec};

/// Spark's default provider: every version is a delta file, some also a snapshot.
#[derive(Debug)]
pub struct HdfsBackedStateStoreProvider {
    shared: Arc<Shared>,
}

impl HdfsBackedStateStoreProvider {
    /// Stores under the checkpoint's `state` folder. `manager` has the checkpoint as its root.
    pub fn new(manager: FileManagerRef, conf: StateStoreConf, blocking: Arc<dyn Blocking>) -> Self {
        Self {
            shared: Arc::new(Shared::new(manager, conf, blocking)),
        }
    }
}

#[async_trait]
impl StateStoreProvider for HdfsBackedStateStoreProvider {
    async fn load(
        &self,
        id: &StateStoreId,
        version: StateStoreVersion,
        spec: &StateStoreSpec,
    ) -> Result<Box<dyn StateStore>> {
        let mut lease = Lease::open(&self.shared, id, version, spec)?;
        if !lease.is_whole() {
            let _gate = self.shared.gate(id).await;
            let loaded = load::load(&self.shared, id, version, spec).await;
            lease.loaded(loaded.map_err(|error| error.loading(id, version))?);
        }
        Ok(Box::new(HdfsBackedStateStore::new(lease)))
    }

    async fn maintain(&self) -> Result<()> {
        maintenance::maintain(&self.shared).await
    }

    fn is_maintenance_due(&self) -> bool {
        self.shared.is_snapshot_due()
    }

    async fn wait_until_closed(&self) {
        self.shared.wait_until_closed().await;
    }

    fn name(&self) -> &'static str {
        "HDFSBackedStateStoreProvider"
    }
}
