//! A local folder: a file is there whole and durable, or it is not there.
//!
//! Content goes to the hidden sibling `.<name>.<uuid>.tmp`, is fsynced, renamed to its place (without overwrite for
//! [`create`](CheckpointFileManager::create)), and the folder is fsynced. A folder's handle stays open, so a small
//! file costs one look-up, one unlink (the orphan checksum) and what durability itself costs. Missing folders are
//! made, durably, only when a write finds them missing.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::oneshot;
use uuid::Uuid;

use super::checksum::{check_path, hidden_crc};
use super::{Blocking, CheckpointFileManager, CheckpointLock, Creation, FileStatus, Fsync, LockGuard};
use crate::error::{CheckpointError, Result};

/// How many folders keep an open handle.
const MAX_FOLDER_HANDLES: usize = 64;

/// Numbers the temporary files of this process; leftovers of another process are stepped over.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// Files of a local folder: fsync of file and folder, rename without overwrite.
#[derive(Debug)]
pub struct LocalFileManager {
    inner: Arc<Inner>,
    blocking: Arc<dyn Blocking>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    fsync: Fsync,
    folders: Mutex<HashMap<PathBuf, Arc<File>>>,
}

#[derive(Clone, Copy)]
enum Overwrite {
    Never,
    Always,
}

impl LocalFileManager {
    /// The files under `root`, which need not exist yet; file operations run in `blocking`. Every write is synced.
    pub fn new(root: impl Into<PathBuf>, blocking: Arc<dyn Blocking>) -> Self {
        Self::with_fsync(root, blocking, Fsync::On)
    }

    /// As [`new`](Self::new), with writes that are synced or not.
    pub fn with_fsync(root: impl Into<PathBuf>, blocking: Arc<dyn Blocking>, fsync: Fsync) -> Self {
        Self {
            inner: Arc::new(Inner {
                root: root.into(),
                fsync,
                folders: Mutex::default(),
            }),
            blocking,
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    async fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        path: &str,
        work: impl FnOnce(&Inner, &str) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let (inner, owned) = (Arc::clone(&self.inner), path.to_owned());
        self.blocking
            .run(Box::new(move || {
                // The receiver is gone only when the caller was dropped: nobody is left to tell.
                let _ = sender.send(work(&inner, &owned));
            }))
            .await;
        match receiver.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(CheckpointError::io(action, self.describe(path), error)),
            Err(_) => Err(CheckpointError::io(
                action,
                self.describe(path),
                "the work was dropped before it ran; the process is shutting down",
            )),
        }
    }
}

#[async_trait]
impl CheckpointFileManager for LocalFileManager {
    async fn list(&self, folder: &str) -> Result<Vec<FileStatus>> {
        if !folder.is_empty() {
            check_path(folder)?;
        }
        self.run("list", folder, Inner::list).await
    }

    async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        check_path(path)?;
        self.run("read", path, |inner, path| {
            absent_is_none(std::fs::read(inner.root.join(path)).map(Bytes::from))
        })
        .await
    }

    async fn create(&self, path: &str, content: Bytes) -> Result<Creation> {
        check_path(path)?;
        self.run("create", path, move |inner, path| inner.create(path, &content))
            .await
    }

    async fn replace(&self, path: &str, content: Bytes) -> Result<()> {
        check_path(path)?;
        self.run("replace", path, move |inner, path| {
            inner.write(path, &content, Overwrite::Always).map(|_| ())
        })
        .await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        check_path(path)?;
        self.run("delete", path, |inner, path| {
            // The checksum goes first: left alone it would stop Spark from ever creating the file again.
            remove_if_present(&inner.root.join(hidden_crc(path)))?;
            remove_if_present(&inner.root.join(path))
        })
        .await
    }

    fn describe(&self, path: &str) -> String {
        if path.is_empty() {
            self.inner.root.display().to_string()
        } else {
            self.inner.root.join(path).display().to_string()
        }
    }

    async fn lock(&self, path: &str) -> Result<CheckpointLock> {
        check_path(path)?;
        self.run("lock", path, |inner, path| {
            // Open for writing: network file systems give an exclusive lock only to a writer.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(inner.root.join(path))?;
            match file.try_lock() {
                Ok(()) => Ok(CheckpointLock::Held(LockGuard::new(file))),
                Err(std::fs::TryLockError::WouldBlock) => Ok(CheckpointLock::Busy),
                Err(std::fs::TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    Ok(CheckpointLock::Unsupported)
                }
                Err(std::fs::TryLockError::Error(error)) => Err(error),
            }
        })
        .await
    }
}

