//! `offsets/<N>`: what batch N will read.
#![allow(clippy::unimplemented, unused_variables)]

use indexmap::IndexMap;

use crate::{BatchId, Creation, MetadataLog, Offset, Result};

/// The version of an offset log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetLogVersion {
    /// One line per source, by position.
    V1,
    /// One `id:offset` line per source.
    V2,
}

/// The metadata line of an offset log entry.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OffsetSeqMetadata {
    /// Event-time watermark in force for the batch, ms since the epoch; 0 = none yet.
    pub batch_watermark_ms: i64,
    /// The batch's clock, ms since the epoch: what `current_timestamp()` answers in every run of the batch.
    pub batch_timestamp_ms: i64,
    /// Confs frozen with the batch.
    pub conf: IndexMap<String, String>,
}

impl OffsetSeqMetadata {
    /// The line of one batch.
    pub fn new(batch_watermark_ms: i64, batch_timestamp_ms: i64, conf: IndexMap<String, String>) -> Self {
        Self {
            batch_watermark_ms,
            batch_timestamp_ms,
            conf,
        }
    }
}

/// The entry of one batch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OffsetSeq {
    /// The metadata line; none in very old checkpoints.
    pub metadata: Option<OffsetSeqMetadata>,
    /// One per source occurrence, in plan order (v1), or in file order (v2): its id (`0`, `1` … or a name) and offset.
    /// In v1 the id is the position.
    pub offsets: Vec<(String, Option<Offset>)>,
}

impl OffsetSeq {
    /// The entry of one batch, sources by position.
    pub fn new(metadata: OffsetSeqMetadata, offsets: Vec<(String, Option<Offset>)>) -> Self {
        Self {
            metadata: Some(metadata),
            offsets,
        }
    }
}

/// `offsets/`.
#[derive(Debug)]
pub struct OffsetSeqLog {
    log: MetadataLog,
}

impl OffsetSeqLog {
    /// Writes the entry of batch `id` in the log's version.
    pub async fn add(&self, id: BatchId, entry: &OffsetSeq) -> Result<Creation> {
        unimplemented!()
    }
    /// The entry of batch `id`.
    pub async fn get(&self, id: BatchId) -> Result<Option<OffsetSeq>> {
        unimplemented!()
    }
    /// The newest entry.
    pub async fn latest(&self) -> Result<Option<(BatchId, OffsetSeq)>> {
        unimplemented!()
    }
    /// The version that entries are written in: the existing log's, else the one asked for at opening.
    pub fn version(&self) -> OffsetLogVersion {
        unimplemented!()
    }
}
