//! The checkpoint of a streaming query, in Apache Spark's file format.
//!
//! This crate knows files and their meaning: no Arrow, no SQL, no clock. Times and ids are arguments.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

mod batch_id;
mod commit_log;
mod error;
mod file_manager;
mod location;
mod metadata_log;
mod offset;
mod offset_log;
mod resume;
mod retention;
mod stream_metadata;
mod streaming_checkpoint;
#[doc(hidden)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use batch_id::BatchId;
pub use commit_log::{CommitLog, CommitLogVersion, CommitMetadata, SinkMetadata};
pub use error::{CheckpointError, CheckpointErrorKind, Result};
pub use file_manager::{
    Blocking, CheckpointFileManager, CheckpointLock, Creation, FileManagerRef, FileStatus, Fsync,
    InlineBlocking, LocalFileManager, LockGuard, ObjectStoreFileManager, file_manager_for_url,
};
pub use location::CheckpointLocation;
pub use metadata_log::version::{json as parse_json, split as parse_versioned};
pub use metadata_log::{
    CompactibleFileStreamLog, CompactibleLogEntry, CompactibleLogOptions, FileSourceEntry, MetadataLog,
    SinkFileStatus,
};
pub use offset::Offset;
pub use offset_log::{OffsetLogVersion, OffsetSeq, OffsetSeqLog, OffsetSeqMetadata};
pub use resume::ResumePoint;
pub use stream_metadata::StreamMetadata;
pub use streaming_checkpoint::{CheckpointOptions, StreamingCheckpoint};
