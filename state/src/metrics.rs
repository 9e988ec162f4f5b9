//! What a committed store reports.

use crate::id::StateStoreVersion;

/// The figures of one commit of one store.
///
/// How long loading and committing took is measured by the caller: this crate has no clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateStoreMetrics {
    /// How many keys the committed version holds.
    pub rows_total: u64,
    /// How many puts the transaction made.
    pub rows_updated: u64,
    /// How many rows the transaction removed, expired ones included.
    pub rows_removed: u64,
    /// Memory the store holds after the commit, in bytes: rows, garbage not yet reclaimed, hash table and indexes.
    pub memory_used_bytes: u64,
    /// The part of it that the current version needs, in bytes: Spark's `stateOnCurrentVersionSizeBytes`.
    pub state_on_current_version_size_bytes: u64,
    /// How many loads of this store since the run began found their version in memory: Spark's
    /// `loadedMapCacheHitCount`.
    pub loaded_map_cache_hit_count: u64,
    /// How many loads of this store since the run began read files: Spark's `loadedMapCacheMissCount`.
    pub loaded_map_cache_miss_count: u64,
    /// The newest snapshot that was written since the run began: Spark's `SnapshotLastUploaded`.
    pub snapshot_last_uploaded: Option<StateStoreVersion>,
}

impl StateStoreMetrics {
    /// The metrics that only this provider has, under Spark's names; those of all stores of an operator are added up.
    ///
    /// Spark's provider repairs no snapshot and is forced to none unless it is configured to, so two of them are 0.
    pub fn custom(&self) -> [(&'static str, u64); 5] {
        [
            ("forceSnapshotCount", 0),
            ("numSnapshotsAutoRepaired", 0),
            ("loadedMapCacheHitCount", self.loaded_map_cache_hit_count),
            ("loadedMapCacheMissCount", self.loaded_map_cache_miss_count),
            (
                "stateOnCurrentVersionSizeBytes",
                self.state_on_current_version_size_bytes,
            ),
        ]
    }
}
