//! `commits/<N>`: batch N is done.
#![allow(clippy::unimplemented, unused_variables)]

use crate::{BatchId, Creation, MetadataLog, Result};

/// The content of a commit.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CommitMetadata {
    /// Watermark after the batch, ms since the epoch.
    pub next_batch_watermark_ms: i64,
}

impl CommitMetadata {
    /// The commit of a batch.
    pub fn new(next_batch_watermark_ms: i64) -> Self {
        Self {
            next_batch_watermark_ms,
        }
    }
}

/// `commits/`.
#[derive(Debug)]
pub struct CommitLog {
    log: MetadataLog,
}

impl CommitLog {
    /// Writes the commit of batch `id`.
    pub async fn add(&self, id: BatchId, entry: &CommitMetadata) -> Result<Creation> {
        unimplemented!()
    }
    /// The commit of batch `id`.
    pub async fn get(&self, id: BatchId) -> Result<Option<CommitMetadata>> {
        unimplemented!()
    }
    /// The newest commit.
    pub async fn latest(&self) -> Result<Option<(BatchId, CommitMetadata)>> {
        unimplemented!()
    }
}
