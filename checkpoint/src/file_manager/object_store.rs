//! An object store under a prefix: a log entry is made by a conditional put, which the store decides.
//!
//! Objects appear whole or not at all, so there are no temporary names. Nothing here spawns or blocks; the stores of
//! cloud providers need a tokio runtime around them.

use std::sync::Arc;

use ::object_store::path::Path;
use ::object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use async_trait::async_trait;
use bytes::Bytes;

use super::checksum::{check_path, hidden_crc};
use super::{CheckpointFileManager, Creation, FileStatus};
use crate::error::{CheckpointError, Result};

/// Files of an object store under a prefix: conditional create.
#[derive(Debug)]
pub struct ObjectStoreFileManager {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl ObjectStoreFileManager {
    /// The objects of `store` below `prefix`.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self { store, prefix }
    }

    fn location(&self, path: &str) -> Result<Path> {
        check_path(path)?;
        // Names are taken as they are: escaping would give other names than Spark's.
        Path::parse(format!("{}/{path}", self.prefix)).map_err(|error| self.failed("name", path, error))
    }

    fn failed(
        &self,
        action: &'static str,
        path: &str,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> CheckpointError {
        CheckpointError::io(action, self.describe(path), error)
    }

    async fn put(&self, action: &'static str, path: &str, content: Bytes, mode: PutMode) -> Result<Creation> {
        let location = self.location(path)?;
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        match self
            .store
            .put_opts(&location, PutPayload::from_bytes(content), options)
            .await
        {
            Ok(_) => Ok(Creation::Created),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Creation::AlreadyExists),
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                Err(CheckpointError::UnsupportedStore {
                    location: self.describe(""),
                    reason: "it cannot create an object on condition that there is none, which log entries need. \
                             Switch conditional put on (for S3: aws_conditional_put = etag) or use another store"
                        .to_owned(),
                })
            }
            Err(error) => Err(self.failed(action, path, error)),
        }
    }
}

#[async_trait]
impl CheckpointFileManager for ObjectStoreFileManager {
    async fn list(&self, folder: &str) -> Result<Vec<FileStatus>> {
        let location = if folder.is_empty() {
            self.prefix.clone()
        } else {
            self.location(folder)?
        };
        let listing = self
            .store
            .list_with_delimiter(Some(&location))
            .await
            .map_err(|error| self.failed("list", folder, error))?;
        let mut files = Vec::with_capacity(listing.objects.len());
        for object in listing.objects {
            let Some(name) = object.location.filename() else {
                continue;
            };
            files.push(FileStatus {
                name: name.to_owned(),
                is_dir: false,
                size_bytes: object.size,
                modified_ms: object.last_modified.timestamp_millis(),
            });
        }
        for folder in listing.common_prefixes {
            if let Some(name) = folder.filename() {
                files.push(FileStatus {
                    name: name.to_owned(),
                    is_dir: true,
                    size_bytes: 0,
                    modified_ms: 0,
                });
            }
        }
        Ok(files)
    }

    async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let location = self.location(path)?;
        let found = match self.store.get(&location).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            Ok(content) => Ok(Some(content)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", path, error)),
        }
    }

    async fn create(&self, path: &str, content: Bytes) -> Result<Creation> {
        self.put("create", path, content, PutMode::Create).await
    }

    async fn replace(&self, path: &str, content: Bytes) -> Result<()> {
        self.delete_one(&hidden_crc(path)).await?;
        self.put("replace", path, content, PutMode::Overwrite)
            .await
            .map(|_| ())
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.delete_one(&hidden_crc(path)).await?;
        self.delete_one(path).await
    }

    fn describe(&self, path: &str) -> String {
        match (self.prefix.as_ref(), path) {
            (prefix, "") => format!("{}/{prefix}", self.store),
            ("", path) => format!("{}/{path}", self.store),
            (prefix, path) => format!("{}/{prefix}/{path}", self.store),
        }
    }
}

impl ObjectStoreFileManager {
    async fn delete_one(&self, path: &str) -> Result<()> {
        let location = self.location(path)?;
        match self.store.delete(&location).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("delete", path, error)),
        }
    }
}
