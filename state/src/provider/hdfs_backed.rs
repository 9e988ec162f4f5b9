//! Stores in memory whose versions are delta and snapshot files.

use std::sync::Arc;

use async_trait::async_trait;
use tidemill_checkpoint::{Blocking, CheckpointError, FileManagerRef};

use crate::conf::StateStoreConf;
use crate::error::Result;
use crate::id::{StateStoreId, StateStoreVersion};
use crate::provider::StateStoreProvider;
use crate::store::{StateStore, StateStoreSpec};

/// Spark's default provider: every version is a delta file, some also a snapshot.
#[derive(Debug)]
pub struct HdfsBackedStateStoreProvider {
    manager: FileManagerRef,
    #[expect(dead_code, reason = "read once loading is there")]
    conf: StateStoreConf,
    #[expect(dead_code, reason = "used once loading is there")]
    blocking: Arc<dyn Blocking>,
}

impl HdfsBackedStateStoreProvider {
    /// Stores under the checkpoint's `state` folder.
    pub fn new(manager: FileManagerRef, conf: StateStoreConf, blocking: Arc<dyn Blocking>) -> Self {
        Self {
            manager,
            conf,
            blocking,
        }
    }
}

#[async_trait]
impl StateStoreProvider for HdfsBackedStateStoreProvider {
    async fn load(
        &self,
        id: &StateStoreId,
        version: StateStoreVersion,
        _spec: &StateStoreSpec,
    ) -> Result<Box<dyn StateStore>> {
        Err(CheckpointError::UnsupportedStore {
            location: self.manager.describe("state"),
            reason: format!("version {version} of {id} cannot be loaded by this build"),
        }
        .into())
    }

    async fn maintain(&self) -> Result<()> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "HDFSBackedStateStoreProvider"
    }
}
