//! How checkpoint files are written: durably, whole or not at all, and log entries never twice.
//!
//! [`CheckpointFileManager`] is the contract; [`conformance`](crate::testing::conformance) checks an implementation.
//! Two are here: a local folder and an object store. "Already exists" is a value, not an error: only the caller
//! knows whether it means a second query or a batch that was written before a crash.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::{CheckpointError, Result};

mod checksum;
pub mod conformance;
mod for_url;
mod fsync;
mod local;
mod object_store;
#[cfg(test)]
mod tests;

pub use for_url::file_manager_for_url;
pub use fsync::Fsync;
pub use local::LocalFileManager;
pub use object_store::ObjectStoreFileManager;

/// What came of creating a file that must not be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Creation {
    /// The file is new and durable.
    Created,
    /// Another writer was first; nothing was changed.
    AlreadyExists,
}

impl Creation {
    /// For entries that only this run can have written: "already exists" is another query's doing.
    pub fn or_concurrent(self, path: &str) -> Result<()> {
        match self {
            Self::Created => Ok(()),
            Self::AlreadyExists => Err(CheckpointError::ConcurrentUpdate {
                path: path.to_owned(),
            }),
        }
    }
}

/// One file of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// The last element of the path.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Size in bytes; 0 for a folder.
    pub size_bytes: u64,
    /// Modification time, milliseconds since the epoch.
    pub modified_ms: i64,
}

/// What came of asking for an exclusive lock.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub enum CheckpointLock {
    /// The lock is ours until the guard is dropped or the process ends.
    Held(LockGuard),
    /// Another holder has it.
    Busy,
    /// This store has no locks; two writers find each other when they create the same log entry.
    Unsupported,
}

/// Releases an advisory lock when dropped.
pub struct LockGuard(#[allow(dead_code, reason = "kept for its Drop")] Box<dyn Any + Send + Sync>);

impl LockGuard {
    /// A guard that releases by dropping `holder`.
    pub fn new(holder: impl Any + Send + Sync) -> Self {
        Self(Box::new(holder))
    }
}

impl Debug for LockGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockGuard")
    }
}

/// Where blocking work (fsync, compression, loads) runs: tokio's blocking pool in the engine, inline in tests.
pub trait Blocking: Debug + Send + Sync {
    /// Runs `work` to its end; the future resolves when it is done.
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>;
}

/// Runs blocking work where it stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlineBlocking;

impl Blocking for InlineBlocking {
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        work();
        Box::pin(std::future::ready(()))
    }
}

/// The files under one root folder. Paths are relative to it, with `/` between elements, and never empty
/// except in [`list`](Self::list), where the empty path is the root itself.
#[async_trait]
pub trait CheckpointFileManager: Debug + Send + Sync {
    /// The files and folders directly in `folder`, in no particular order; none when it does not exist.
    async fn list(&self, folder: &str) -> Result<Vec<FileStatus>>;
    /// The whole content, or `None` when there is no such file.
    async fn read(&self, path: &str) -> Result<Option<Bytes>>;
    /// Creates the file with its whole content, durable when this returns; never overwrites.
    async fn create(&self, path: &str, content: Bytes) -> Result<Creation>;
    /// Creates or replaces the file with its whole content, durable when this returns.
    async fn replace(&self, path: &str, content: Bytes) -> Result<()>;
    /// Deletes the file if it exists, and Hadoop's hidden `.name.crc` beside it. A power cut may undo it.
    async fn delete(&self, path: &str) -> Result<()>;
    /// The path as a person would write it, for error messages; the empty path is the root.
    fn describe(&self, path: &str) -> String;

    /// Takes an exclusive advisory lock on the existing file `path`, without waiting.
    async fn lock(&self, path: &str) -> Result<CheckpointLock> {
        let _ = path;
        Ok(CheckpointLock::Unsupported)
    }
}

/// The handle every crate passes around.
pub type FileManagerRef = Arc<dyn CheckpointFileManager>;