impl Inner {
    fn list(&self, folder: &str) -> std::io::Result<Vec<FileStatus>> {
        let Some(entries) = absent_is_none(std::fs::read_dir(self.root.join(folder)))? else {
            return Ok(Vec::new());
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            // A name that is not Unicode is none of ours.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // The file may be deleted while we look; a symbolic link counts as what it leads to.
            let Some(metadata) = absent_is_none(std::fs::metadata(entry.path()))? else {
                continue;
            };
            files.push(FileStatus {
                name,
                is_dir: metadata.is_dir(),
                size_bytes: if metadata.is_dir() { 0 } else { metadata.len() },
                modified_ms: millis(metadata.modified()?),
            });
        }
        Ok(files)
    }

    fn create(&self, path: &str, content: &[u8]) -> std::io::Result<Creation> {
        // Looked up first, so that a lost race leaves the winner's checksum file alone and costs no fsync.
        if self.root.join(path).try_exists()? {
            return Ok(Creation::AlreadyExists);
        }
        self.write(path, content, Overwrite::Never)
    }

    fn write(&self, path: &str, content: &[u8], overwrite: Overwrite) -> std::io::Result<Creation> {
        let target = self.root.join(path);
        let folder = target.parent().unwrap_or(&self.root);
        let name = target.file_name().and_then(|name| name.to_str()).unwrap_or(path);
        remove_if_present(&self.root.join(hidden_crc(path)))?;
        let (temporary, mut file) = self.open_temporary(folder, name)?;
        let renamed = file
            .write_all(content)
            .and_then(|()| self.fsync.sync(&file))
            .and_then(|()| match overwrite {
                Overwrite::Never => rename_no_replace(&temporary, &target),
                Overwrite::Always => rename_over(&temporary, &target),
            });
        match renamed {
            Ok(()) => {
                self.sync_folder(folder)?;
                Ok(Creation::Created)
            }
            Err(error) => {
                // Best effort: a temporary file left behind is ignored by every reader.
                let _ = std::fs::remove_file(&temporary);
                match (overwrite, error.kind()) {
                    (Overwrite::Never, ErrorKind::AlreadyExists) => Ok(Creation::AlreadyExists),
                    _ => Err(error),
                }
            }
        }
    }

    fn open_temporary(&self, folder: &Path, name: &str) -> std::io::Result<(PathBuf, File)> {
        let mut made_folder = false;
        loop {
            let number = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
            let id = Uuid::from_u64_pair(u64::from(std::process::id()), number);
            let temporary = folder.join(format!(".{name}.{id}.tmp"));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok((temporary, file)),
                // A leftover of an earlier process with this id: take the next number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == ErrorKind::NotFound && !made_folder => {
                    made_folder = true;
                    self.forget_folder(folder);
                    create_folder(folder, self.fsync)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn sync_folder(&self, folder: &Path) -> std::io::Result<()> {
        if !cfg!(unix) || self.fsync == Fsync::Off {
            // Elsewhere a folder cannot be opened for fsync; the file system orders renames itself.
            return Ok(());
        }
        let cached = self
            .folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(folder)
            .cloned();
        let handle = match cached {
            Some(handle) => handle,
            None => {
                let handle = Arc::new(File::open(folder)?);
                let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                if folders.len() >= MAX_FOLDER_HANDLES {
                    folders.clear();
                }
                folders.insert(folder.to_owned(), Arc::clone(&handle));
                handle
            }
        };
        handle.sync_all()
    }

    fn forget_folder(&self, folder: &Path) {
        self.folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(folder);
    }
}

/// Makes the folder and its missing parents, each synced in the one above.
fn create_folder(folder: &Path, fsync: Fsync) -> std::io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_folder(parent, fsync)?;
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if cfg!(unix) {
        fsync.sync(&File::open(parent)?)?;
    }
    Ok(())
}

/// Renames in one step where the system can; else by a hard link, which also never overwrites.
fn rename_no_replace(from: &Path, to: &Path) -> std::io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            // The file system does not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the local file manager: only replace() overwrites, never a log entry"
)]
fn rename_over(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)
}

fn remove_if_present(path: &Path) -> std::io::Result<()> {
    absent_is_none(std::fs::remove_file(path)).map(|_| ())
}

fn absent_is_none<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Milliseconds since the epoch, negative before it.
fn millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}
