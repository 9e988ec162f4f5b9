//! Where the bytes of a part file go: a file on a local disk, or a buffer that is put into an object store whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tidemill_checkpoint::Fsync;

use crate::blocking::run_blocking;
use crate::file_uri::FileUri;
use crate::sink::file::io_error;
use crate::{Result, TidemillError};

/// An open part file.
#[derive(Debug)]
pub(crate) enum PartOutput {
    /// A file on a local disk, written in place.
    Local(File),
    /// The content so far of an object.
    Buffer(Vec<u8>),
}

/// What the log says of a part file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartStatus {
    pub(crate) size_bytes: u64,
    pub(crate) modified_ms: i64,
}

impl PartOutput {
    /// A new file; its folder is made when it is missing.
    pub(crate) fn create(uri: &FileUri) -> Result<Self> {
        let Some(path) = uri.local_path() else {
            return Ok(Self::Buffer(Vec::new()));
        };
        let open = || OpenOptions::new().write(true).create_new(true).open(&path);
        let file = open().or_else(|e| match path.parent() {
            Some(folder) if e.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(folder)?;
                open()
            }
            _ => Err(e),
        });
        file.map(Self::Local).map_err(|e| io_error("create", uri, e))
    }

    /// Makes the content durable (the folder is the caller's to sync) and reads what the log needs.
    pub(crate) async fn persist(
        self,
        uri: &FileUri,
        store: Option<Arc<dyn ObjectStore>>,
        fsync: Fsync,
    ) -> Result<PartStatus> {
        match self {
            Self::Local(file) => {
                let status = run_blocking(move || {
                    fsync.sync(&file)?;
                    let metadata = file.metadata()?;
                    let modified = metadata.modified()?;
                    let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                    Ok(PartStatus {
                        size_bytes: metadata.len(),
                        modified_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
                    })
                });
                status.await?.map_err(|e| io_error("write", uri, e))
            }
            Self::Buffer(bytes) => {
                let store =
                    store.ok_or_else(|| TidemillError::internal("a part file without an object store"))?;
                let path = uri.store_path()?;
                let put = store.put(&path, PutPayload::from(bytes)).await;
                put.map_err(|e| io_error("write", uri, e.into()))?;
                let found = store
                    .head(&path)
                    .await
                    .map_err(|e| io_error("read", uri, e.into()))?;
                Ok(PartStatus {
                    size_bytes: found.size,
                    modified_ms: found.last_modified.timestamp_millis(),
                })
            }
        }
    }
}

impl Write for PartOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Local(file) => file.write(bytes),
            Self::Buffer(buffer) => buffer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Local(file) => file.flush(),
            Self::Buffer(_) => Ok(()),
        }
    }
}

/// Makes the names in a local folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
