//! How checkpoint files are written: durably, whole or not at all, and log entries never twice.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::Result;

/// What came of creating a file that must not be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Creation {
    /// The file is new and durable.
    Created,
    /// Another writer was first; nothing was changed.
    AlreadyExists,
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
    /// Deletes the file if it exists, and Hadoop's hidden `.name.crc` beside it.
    async fn delete(&self, path: &str) -> Result<()>;
    /// The path as a person would write it, for error messages.
    fn describe(&self, path: &str) -> String;
}

/// Files of a local folder: fsync of file and folder, rename without overwrite.
#[derive(Debug)]
pub struct LocalFileManager {
    root: PathBuf,
    blocking: Arc<dyn Blocking>,
}

/// Files of an object store under a prefix: conditional create.
#[derive(Debug)]
pub struct ObjectStoreFileManager {
    store: Arc<dyn object_store::ObjectStore>,
    prefix: object_store::path::Path,
}
