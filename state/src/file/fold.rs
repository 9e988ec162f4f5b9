//! Makes a snapshot of an older snapshot and the deltas after it, without the store's content in memory.
//!
//! The last change of every key that the deltas touch is kept in a map; then the old snapshot streams through, less
//! the keys in the map, and the map's puts follow. Memory grows with the keys in the deltas, not with the keys held.

use bytes::Bytes;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use tidemill_checkpoint::{Blocking, CheckpointFileManager};

use super::change::Change;
use super::lineage::Lineage;
use super::name::{delta_path, snapshot_path};
use super::read::read_changes;
use super::write::ChangeWriter;
use crate::offload::offload;
use crate::{Result, StateError, StateStoreConf, StateStoreId, StateStoreVersion};

/// The last change of a key: its value, or `None` when it was removed. The hash is seeded alike in every run, so the
/// same files fold into the same bytes.
type Changes = HashMap<Box<[u8]>, Option<Box<[u8]>>, FixedState>;

/// The bytes of a snapshot of the newest version of `lineage`.
///
/// # Errors
/// A missing or damaged file, by its path.
pub(crate) async fn fold_snapshot(
    manager: &dyn CheckpointFileManager,
    id: &StateStoreId,
    lineage: &Lineage,
    conf: &StateStoreConf,
    blocking: &dyn Blocking,
) -> Result<Bytes> {
    let (codec, row_checksum) = (conf.compression, conf.row_checksum);
    let mut changes = Changes::default();
    for version in lineage.deltas.clone() {
        let path = delta_path(id, StateStoreVersion(version));
        let described = manager.describe(&path);
        let Some(content) = manager.read(&path).await? else {
            return Err(StateError::DeltaMissing {
                path: described,
                needed_after: "a snapshot is being made of it".to_owned(),
            });
        };
        changes = offload(blocking, move || {
            read_changes(&described, &content, codec, row_checksum, &mut |change| {
                match change {
                    Change::Put { key, value } => changes.insert(key.into(), Some(value.into())),
                    Change::Remove { key } => changes.insert(key.into(), None),
                };
                Ok(())
            })?;
            Ok::<_, StateError>(changes)
        })
        .await??;
    }
    let snapshot = match lineage.snapshot {
        None => None,
        Some(version) => {
            let path = snapshot_path(id, version);
            let described = manager.describe(&path);
            match manager.read(&path).await? {
                Some(content) => Some((described, content)),
                None => return Err(StateError::SnapshotMissing { path: described }),
            }
        }
    };
    offload(blocking, move || {
        let mut writer = ChangeWriter::new(codec, row_checksum)?;
        if let Some((path, content)) = snapshot {
            read_changes(&path, &content, codec, row_checksum, &mut |change| match change {
                Change::Put { key, value } if !changes.contains_key(key) => writer.put(key, value),
                _ => Ok(()),
            })?;
        }
        for (key, value) in &changes {
            if let Some(value) = value {
                writer.put(key, value)?;
            }
        }
        writer.finish()
    })
    .await?
}
