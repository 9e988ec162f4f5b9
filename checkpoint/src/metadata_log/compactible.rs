//! A log whose every n-th file repeats all entries so far: `sources/<i>` and `_spark_metadata`.
//!
//! With interval K, entry M is written as `M.compact` when (M+1) mod K = 0 and then holds everything before it too.
//! A writer lists the folder once, when it opens the log; after that appending lists nothing, and reads only when it
//! compacts. Another writer is noticed by the create that fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::entry::{encode, parse};
use super::{CompactibleLogEntry, MetadataLog};
use crate::retention::{CompactKind, compact_interval, compact_name, is_compaction, superseded_below};
use crate::{BatchId, CheckpointError, CheckpointFileManager, Creation, FileStatus, Result};

/// How often reading starts anew when a listed file was superseded and deleted meanwhile.
const READ_ATTEMPTS: usize = 10;

/// How a compactible log compacts and cleans up.
#[derive(Clone, Debug)]
pub struct CompactibleLogOptions {
    /// Every so many entries one compact file (10).
    pub compact_interval: u64,
    /// Superseded files younger than this stay (600,000 ms).
    pub cleanup_delay_ms: u64,
    /// Whether superseded files are deleted at all.
    pub deletion: bool,
    /// How many entries below the newest stay whatever their age (100).
    pub min_batches_to_retain: u64,
    /// Sink option `retention`: entries older than this are dropped at compaction.
    pub retention_ms: Option<i64>,
}

impl Default for CompactibleLogOptions {
    /// Spark's defaults.
    fn default() -> Self {
        Self {
            compact_interval: 10,
            cleanup_delay_ms: 600_000,
            deletion: true,
            min_batches_to_retain: 100,
            retention_ms: None,
        }
    }
}

/// A log whose every n-th file repeats all entries so far: `sources/<i>` and `_spark_metadata`.
#[derive(Debug)]
pub struct CompactibleFileStreamLog<E> {
    log: MetadataLog,
    options: CompactibleLogOptions,
    interval: u64,
    files: Mutex<Files>,
    /// What this writer added last, so that the batch that follows reads no file, compact ones least of all.
    newest: Mutex<Option<(BatchId, Vec<E>)>>,
}

/// The files of the log, by id and kind, with their modification times in ms.
#[derive(Clone, Debug, Default)]
struct Files {
    plain: BTreeMap<u64, i64>,
    compact: BTreeMap<u64, i64>,
}

impl Files {
    fn new(listing: &[FileStatus]) -> Self {
        let mut files = Self::default();
        for file in listing.iter().filter(|file| !file.is_dir) {
            match CompactKind::of(&file.name) {
                Some((id, CompactKind::Plain)) => files.plain.insert(id, file.modified_ms),
                Some((id, CompactKind::Compact)) => files.compact.insert(id, file.modified_ms),
                None => None,
            };
        }
        files
    }

    fn latest(&self) -> Option<u64> {
        let plain = self.plain.last_key_value().map(|(id, _)| *id);
        let compact = self.compact.last_key_value().map(|(id, _)| *id);
        plain.max(compact)
    }

    /// The files that hold everything up to and with `last`: the newest compact file, then every id above it.
    fn covering(&self, last: u64) -> Vec<(u64, CompactKind)> {
        let base = self.compact.range(..=last).next_back().map(|(id, _)| *id);
        let first_plain = base.map_or(0, |id| id.saturating_add(1));
        base.map(|id| (id, CompactKind::Compact))
            .into_iter()
            .chain((first_plain..=last).map(|id| (id, CompactKind::Plain)))
            .collect()
    }
}

impl<E: CompactibleLogEntry> CompactibleFileStreamLog<E> {
    /// Opens the log in `folder` of `manager`; the interval comes from existing compact files where there are any.
    pub async fn open(
        manager: Arc<dyn CheckpointFileManager>,
        folder: impl Into<String>,
        options: CompactibleLogOptions,
    ) -> Result<Self> {
        if options.compact_interval == 0 {
            return Err(CheckpointError::InvalidOption {
                name: "compactInterval",
                value: "0".to_owned(),
                expected: "a positive number of batches",
            });
        }
        let folder = folder.into();
        let files = Files::new(&manager.list(&folder).await?);
        let newest: Vec<u64> = files.compact.keys().rev().take(2).copied().collect();
        let interval = compact_interval(options.compact_interval, &newest);
        Ok(Self {
            log: MetadataLog::new(manager, folder),
            options,
            interval,
            files: Mutex::new(files),
            newest: Mutex::default(),
        })
    }

