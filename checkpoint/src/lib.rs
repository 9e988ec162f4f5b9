//! The checkpoint of a streaming query, in Apache Spark's file format.
//!
//! This crate knows files and their meaning: no Arrow, no SQL, no clock. Times and ids are arguments.

mod batch_id;
mod commit_log;
mod error;
mod file_manager;
mod location;
mod metadata_log;
mod offset;
mod offset_log;
mod resume;
mod stream_metadata;
mod streaming_checkpoint;

pub use batch_id::BatchId;
pub use commit_log::{CommitLog, CommitMetadata};
pub use error::{CheckpointError, Result};
pub use file_manager::{
    Blocking, CheckpointFileManager, Creation, FileStatus, InlineBlocking, LocalFileManager,
    ObjectStoreFileManager,
};
pub use location::CheckpointLocation;
pub use metadata_log::{
    CompactibleFileStreamLog, CompactibleLogEntry, CompactibleLogOptions, FileSourceEntry, MetadataLog,
    SinkFileStatus,
};
pub use offset::Offset;
pub use offset_log::{OffsetLogVersion, OffsetSeq, OffsetSeqLog, OffsetSeqMetadata};
pub use resume::ResumePoint;
pub use stream_metadata::StreamMetadata;
pub use streaming_checkpoint::{CheckpointOptions, StreamingCheckpoint};
