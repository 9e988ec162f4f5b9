//! Keeps the files of stores in order: snapshots, so that loading stays short, and cleanup.
//!
//! Both go by the version that was loaded last, which no batch writes any more; a version that was only committed may
//! still be written anew by a re-run. A snapshot is made of files, so it neither waits for a batch nor holds one up.
//! It is complete before anything is deleted, and every step can be the last.

use futures::{StreamExt, TryStreamExt, stream};

use super::slots::{MaintenanceLease, Shared};
use crate::error::{Result, StateError};
use crate::file::{
    StoreFiles, deletable, fold_snapshot, lineage, missing, snapshot_due, snapshot_path, store_folder,
};
use crate::id::{StateStoreId, StateStoreVersion};

/// How many stores are worked on at once.
const STORES_AT_ONCE: usize = 4;
/// How many files of a store are deleted at once.
const DELETES_AT_ONCE: usize = 8;

/// Sees to every store loaded since the last time; the first error is returned, the others are logged as well.
pub(super) async fn maintain(shared: &Shared) -> Result<()> {
    let stores = shared.to_maintain();
    let mut results = stream::iter(stores)
        .map(|(id, version)| async move {
            let result = maintain_store(shared, &id, version).await;
            result
                .inspect_err(|error| log::warn!("{id}: maintenance failed and will be tried again: {error}"))
        })
        .buffer_unordered(STORES_AT_ONCE);
    let mut first_error = Ok(());
    while let Some(result) = results.next().await {
        first_error = first_error.and(result);
    }
    first_error
}

async fn maintain_store(shared: &Shared, id: &StateStoreId, version: StateStoreVersion) -> Result<()> {
    let Some(lease) = MaintenanceLease::begin(shared, id) else {
        return Ok(());
    };
    let folder = store_folder(id);
    let mut files = StoreFiles::of_listing(&shared.manager.list(&folder).await?);
    if snapshot_due(&files, version, shared.conf.min_deltas_for_snapshot) {
        write_snapshot(shared, id, version, &files).await?;
        shared.snapshot_written(id, version);
        files.snapshots.insert(version.0);
    }
    let names = deletable(&files, version, shared.conf.min_versions_to_retain);
    stream::iter(names)
        .map(|name| {
            let path = format!("{folder}/{name}");
            async move { shared.manager.delete(&path).await }
        })
        .buffer_unordered(DELETES_AT_ONCE)
        .try_collect::<()>()
        .await?;
    let snapshot = files.snapshots.range(..=version.0).next_back();
    lease.done(version, snapshot.copied().unwrap_or(0));
    Ok(())
}

/// Makes a snapshot in the best way that is not damaged.
async fn write_snapshot(
    shared: &Shared,
    id: &StateStoreId,
    version: StateStoreVersion,
    files: &StoreFiles,
) -> Result<()> {
    let mut first_error: Option<StateError> = None;
    for way in lineage(files, version) {
        match fold_snapshot(
            shared.manager.as_ref(),
            id,
            &way,
            &shared.conf,
            shared.blocking.as_ref(),
        )
        .await
        {
            Ok(snapshot) => {
                let path = snapshot_path(id, version);
                return Ok(shared.manager.replace(&path, snapshot).await?);
            }
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| missing(files, id, version, |path| shared.manager.describe(path))))
}