    /// The interval in force: that of the existing files, else the option's.
    pub fn compact_interval(&self) -> u64 {
        self.interval
    }

    /// The newest entry's number, as of opening or of this log's last write.
    #[expect(clippy::unused_async, reason = "the border with the engine is asynchronous")]
    pub async fn latest(&self) -> Result<Option<BatchId>> {
        Ok(self.files().latest().map(BatchId::new))
    }

    /// Writes entry `id` (compacting when it is due), then deletes what is superseded and old enough.
    ///
    /// `AlreadyExists` when the log holds `id` or a later entry, or another writer was first. Entries follow each
    /// other without gaps: an `id` above the next one is an error, since no reader could read such a log.
    pub async fn add(&self, id: BatchId, entries: Vec<E>, now_ms: i64) -> Result<Creation> {
        let latest = self.files().latest();
        if latest.is_some_and(|latest| latest >= id.get()) {
            return Ok(Creation::AlreadyExists);
        }
        if let Some(previous) = id.previous()
            && latest != Some(previous.get())
        {
            return Err(CheckpointError::MissingLogEntry {
                path: self.describe(previous.get(), CompactKind::Plain),
                needed_by: format!("entry {id} of the log"),
            });
        }
        let kind = if is_compaction(id.get(), self.interval) {
            CompactKind::Compact
        } else {
            CompactKind::Plain
        };
        let kept = match kind {
            CompactKind::Plain => entries.clone(),
            CompactKind::Compact => {
                let mut all = match id.previous() {
                    Some(previous) => {
                        let files = self.files().covering(previous.get());
                        self.read_each(&files, id).await?
                    }
                    None => Vec::new(),
                };
                all.extend(entries.iter().cloned());
                E::compact(all, self.options.retention_ms, now_ms)
            }
        };
        let path = self.path(id.get(), kind);
        let content = encode(&self.log.manager().describe(&path), &kept)?;
        let creation = self.log.manager().create(&path, content.into()).await?;
        if creation == Creation::Created {
            match kind {
                CompactKind::Plain => self.files().plain.insert(id.get(), now_ms),
                CompactKind::Compact => self.files().compact.insert(id.get(), now_ms),
            };
            *self.newest() = Some((id, entries));
            self.delete_superseded(id, now_ms).await?;
        }
        Ok(creation)
    }

    /// What entry `id` added, without what a compact file repeats; `None` when there is no such entry any more.
    ///
    /// Only exact for entries that name their own number (the source log); for others a compact file answers whole.
    pub async fn get(&self, id: BatchId) -> Result<Option<Vec<E>>> {
        if let Some((newest, entries)) = self.newest().as_ref()
            && *newest == id
        {
            return Ok(Some(entries.clone()));
        }
        if let Some(entries) = self.read_file(id.get(), CompactKind::Plain).await? {
            return Ok(Some(entries));
        }
        let Some((compact, mut entries)) = self.compact_at_or_above(id).await? else {
            return Ok(None);
        };
        if entries.iter().any(|entry| entry.log_id().is_none()) {
            return Ok((compact == id).then_some(entries));
        }
        entries.retain(|entry| entry.log_id() == Some(id.get()));
        Ok((compact == id || !entries.is_empty()).then_some(entries))
    }

    /// The entries of `after < id <= up_to`, in order: what one batch of the query reads.
    ///
    /// For entries that name their own number. A number that is in no file is an error.
    pub async fn between(&self, after: Option<BatchId>, up_to: BatchId) -> Result<Vec<E>> {
        let mut all = Vec::new();
        let mut id = after.map_or(BatchId::FIRST, BatchId::next);
        while id <= up_to {
            let cached = match self.newest().as_ref() {
                Some((newest, entries)) if *newest == id => Some(entries.clone()),
                _ => None,
            };
            let plain = match cached {
                Some(entries) => Some(entries),
                None => self.read_file(id.get(), CompactKind::Plain).await?,
            };
            if let Some(entries) = plain {
                all.extend(entries);
                id = id.next();
                continue;
            }
            let Some((compact, entries)) = self.compact_at_or_above(id).await? else {
                return Err(CheckpointError::MissingLogEntry {
                    path: self.describe(id.get(), CompactKind::Plain),
                    needed_by: format!("the batch that reads up to entry {up_to}"),
                });
            };
            let wanted = id.get()..=up_to.min(compact).get();
            all.extend(
                entries
                    .into_iter()
                    .filter(|entry| entry.log_id().is_some_and(|log_id| wanted.contains(&log_id))),
            );
            id = compact.next();
        }
        Ok(all)
    }

