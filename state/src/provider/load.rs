//! Reads a version from its files.
//!
//! A damaged snapshot is passed over where older files hold the version too; a damaged delta cannot be, for every
//! older way goes through it. Nothing that is missing or damaged ever becomes an empty store.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_checkpoint::CheckpointErrorKind;

use super::slots::{Loaded, Shared};
use crate::error::{Result, StateError};
use crate::file::{
    Change, Lineage, StoreFiles, delta_path, lineage, missing, read_changes, snapshot_path, store_folder,
};
use crate::id::{StateStoreId, StateStoreVersion};
use crate::memory::VersionedMap;
use crate::offload::offload;
use crate::store::StateStoreSpec;

/// How many deltas are read ahead of the one that is applied.
const READ_AHEAD_FILES: usize = 4;

/// The rows of a version.
pub(super) async fn load(
    shared: &Shared,
    id: &StateStoreId,
    version: StateStoreVersion,
    spec: &StateStoreSpec,
) -> Result<Loaded> {
    let files = StoreFiles::of_listing(&shared.manager.list(&store_folder(id)).await?);
    let above = files.snapshots.iter().filter(|snapshot| **snapshot > version.0);
    let stale_snapshots = above.copied().collect();
    if version.0 == 0 {
        return Ok(Loaded {
            map: VersionedMap::new(spec),
            snapshot: 0,
            stale_snapshots,
        });
    }
    let mut first_error = None;
    for way in lineage(&files, version) {
        let map = VersionedMap::new(spec);
        let map = match way.snapshot {
            None => Ok(map),
            Some(snapshot) => load_snapshot(shared, id, snapshot, map).await,
        };
        match map {
            Ok(map) => match load_deltas(shared, id, &way, map).await {
                Ok(map) => {
                    return Ok(Loaded {
                        map,
                        snapshot: way.snapshot.map_or(0, |snapshot| snapshot.0),
                        stale_snapshots,
                    });
                }
                Err(error) => return Err(first_error.unwrap_or(error)),
            },
            Err(error) if error.kind() == CheckpointErrorKind::Corrupt => {
                log::warn!("{id}, version {version}: going on with older files, because of this: {error}");
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(first_error.unwrap_or_else(|| missing(&files, id, version, |path| shared.manager.describe(path))))
}

async fn load_snapshot(
    shared: &Shared,
    id: &StateStoreId,
    version: StateStoreVersion,
    map: VersionedMap,
) -> Result<VersionedMap> {
    let path = snapshot_path(id, version);
    let described = shared.manager.describe(&path);
    match shared.manager.read(&path).await? {
        Some(content) => apply(shared, described, content, map).await,
        None => Err(StateError::SnapshotMissing { path: described }),
    }
}

async fn load_deltas(
    shared: &Shared,
    id: &StateStoreId,
    way: &Lineage,
    mut map: VersionedMap,
) -> Result<VersionedMap> {
    let mut deltas = stream::iter(way.deltas.clone())
        .map(|version| async move {
            let path = delta_path(id, StateStoreVersion(version));
            let described = shared.manager.describe(&path);
            match shared.manager.read(&path).await? {
                Some(content) => Ok((described, content)),
                None => Err(StateError::DeltaMissing {
                    path: described,
                    needed_after: "it was listed a moment ago".to_owned(),
                }),
            }
        })
        .buffered(READ_AHEAD_FILES);
    while let Some((path, content)) = deltas.try_next().await? {
        map = apply(shared, path, content, map).await?;
    }
    offload(shared.blocking.as_ref(), move || {
        map.finish_load()?;
        Ok(map)
    })
    .await?
}

/// Applies a file to the rows.
async fn apply(shared: &Shared, path: String, content: Bytes, mut map: VersionedMap) -> Result<VersionedMap> {
    let codec = shared.conf.compression;
    let row_checksum = shared.conf.row_checksum;
    offload(shared.blocking.as_ref(), move || {
        read_changes(&path, &content, codec, row_checksum, &mut |change| {
            match change {
                Change::Put { key, value } => map.load_put(key, value)?,
                Change::Remove { key } => map.load_remove(key),
            }
            Ok(())
        })?;
        Ok(map)
    })
    .await?
}
