//! `offsets/<N>`: what batch N will read, written before anything of the batch is planned or run.
//!
//! Version 1 has a line per source in plan order, version 2 a line `id:offset` per source. An existing log goes on
//! in its version.

mod metadata;
mod offset_seq;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use metadata::OffsetSeqMetadata;
pub use offset_seq::OffsetSeq;

use crate::{BatchId, CheckpointFileManager, CheckpointLocation, Creation, MetadataLog, Result};

/// The version of an offset log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetLogVersion {
    /// One line per source, by position.
    V1,
    /// One `id:offset` line per source.
    V2,
}

/// `offsets/`.
#[derive(Debug)]
pub struct OffsetSeqLog {
    log: MetadataLog,
    version: OffsetLogVersion,
}

impl OffsetSeqLog {
    /// Opens the log of a checkpoint; `version` is used when it has no entries yet.
    ///
    /// An existing log whose newest entry cannot be read is an error.
    pub async fn open(manager: Arc<dyn CheckpointFileManager>, version: OffsetLogVersion) -> Result<Self> {
        let mut opened = Self {
            log: MetadataLog::new(manager, CheckpointLocation::OFFSETS),
            version,
        };
        if let Some(newest) = opened.log.list_ids().await?.last()
            && let Some(content) = opened.log.read(*newest).await?
        {
            opened.version = offset_seq::version_of(&opened.log.describe(*newest), &content)?;
        }
        Ok(opened)
    }

    /// Writes the entry of batch `id` in the log's version.
    pub async fn add(&self, id: BatchId, entry: &OffsetSeq) -> Result<Creation> {
        let content = entry.encode(&self.log.describe(id), self.version)?;
        self.log.create(id, content).await
    }

    /// The entry of batch `id`.
    pub async fn get(&self, id: BatchId) -> Result<Option<OffsetSeq>> {
        match self.log.read(id).await? {
            Some(content) => OffsetSeq::parse(&self.log.describe(id), &content).map(Some),
            None => Ok(None),
        }
    }

    /// The newest entry, by a new listing.
    pub async fn latest(&self) -> Result<Option<(BatchId, OffsetSeq)>> {
        match self.log.list_ids().await?.last() {
            Some(id) => Ok(self.get(*id).await?.map(|entry| (*id, entry))),
            None => Ok(None),
        }
    }

    /// The version that entries are written in: the existing log's, else the one asked for at opening.
    pub fn version(&self) -> OffsetLogVersion {
        self.version
    }

    /// The files of the log.
    pub fn log(&self) -> &MetadataLog {
        &self.log
    }
}
