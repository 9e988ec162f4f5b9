//! Makes a snapshot of an older snapshot and the deltas after it, without the store's content in memory.
//!
//! The newest file comes first, and the last record of each: the first that is found of a key is the one that counts. So
//! a key is remembered, its value only written, and the old snapshot streams through at the end, less the keys that were
//! found. Memory grows with the keys in the deltas, not with the keys held.

use bytes::Bytes;
use tidemill_checkpoint::{Blocking, CheckpointFileManager};

use super::change::Change;
use super::lineage::Lineage;
use super::name::{delta_path, snapshot_path};
use super::read::read_changes;
use super::write::ChangeWriter;
use crate::codec::Rows;
use crate::memory::RowSet;
use crate::offload::offload;
use crate::{CompressionCodec, Result, StateError, StateStoreConf, StateStoreId, StateStoreVersion};

/// How many rows of the old snapshot are looked up at once.
const SNAPSHOT_ROWS_AT_ONCE: usize = 1024;

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
    let mut fold = Fold::new(conf)?;
    for version in lineage.deltas.clone().rev() {
        let path = delta_path(id, StateStoreVersion(version));
        let described = manager.describe(&path);
        let Some(content) = manager.read(&path).await? else {
            return Err(StateError::DeltaMissing {
                path: described,
                needed_after: "a snapshot is being made of it".to_owned(),
            });
        };
        fold = offload(blocking, move || {
            fold.delta(&described, &content)?;
            Ok::<_, StateError>(fold)
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
        if let Some((path, content)) = snapshot {
            fold.snapshot(&path, &content)?;
        }
        fold.writer.finish()
    })
    .await?
}

/// Changes in the order of a file.
#[derive(Default)]
struct Changes {
    keys: Rows,
    /// Empty for a key that was removed.
    values: Rows,
    is_put: Vec<bool>,
}

impl Changes {
    fn push(&mut self, change: Change<'_>) {
        let (key, value) = match change {
            Change::Put { key, value } => (key, Some(value)),
            Change::Remove { key } => (key, None),
        };
        self.keys.push(key);
        self.values.push(value.unwrap_or_default());
        self.is_put.push(value.is_some());
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.is_put.clear();
    }
}

/// A snapshot that is being made, from the newest file backwards.
struct Fold {
    codec: CompressionCodec,
    row_checksum: bool,
    /// The keys of the files so far: older files have nothing to say of them.
    decided: RowSet,
    writer: ChangeWriter,
}

impl Fold {
    fn new(conf: &StateStoreConf) -> Result<Self> {
        Ok(Self {
            codec: conf.compression,
            row_checksum: conf.row_checksum,
            decided: RowSet::default(),
            writer: ChangeWriter::new(conf.compression, conf.row_checksum)?,
        })
    }

    fn delta(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let mut changes = Changes::default();
        read_changes(path, content, self.codec, self.row_checksum, &mut |change| {
            changes.push(change);
            Ok(())
        })?;
        let before = self.decided.rows().len();
        let numbers = self.decided.intern(&changes.keys)?;
        let mut is_written = vec![false; self.decided.rows().len() - before];
        let rows = changes.keys.iter().zip(&changes.values).zip(&changes.is_put);
        for (((key, value), is_put), number) in rows.zip(numbers).rev() {
            let new = (number as usize).checked_sub(before);
            let Some(is_written) = new.and_then(|new| is_written.get_mut(new)) else {
                continue;
            };
            if !std::mem::replace(is_written, true) && *is_put {
                self.writer.put(key, value)?;
            }
        }
        Ok(())
    }

    fn snapshot(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let Self { decided, writer, .. } = self;
        let mut waiting = Changes::default();
        let mut write_undecided = |rows: &mut Changes| {
            let decided = decided.contains(&rows.keys);
            for ((key, value), decided) in rows.keys.iter().zip(&rows.values).zip(decided) {
                if !decided {
                    writer.put(key, value)?;
                }
            }
            rows.clear();
            Ok(())
        };
        read_changes(path, content, self.codec, self.row_checksum, &mut |change| {
            waiting.push(change);
            if waiting.keys.len() == SNAPSHOT_ROWS_AT_ONCE {
                return write_undecided(&mut waiting);
            }
            Ok(())
        })?;
        write_undecided(&mut waiting)
    }
}
