//! A transaction on rows in memory, whose commit is a delta file.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::slots::{Lease, Shared};
use crate::error::Result;
use crate::file::{ChangeWriter, delta_path, snapshot_path};
use crate::id::{StateStoreId, StateStoreVersion};
use crate::memory::VersionedMap;
use crate::metrics::StateStoreMetrics;
use crate::offload::offload;
use crate::store::{RowHandle, RowVisitor, StateStore};

/// From so many changed rows on, a commit's work goes where blocking work belongs; less is done sooner than handed over.
const ROWS_WORTH_OFFLOADING: usize = 2000;

/// One transaction of a store; dropping it aborts.
pub(super) struct HdfsBackedStateStore {
    lease: Lease,
}

impl HdfsBackedStateStore {
    pub(super) fn new(lease: Lease) -> Self {
        Self { lease }
    }

    async fn write(&mut self, version: StateStoreVersion) -> Result<()> {
        let lease = &mut self.lease;
        let manager = lease.shared.manager.clone();
        if lease.has_stale_snapshot(version) {
            // It holds what an uncommitted batch made of this version, and a load would prefer it to the new delta.
            manager.delete(&snapshot_path(&lease.id, version)).await?;
        }
        let conf = lease.shared.conf.clone();
        let delta = with_map(lease, move |map| {
            let mut writer = ChangeWriter::new(conf.compression, conf.row_checksum)?;
            map.seal(&mut |key, value| match value {
                Some(value) => writer.put(key, value),
                None => writer.remove(key),
            })?;
            writer.finish()
        })
        .await??;
        Ok(manager.replace(&delta_path(&lease.id, version), delta).await?)
    }
}

/// Works on the rows, where blocking work belongs if there is much of it.
async fn with_map<T: Send + 'static>(
    lease: &mut Lease,
    work: impl FnOnce(&mut VersionedMap) -> T + Send + 'static,
) -> Result<T> {
    if lease.map().touched_len() < ROWS_WORTH_OFFLOADING {
        return Ok(work(lease.map_mut()));
    }
    let mut map = lease.take_map();
    let shared: &Shared = &lease.shared;
    let (map, result) = offload(shared.blocking.as_ref(), move || {
        let result = work(&mut map);
        (map, result)
    })
    .await?;
    lease.set_map(map);
    Ok(result)
}

impl fmt::Debug for HdfsBackedStateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HdfsBackedStateStore")
            .field("id", &self.lease.id)
            .field("version", &self.lease.version)
            .field("map", self.lease.map())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl StateStore for HdfsBackedStateStore {
    fn id(&self) -> &StateStoreId {
        &self.lease.id
    }

    fn version(&self) -> StateStoreVersion {
        self.lease.version
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.lease.map().get(key)
    }

    fn get_batch<'k>(
        &self,
        keys: &mut dyn Iterator<Item = &'k [u8]>,
        each: &mut dyn FnMut(usize, RowHandle, &[u8]),
    ) {
        self.lease.map().get_batch(keys, each);
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let put = self.lease.map_mut().put(key, value);
        put.map_err(|error| error.in_store(&self.lease.id))
    }

    fn put_batch<'r>(
        &mut self,
        rows: &mut dyn Iterator<Item = (Option<RowHandle>, &'r [u8], &'r [u8])>,
    ) -> Result<()> {
        let put = self.lease.map_mut().put_batch(rows);
        put.map_err(|error| error.in_store(&self.lease.id))
    }

    fn remove(&mut self, key: &[u8]) -> bool {
        self.lease.map_mut().remove(key)
    }

    fn prefix_scan(&self, prefix: &[u8], each: RowVisitor<'_>) -> Result<()> {
        let scan = self.lease.map().prefix_scan(prefix, each);
        scan.map_err(|error| error.in_store(&self.lease.id))
    }

    fn for_each(&self, each: RowVisitor<'_>) -> Result<()> {
        for row in self.lease.map().rows() {
            each(row.key, row.value)?;
        }
        Ok(())
    }

    fn expire(&mut self, at_or_before_micros: i64, each: RowVisitor<'_>) -> Result<()> {
        let expire = self.lease.map_mut().expire(at_or_before_micros, each);
        expire.map_err(|error| error.in_store(&self.lease.id))
    }

    fn len(&self) -> usize {
        self.lease.map().len()
    }

    async fn commit(mut self: Box<Self>) -> Result<StateStoreMetrics> {
        let version = StateStoreVersion(self.lease.version.0.saturating_add(1));
        let (rows_updated, rows_removed) = self.lease.map().operations();
        let shared = Arc::clone(&self.lease.shared);
        let gate = shared.gate(&self.lease.id).await;
        let written = self.write(version).await;
        written.map_err(|error| error.committing(&self.lease.id, version))?;
        // The version is durable. If the process ends before its rows are settled, the next load reads the files.
        let (len, allocated_bytes, live_bytes) = with_map(&mut self.lease, |map| {
            map.settle();
            (map.len(), map.allocated_bytes(), map.live_bytes())
        })
        .await
        .map_err(|error| error.committing(&self.lease.id, version))?;
        drop(gate);
        let counts = self.lease.committed(version);
        Ok(StateStoreMetrics {
            rows_total: to_u64(len),
            rows_updated,
            rows_removed,
            memory_used_bytes: to_u64(allocated_bytes),
            state_on_current_version_size_bytes: to_u64(live_bytes),
            loaded_map_cache_hit_count: counts.hits,
            loaded_map_cache_miss_count: counts.misses,
            snapshot_last_uploaded: counts.snapshot,
        })
    }

    fn abort(self: Box<Self>) {}
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