    /// All live entries: the newest compact file and the plain files above it, in order.
    ///
    /// Looks at the folder anew, so it serves readers of a log that another process writes.
    pub async fn all_files(&self) -> Result<Vec<E>> {
        let mut failure = None;
        for _ in 0..READ_ATTEMPTS {
            let files = Files::new(&self.log.manager().list(self.log.folder()).await?);
            let Some(latest) = files.latest() else {
                return Ok(Vec::new());
            };
            match self
                .read_each(&files.covering(latest), BatchId::new(latest))
                .await
            {
                Ok(entries) => return Ok(E::compact(entries, None, 0)),
                // Superseded and deleted since the listing: a newer compact file is there now.
                Err(error @ CheckpointError::MissingLogEntry { .. }) => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        failure.map_or(Ok(Vec::new()), Err)
    }

    async fn read_each(&self, files: &[(u64, CompactKind)], needed_by: BatchId) -> Result<Vec<E>> {
        let mut all = Vec::new();
        for &(id, kind) in files {
            let entries =
                self.read_file(id, kind)
                    .await?
                    .ok_or_else(|| CheckpointError::MissingLogEntry {
                        path: self.describe(id, kind),
                        needed_by: format!("entry {needed_by} of the log"),
                    })?;
            all.extend(entries);
        }
        Ok(all)
    }

    /// The oldest compact file that can hold entry `id`.
    async fn compact_at_or_above(&self, id: BatchId) -> Result<Option<(BatchId, Vec<E>)>> {
        let above: Vec<u64> = self
            .files()
            .compact
            .range(id.get()..)
            .map(|(id, _)| *id)
            .collect();
        for compact in above {
            if let Some(entries) = self.read_file(compact, CompactKind::Compact).await? {
                return Ok(Some((BatchId::new(compact), entries)));
            }
        }
        Ok(None)
    }

    async fn read_file(&self, id: u64, kind: CompactKind) -> Result<Option<Vec<E>>> {
        let path = self.path(id, kind);
        match self.log.manager().read(&path).await? {
            Some(content) => parse(&self.log.manager().describe(&path), &content).map(Some),
            None => Ok(None),
        }
    }

    async fn delete_superseded(&self, newest: BatchId, now_ms: i64) -> Result<()> {
        if !self.options.deletion {
            return Ok(());
        }
        let Some(below) = superseded_below(newest.get(), self.interval, self.options.min_batches_to_retain)
        else {
            return Ok(());
        };
        let delay_ms = i64::try_from(self.options.cleanup_delay_ms).unwrap_or(i64::MAX);
        let expired_ms = now_ms.saturating_sub(delay_ms);
        let doomed: Vec<(u64, CompactKind)> = {
            let files = self.files();
            // Nothing is superseded but by a compact file that is there.
            let Some((&base, _)) = files.compact.range(..=below).next_back() else {
                return Ok(());
            };
            let plain = files
                .plain
                .range(..base)
                .map(|(id, ms)| (*id, CompactKind::Plain, *ms));
            let compact = files
                .compact
                .range(..base)
                .map(|(id, ms)| (*id, CompactKind::Compact, *ms));
            plain
                .chain(compact)
                .filter(|(_, _, modified_ms)| *modified_ms <= expired_ms)
                .map(|(id, kind, _)| (id, kind))
                .collect()
        };
        for (id, kind) in doomed {
            self.log.manager().delete(&self.path(id, kind)).await?;
            match kind {
                CompactKind::Plain => self.files().plain.remove(&id),
                CompactKind::Compact => self.files().compact.remove(&id),
            };
        }
        Ok(())
    }

    fn path(&self, id: u64, kind: CompactKind) -> String {
        self.log.path(compact_name(id, kind))
    }

    fn describe(&self, id: u64, kind: CompactKind) -> String {
        self.log.manager().describe(&self.path(id, kind))
    }

    fn newest(&self) -> MutexGuard<'_, Option<(BatchId, Vec<E>)>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
