//! `cleanSource`: deletes input files whose batch is committed, or moves them into an archive.
//!
//! Best effort, as in Spark: a file that cannot be cleaned is logged and stays. It happens in the background unless
//! `spark.sql.streaming.fileSource.cleaner.numThreads` is 0.

use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use object_store::ObjectStoreExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::options::CleanSource;
use crate::blocking::run_blocking;
use crate::{FileUri, Result, TidemillError};

/// Cleans files, a few at a time.
#[derive(Debug)]
pub(super) struct Cleaner {
    mode: CleanSource,
    /// None to clean within the call.
    permits: Option<Arc<Semaphore>>,
    running: tokio::sync::Mutex<JoinSet<()>>,
    runtime: Arc<RuntimeEnv>,
}

impl Cleaner {
    /// None when nothing is to be cleaned.
    pub(super) fn new(mode: CleanSource, threads: u64, runtime: Arc<RuntimeEnv>) -> Option<Self> {
        let threads = usize::try_from(threads)
            .unwrap_or(Semaphore::MAX_PERMITS)
            .min(Semaphore::MAX_PERMITS);
        (mode != CleanSource::Off).then(|| Self {
            mode,
            permits: (threads > 0).then(|| Arc::new(Semaphore::new(threads))),
            running: tokio::sync::Mutex::default(),
            runtime,
        })
    }

    /// Cleans these files, or sees to it that they will be.
    pub(super) async fn clean(&self, files: Vec<FileUri>) {
        let mut running = self.running.lock().await;
        while running.try_join_next().is_some() {}
        for file in files {
            let mode = self.mode.clone();
            let runtime = Arc::clone(&self.runtime);
            match &self.permits {
                None => clean_one(&mode, &file, &runtime).await,
                Some(permits) => {
                    let permits = Arc::clone(permits);
                    running.spawn(async move {
                        // The semaphore is never closed.
                        let _permit = permits.acquire().await;
                        clean_one(&mode, &file, &runtime).await;
                    });
                }
            }
        }
    }

    /// Waits until everything handed over is cleaned.
    pub(super) async fn finish(&self) {
        let mut running = self.running.lock().await;
        while running.join_next().await.is_some() {}
    }
}

async fn clean_one(mode: &CleanSource, file: &FileUri, runtime: &RuntimeEnv) {
    let (what, result) = match mode {
        CleanSource::Off => return,
        CleanSource::Delete => ("delete", delete(file, runtime).await),
        CleanSource::Archive(folder) => {
            let target = folder.join(file.path());
            ("archive", archive(file, &target, runtime).await)
        }
    };
    match result {
        Ok(()) => log::debug!("cleanSource: {what} {file}"),
        Err(error) => log::warn!("cleanSource: cannot {what} {file}, it stays where it is: {error}"),
    }
}

async fn delete(file: &FileUri, runtime: &RuntimeEnv) -> Result<()> {
    if let Some(path) = file.local_path() {
        return run_blocking(move || std::fs::remove_file(path))
            .await?
            .map_err(failed);
    }
    let (store, path) = file.object_store(runtime)?;
    store.delete(&path).await.map_err(failed)
}

async fn archive(file: &FileUri, target: &FileUri, runtime: &RuntimeEnv) -> Result<()> {
    if let (Some(from), Some(to)) = (file.local_path(), target.local_path()) {
        return run_blocking(move || move_file(&from, &to)).await?.map_err(failed);
    }
    let (store, from) = file.object_store(runtime)?;
    store
        .rename_if_not_exists(&from, &target.store_path()?)
        .await
        .map_err(failed)
}

// An input file of the user's, no log entry: losing the move in a crash only leaves it where it was.
#[expect(clippy::disallowed_methods)]
fn move_file(from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if to.exists() {
        return Err(std::io::Error::new(
            std::io::ErrorKind::AlreadyExists,
            format!("{} exists already", to.display()),
        ));
    }
    std::fs::rename(from, to)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> TidemillError {
    TidemillError::new(crate::ErrorKind::Retry, "CLEAN_SOURCE", error.to_string()).with_source(error)
}
