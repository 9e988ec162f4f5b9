//! The part files of one batch, from their creation until the log names them.
//!
//! Files are written in place: what is not in the log does not count. A batch that fails before its log entry is
//! tried deletes its files as best it can; from the moment of the entry they are left alone, because the entry may
//! have been written even where its writer saw an error.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::runtime::JoinSet;
use object_store::{ObjectStore, ObjectStoreExt};
use tidemill_checkpoint::{Fsync, SinkFileStatus};

use super::writer::{PartOutput, sync_folder};
use super::{io_error, status};
use crate::blocking::run_blocking;
use crate::file_uri::FileUri;
use crate::{Result, TidemillError};

/// The files that a batch has begun; deletes them when dropped unless they are kept.
#[derive(Debug)]
pub(crate) struct BatchParts {
    root: FileUri,
    store: Option<Arc<dyn ObjectStore>>,
    fsync: Fsync,
    begun: Arc<Mutex<Vec<FileUri>>>,
    keep: bool,
}

/// A handle with which a task begins files.
#[derive(Clone, Debug)]
pub(crate) struct PartStarter {
    root: FileUri,
    store: Option<Arc<dyn ObjectStore>>,
    fsync: Fsync,
    begun: Arc<Mutex<Vec<FileUri>>>,
}

impl BatchParts {
    /// For a batch into this folder.
    pub(crate) fn new(root: FileUri, store: Option<Arc<dyn ObjectStore>>, fsync: Fsync) -> Self {
        Self {
            root,
            store,
            fsync,
            begun: Arc::default(),
            keep: false,
        }
    }

    /// For one task.
    pub(crate) fn starter(&self) -> PartStarter {
        PartStarter {
            root: self.root.clone(),
            store: self.store.clone(),
            fsync: self.fsync,
            begun: Arc::clone(&self.begun),
        }
    }

    /// Makes the names of the files durable: every folder from theirs up to the output once, side by side.
    pub(crate) async fn sync_folders(&self) -> Result<()> {
        let mut folders = BTreeSet::new();
        let (Some(root), Fsync::On) = (self.root.local_path(), self.fsync) else {
            return Ok(());
        };
        for file in self.begun() {
            let Some(path) = file.local_path() else { continue };
            let above = path
                .ancestors()
                .skip(1)
                .take_while(|folder| folder.starts_with(&root));
            folders.extend(above.map(PathBuf::from));
        }
        let mut tasks = JoinSet::new();
        for folder in folders {
            tasks.spawn(async move {
                let uri = FileUri::from_local_path(&folder)?;
                let synced = run_blocking(move || sync_folder(&folder)).await?;
                synced.map_err(|e| io_error("sync the folder", &uri, e))
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(|e| TidemillError::internal(format!("a folder sync: {e}")))??;
        }
        Ok(())
    }

    /// From here on the files belong to the log.
    pub(crate) fn keep(&mut self) {
        self.keep = true;
    }

    /// Deletes the files as best it can.
    pub(crate) async fn discard(mut self) {
        self.keep = true;
        let Some(store) = self.store.clone() else {
            remove_local(&self.begun());
            return;
        };
        for file in self.begun() {
            if let Ok(path) = file.store_path()
                && let Err(e) = store.delete(&path).await
            {
                log::debug!("cannot delete {file}, which no log entry names: {e}");
            }
        }
    }

    fn begun(&self) -> Vec<FileUri> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for BatchParts {
    fn drop(&mut self) {
        if !self.keep {
            remove_local(&self.begun());
        }
    }
}

/// Nothing depends on it: a file that stays is never read.
fn remove_local(files: &[FileUri]) {
    for path in files.iter().filter_map(FileUri::local_path) {
        if let Err(e) = std::fs::remove_file(&path) {
            log::debug!("cannot delete {}, which no log entry names: {e}", path.display());
        }
    }
}

impl PartStarter {
    /// Begins the file of this name, relative to the output.
    pub(crate) fn begin(&self, name: &str) -> Result<(FileUri, PartOutput)> {
        let uri = self.root.join(name);
        let output = PartOutput::create(&uri)?;
        self.begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(uri.clone());
        Ok((uri, output))
    }

    /// Makes the file durable and gives its entry for the log.
    pub(crate) async fn complete(self, uri: FileUri, output: PartOutput) -> Result<SinkFileStatus> {
        let found = output.persist(&uri, self.store, self.fsync).await?;
        Ok(status(&uri, found))
    }
}
