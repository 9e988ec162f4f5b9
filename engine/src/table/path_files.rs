//! The files of a path: from the log of the file sink that wrote it, where there is one, else from a listing.
//!
//! What a batch sink left unfinished in the folder is then never read. Which of the two it is, is decided when the
//! first files are there, and sticks.

use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use tidemill_checkpoint::{CompactibleFileStreamLog, CompactibleLogOptions, Fsync, SinkFileStatus};

use super::TableFile;
use super::guard::missing_file;
use super::listing::{FileListing, Skip, modified_ms};
use crate::blocking::run_blocking;
use crate::sink::file::METADATA_FOLDER;
use crate::{ErrorKind, FileUri, Result, TidemillError};

/// How many objects of a store are asked for their size at once.
const HEADS_AT_ONCE: usize = 16;

/// The files of a path.
#[derive(Clone, Debug)]
pub(crate) struct PathFiles {
    listing: FileListing,
    /// Whether a sink's log says what is there; none while that is open.
    sink_log: Option<bool>,
}

impl PathFiles {
    /// The files of this path; `ignore_sink_log` lists it even if a sink's log is there.
    pub(crate) fn new(listing: FileListing, ignore_sink_log: bool) -> Self {
        let sink_log = (ignore_sink_log || listing.root().is_glob()).then_some(false);
        Self { listing, sink_log }
    }

    /// Whether a sink's log was found and is read.
    pub(crate) fn reads_sink_log(&self) -> bool {
        self.sink_log == Some(true)
    }

    /// All files, in the order of their paths; files that `skip` knows are left out.
    pub(crate) async fn list(&mut self, runtime: &RuntimeEnv, skip: Option<Skip>) -> Result<Vec<TableFile>> {
        let mut files = self.find(runtime, skip).await?;
        files.retain(|file| self.listing.modified().contains(file.modified_ms));
        Ok(files)
    }

    async fn find(&mut self, runtime: &RuntimeEnv, skip: Option<Skip>) -> Result<Vec<TableFile>> {
        match self.sink_log {
            Some(true) => self.logged(runtime, skip).await,
            Some(false) => self.listing.list(runtime, skip).await,
            None if self.has_sink_log(runtime).await? => {
                self.sink_log = Some(true);
                self.logged(runtime, skip).await
            }
            None => {
                let files = self.listing.list(runtime, skip.clone()).await?;
                if files.is_empty() {
                    return Ok(files);
                }
                // A sink may have started between the two looks.
                let found = self.has_sink_log(runtime).await?;
                self.sink_log = Some(found);
                if found {
                    self.logged(runtime, skip).await
                } else {
                    Ok(files)
                }
            }
        }
    }

    async fn has_sink_log(&self, runtime: &RuntimeEnv) -> Result<bool> {
        let folder = self.listing.root().child(METADATA_FOLDER);
        if let Some(path) = folder.local_path() {
            return run_blocking(move || path.is_dir()).await;
        }
        let (store, path) = folder.object_store(runtime)?;
        let first = store.list(Some(&path)).try_next().await;
        Ok(first.map_err(|e| self.failed(&e))?.is_some())
    }

    fn failed(&self, error: &object_store::Error) -> TidemillError {
        TidemillError::new(
            ErrorKind::Retry,
            "CANNOT_LIST_FILES",
            format!("cannot list the files of {}: {error}", self.listing.root()),
        )
    }

    async fn logged(&self, runtime: &RuntimeEnv, skip: Option<Skip>) -> Result<Vec<TableFile>> {
        let manager = self.listing.root().file_manager(runtime, Fsync::On)?;
        // Only read here: how it is written does not matter.
        let options = CompactibleLogOptions {
            compact_interval: 10,
            cleanup_delay_ms: 0,
            deletion: false,
            min_batches_to_retain: 100,
            retention_ms: None,
        };
        let log = CompactibleFileStreamLog::<SinkFileStatus>::open(manager, METADATA_FOLDER, options).await?;
        let mut files: Vec<TableFile> = Vec::new();
        for entry in log.all_files().await? {
            let uri = FileUri::from_hadoop(&entry.path)?;
            // Old logs cancel a path by a later entry.
            if entry.action == "delete" {
                files.retain(|file| file.uri != uri);
                continue;
            }
            if self.listing.accepts(uri.name()) && skip.as_ref().is_none_or(|skip| !skip(&uri)) {
                files.push(TableFile {
                    uri,
                    size_bytes: entry.size,
                    modified_ms: entry.modification_time,
                });
            }
        }
        files.sort_by(|a, b| a.uri.cmp(&b.uri));
        Ok(files)
    }
}

/// The files with their sizes as they are now, in the same order. What is gone is left out if that is allowed.
///
/// # Errors
/// `FAILED_READ_FILE.FILE_NOT_EXIST` for the first file that is gone.
pub(crate) async fn present_files(
    files: Vec<(FileUri, i64, Option<u64>)>,
    runtime: &Arc<RuntimeEnv>,
    ignore_missing: bool,
) -> Result<Vec<TableFile>> {
    if files.iter().all(|(uri, ..)| uri.is_local()) {
        return run_blocking(move || local_files(files, ignore_missing)).await?;
    }
    let found: Vec<Option<TableFile>> = futures::stream::iter(files)
        .map(|(uri, modified_ms, size)| {
            present_object(uri, modified_ms, size, Arc::clone(runtime), ignore_missing)
        })
        .buffered(HEADS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

fn local_files(files: Vec<(FileUri, i64, Option<u64>)>, ignore_missing: bool) -> Result<Vec<TableFile>> {
    let mut out = Vec::with_capacity(files.len());
    for (uri, ..) in files {
        let Some(path) = uri.local_path() else { continue };
        match std::fs::metadata(path) {
            Ok(meta) => out.push(TableFile {
                size_bytes: meta.len(),
                modified_ms: modified_ms(&meta),
                uri,
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && ignore_missing => {
                log::warn!("skipping {uri}, which is not there any more");
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(missing_file(&uri)),
            Err(e) => {
                return Err(TidemillError::new(
                    ErrorKind::Retry,
                    "FAILED_READ_FILE.NO_HINT",
                    format!("Encountered error while reading file {}. {e}", uri.to_hadoop()),
                )
                .with_source(e));
            }
        }
    }
    Ok(out)
}

async fn present_object(
    uri: FileUri,
    modified_ms: i64,
    size: Option<u64>,
    runtime: Arc<RuntimeEnv>,
    ignore_missing: bool,
) -> Result<Option<TableFile>> {
    if let Some(size_bytes) = size {
        return Ok(Some(TableFile {
            uri,
            size_bytes,
            modified_ms,
        }));
    }
    let (store, path) = uri.object_store(&runtime)?;
    match store.head(&path).await {
        Ok(meta) => Ok(Some(TableFile {
            size_bytes: meta.size,
            modified_ms: meta.last_modified.timestamp_millis(),
            uri,
        })),
        Err(object_store::Error::NotFound { .. }) if ignore_missing => {
            log::warn!("skipping {uri}, which is not there any more");
            Ok(None)
        }
        Err(object_store::Error::NotFound { .. }) => Err(missing_file(&uri)),
        Err(e) => Err(TidemillError::new(
            ErrorKind::Retry,
            "FAILED_READ_FILE.NO_HINT",
            format!("Encountered error while reading file {}. {e}", uri.to_hadoop()),
        )
        .with_source(e)),
    }
}
