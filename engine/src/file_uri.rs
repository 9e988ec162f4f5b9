//! The name of a data file or folder: a local path or a URL, and how Hadoop writes it.
#![allow(clippy::unimplemented, unused_variables)]

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use object_store::ObjectStore;
use tidemill_checkpoint::CheckpointFileManager;

use crate::Result;

/// An absolute file or folder name: `/a/b`, `file:///a/b`, `s3://bucket/a`, `memory:///a`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileUri {
    /// `file`, `s3`, `gs`, `abfss`, `memory` …
    scheme: String,
    /// Bucket or host; empty for local files.
    authority: String,
    /// The absolute path, not escaped.
    path: String,
}

impl FileUri {
    /// From what a user wrote; a relative path is relative to the working directory.
    pub fn parse(text: &str) -> Result<Self> {
        unimplemented!()
    }
    /// From what a source or sink log holds: `file:///a%20b`.
    pub fn from_hadoop(text: &str) -> Result<Self> {
        unimplemented!()
    }
    /// As Hadoop prints it in logs: `file:///a%20b`; blank and percent escaped, other letters raw.
    pub fn to_hadoop(&self) -> String {
        unimplemented!()
    }
    /// As Spark prints a folder in descriptions: `file:/a/b`.
    pub fn to_description(&self) -> String {
        unimplemented!()
    }
    /// The local path, for `file`.
    pub fn local_path(&self) -> Option<PathBuf> {
        unimplemented!()
    }
    /// The absolute path, not escaped.
    pub fn path(&self) -> &str {
        &self.path
    }
    /// A name under this folder.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        unimplemented!()
    }
    /// The object store that holds it, and its path there.
    pub fn object_store(
        &self,
        runtime: &RuntimeEnv,
    ) -> Result<(Arc<dyn ObjectStore>, object_store::path::Path)> {
        unimplemented!()
    }
    /// A file manager rooted at this folder (durable writes, no overwrite).
    pub fn file_manager(&self, runtime: &RuntimeEnv) -> Result<Arc<dyn CheckpointFileManager>> {
        unimplemented!()
    }
}
