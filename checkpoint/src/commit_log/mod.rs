//! `commits/<N>`: batch N is done, the only thing that makes it final.
//!
//! Version 1 has the watermark, version 2 also the ids of the state files, version 3 the sinks. An existing log goes
//! on in its version.

mod metadata;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
pub use metadata::{CommitMetadata, SinkMetadata};

use crate::{BatchId, CheckpointFileManager, CheckpointLocation, Creation, MetadataLog, Result};

/// The version of a commit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommitLogVersion {
    /// The watermark.
    V1,
    /// And the unique ids of the state files.
    V2,
    /// And the sinks.
    V3,
}

/// `commits/`.
#[derive(Debug)]
pub struct CommitLog {
    log: MetadataLog,
    version: CommitLogVersion,
    /// The sinks of the newest commit: a v3 entry repeats them when the writer names none.
    sinks: Mutex<Option<IndexMap<String, SinkMetadata>>>,
}

impl CommitLog {
    /// Opens the log of a checkpoint; `version` is used when it has no entries yet.
    ///
    /// An existing log whose newest entry cannot be read is an error.
    pub async fn open(manager: Arc<dyn CheckpointFileManager>, version: CommitLogVersion) -> Result<Self> {
        let mut opened = Self {
            log: MetadataLog::new(manager, CheckpointLocation::COMMITS),
            version,
            sinks: Mutex::default(),
        };
        if let Some(newest) = opened.log.list_ids().await?.last()
            && let Some(content) = opened.log.read(*newest).await?
        {
            let (version, entry) = CommitMetadata::parse(&opened.log.describe(*newest), &content)?;
            opened.version = version;
            opened.sinks = Mutex::new(entry.sink_metadata_map);
        }
        Ok(opened)
    }

    /// Writes the commit of batch `id` in the log's version.
    ///
    /// A v2 entry without state ids says `{}`, a v3 entry without sinks repeats those of the newest commit; ids or
    /// sinks that the log's version has no place for are an error.
    pub async fn add(&self, id: BatchId, entry: &CommitMetadata) -> Result<Creation> {
        let path = self.log.describe(id);
        let content = if self.version == CommitLogVersion::V3 && entry.sink_metadata_map.is_none() {
            let mut with_sinks = entry.clone();
            with_sinks.sink_metadata_map = self.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone();
            with_sinks.encode(&path, self.version)?
        } else {
            entry.encode(&path, self.version)?
        };
        let creation = self.log.create(id, content).await?;
        if creation == Creation::Created && entry.sink_metadata_map.is_some() {
            *self.sinks.lock().unwrap_or_else(PoisonError::into_inner) = entry.sink_metadata_map.clone();
        }
        Ok(creation)
    }

    /// The commit of batch `id`.
    pub async fn get(&self, id: BatchId) -> Result<Option<CommitMetadata>> {
        match self.log.read(id).await? {
            Some(content) => {
                CommitMetadata::parse(&self.log.describe(id), &content).map(|(_, entry)| Some(entry))
            }
            None => Ok(None),
        }
    }

    /// The newest commit, by a new listing.
    pub async fn latest(&self) -> Result<Option<(BatchId, CommitMetadata)>> {
        match self.log.list_ids().await?.last() {
            Some(id) => Ok(self.get(*id).await?.map(|entry| (*id, entry))),
            None => Ok(None),
        }
    }

    /// The version that entries are written in: the existing log's, else the one asked for at opening.
    pub fn version(&self) -> CommitLogVersion {
        self.version
    }

    /// The files of the log.
    pub fn log(&self) -> &MetadataLog {
        &self.log
    }
}
