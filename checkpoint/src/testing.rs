//! For tests of this and other crates: a file manager that fails on demand, and the conformance suite.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

pub use crate::file_manager::conformance;
use crate::{CheckpointError, CheckpointFileManager, CheckpointLock, Creation, FileStatus, Result};

/// When the chosen write fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultMoment {
    /// Nothing was written.
    Before,
    /// The write took effect, but the writer never learns it.
    After,
}

/// Passes everything on to another manager until its n-th write; from there on everything fails, as after a crash.
///
/// Writes are creates, replaces and deletes, counted from 0. To go on after the "crash", wrap the inner manager anew
/// or call [`heal`](Self::heal).
#[derive(Debug)]
pub struct FaultyFileManager {
    inner: Arc<dyn CheckpointFileManager>,
    fault: Option<(u64, FaultMoment)>,
    writes: AtomicU64,
    crashed: AtomicBool,
}

impl FaultyFileManager {
    /// Counts writes and never fails.
    pub fn counting(inner: Arc<dyn CheckpointFileManager>) -> Self {
        Self {
            inner,
            fault: None,
            writes: AtomicU64::new(0),
            crashed: AtomicBool::new(false),
        }
    }

    /// Fails write number `nth` (from 0), and everything after it.
    pub fn failing(inner: Arc<dyn CheckpointFileManager>, nth: u64, moment: FaultMoment) -> Self {
        Self {
            fault: Some((nth, moment)),
            ..Self::counting(inner)
        }
    }

    /// How many writes were tried.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Whether the fault has struck.
    pub fn crashed(&self) -> bool {
        self.crashed.load(Ordering::SeqCst)
    }

    /// Lets everything pass from now on, except that the chosen write still fails if it is yet to come.
    pub fn heal(&self) {
        self.crashed.store(false, Ordering::SeqCst);
    }

    fn check(&self, path: &str) -> Result<()> {
        if self.crashed() {
            return Err(self.fault(path));
        }
        Ok(())
    }

    fn fault(&self, path: &str) -> CheckpointError {
        CheckpointError::io("reach", self.inner.describe(path), "injected fault")
    }

    /// What is to become of the next write.
    fn next_write(&self, path: &str) -> Result<Option<FaultMoment>> {
        self.check(path)?;
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Some((nth, moment)) if nth == number => {
                self.crashed.store(true, Ordering::SeqCst);
                match moment {
                    FaultMoment::Before => Err(self.fault(path)),
                    FaultMoment::After => Ok(Some(moment)),
                }
            }
            _ => Ok(None),
        }
    }

    fn finish<T>(&self, path: &str, fault: Option<FaultMoment>, result: Result<T>) -> Result<T> {
        let value = result?;
        match fault {
            Some(_) => Err(self.fault(path)),
            None => Ok(value),
        }
    }
}

#[async_trait]
impl CheckpointFileManager for FaultyFileManager {
    async fn list(&self, folder: &str) -> Result<Vec<FileStatus>> {
        self.check(folder)?;
        self.inner.list(folder).await
    }

    async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        self.check(path)?;
        self.inner.read(path).await
    }

    async fn create(&self, path: &str, content: Bytes) -> Result<Creation> {
        let fault = self.next_write(path)?;
        self.finish(path, fault, self.inner.create(path, content).await)
    }

    async fn replace(&self, path: &str, content: Bytes) -> Result<()> {
        let fault = self.next_write(path)?;
        self.finish(path, fault, self.inner.replace(path, content).await)
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let fault = self.next_write(path)?;
        self.finish(path, fault, self.inner.delete(path).await)
    }

    fn describe(&self, path: &str) -> String {
        self.inner.describe(path)
    }

    async fn lock(&self, path: &str) -> Result<CheckpointLock> {
        self.check(path)?;
        self.inner.lock(path).await
    }
}

/// An empty manager that lives in memory.
pub fn in_memory() -> Arc<dyn CheckpointFileManager> {
    Arc::new(crate::ObjectStoreFileManager::new(
        Arc::new(object_store::memory::InMemory::new()),
        object_store::path::Path::default(),
    ))
}
