//! A folder of entries by id: listing, reading, creating, purging.
//!
//! The ids that exist are remembered after one listing, so that neither appending nor purging lists the folder.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::{BatchId, CheckpointFileManager, Creation, Result};

/// A folder of files named by batch id, each written once.
#[derive(Debug)]
pub struct MetadataLog {
    manager: Arc<dyn CheckpointFileManager>,
    folder: String,
    known: Mutex<BTreeSet<BatchId>>,
}

impl MetadataLog {
    /// The log in `folder`, relative to the manager's root; the empty path is the root itself.
    pub fn new(manager: Arc<dyn CheckpointFileManager>, folder: impl Into<String>) -> Self {
        Self {
            manager,
            folder: folder.into(),
            known: Mutex::default(),
        }
    }

    /// The files.
    pub fn manager(&self) -> &Arc<dyn CheckpointFileManager> {
        &self.manager
    }

    /// The path of a file of the folder, relative to the manager's root.
    pub fn path(&self, name: impl std::fmt::Display) -> String {
        if self.folder.is_empty() {
            name.to_string()
        } else {
            format!("{}/{name}", self.folder)
        }
    }

    /// The folder, relative to the manager's root.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The path of an entry as a person would write it.
    pub fn describe(&self, id: BatchId) -> String {
        self.manager.describe(&self.path(id))
    }

    /// Lists the folder: the ids of all entries, ascending.
    pub async fn list_ids(&self) -> Result<Vec<BatchId>> {
        let files = self.manager.list(&self.folder).await?;
        let ids: BTreeSet<BatchId> = files
            .iter()
            .filter(|file| !file.is_dir)
            .filter_map(|file| BatchId::from_file_name(&file.name))
            .collect();
        let sorted = ids.iter().copied().collect();
        *self.known() = ids;
        Ok(sorted)
    }

    /// The bytes of entry `id`.
    pub async fn read(&self, id: BatchId) -> Result<Option<Bytes>> {
        self.manager.read(&self.path(id)).await
    }

    /// Creates entry `id`, durable when this returns; never overwrites.
    pub async fn create(&self, id: BatchId, content: impl Into<Bytes> + Send) -> Result<Creation> {
        let creation = self.manager.create(&self.path(id), content.into()).await?;
        if creation == Creation::Created {
            self.known().insert(id);
        }
        Ok(creation)
    }

    /// Deletes the entries below `threshold` that the last listing or this log's writer knew of.
    ///
    /// What could not be deleted stays known and is tried again by the next call.
    pub async fn purge_below(&self, threshold: BatchId) -> Result<()> {
        let below: Vec<BatchId> = {
            let known = self.known();
            known.range(..threshold).copied().collect()
        };
        for id in below {
            self.manager.delete(&self.path(id)).await?;
            self.known().remove(&id);
        }
        Ok(())
    }

    /// Deletes what [`purge_below`](Self::purge_below) would, down to the newest `count` entries; one always stays.
    pub async fn keep_newest(&self, count: usize) -> Result<()> {
        let oldest_kept = self.known().iter().nth_back(count.saturating_sub(1)).copied();
        match oldest_kept {
            Some(id) => self.purge_below(id).await,
            None => Ok(()),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<BatchId>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
