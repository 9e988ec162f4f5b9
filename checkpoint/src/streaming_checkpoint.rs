//! One checkpoint as the engine sees it: identity, the two logs, where to go on, what to purge.
//!
//! Opening takes the lock before it looks at the logs, so what it reads stays true on a store that has locks.

use std::sync::Arc;

use uuid::Uuid;

use crate::resume::{LogFacts, ResumeDecision, decide};
use crate::retention::purge_below;
use crate::{
    BatchId, CheckpointError, CheckpointFileManager, CheckpointLocation, CheckpointLock, CommitLog,
    CommitLogVersion, Creation, OffsetLogVersion, OffsetSeq, OffsetSeqLog, Result, ResumePoint,
    StreamMetadata,
};

/// How a checkpoint is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckpointOptions {
    /// The version a new offset log gets (`spark.sql.streaming.offsetLog.formatVersion`); an existing one keeps its own.
    pub offset_log_version: OffsetLogVersion,
    /// The version a new commit log gets; an existing one keeps its own.
    pub commit_log_version: CommitLogVersion,
    /// `spark.sql.streaming.checkpoint.verifyMetadataExists.enabled`.
    pub verify_metadata_exists: bool,
    /// `spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart`.
    pub verify_empty_on_start: bool,
    /// The log has gaps on purpose (async progress tracking).
    pub asynchronous: bool,
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        Self {
            offset_log_version: OffsetLogVersion::V1,
            commit_log_version: CommitLogVersion::V1,
            verify_metadata_exists: true,
            verify_empty_on_start: true,
            asynchronous: false,
        }
    }
}

/// One checkpoint.
#[derive(Debug)]
pub struct StreamingCheckpoint {
    manager: Arc<dyn CheckpointFileManager>,
    metadata: StreamMetadata,
    offset_log: OffsetSeqLog,
    commit_log: CommitLog,
    lock: CheckpointLock,
    asynchronous: bool,
}

impl StreamingCheckpoint {
    /// Opens the checkpoint, or makes it: `new_id` becomes the query's id when there is no `metadata` yet.
    ///
    /// On a local disk the checkpoint is locked until the value is dropped; [`CheckpointError::Locked`] when another
    /// holder has it. Without `metadata`, any file under `offsets`, `commits`, `sources` or `state` is an error.
    pub async fn open(
        manager: Arc<dyn CheckpointFileManager>,
        new_id: Uuid,
        options: CheckpointOptions,
    ) -> Result<Self> {
        let metadata = match read_metadata(manager.as_ref()).await? {
            Some(metadata) => metadata,
            None => {
                verify_empty(manager.as_ref(), &options).await?;
                create_metadata(manager.as_ref(), new_id).await?
            }
        };
        let lock = manager.lock(CheckpointLocation::METADATA).await?;
        if matches!(lock, CheckpointLock::Busy) {
            return Err(CheckpointError::Locked {
                location: manager.describe(""),
                path: manager.describe(CheckpointLocation::METADATA),
            });
        }
        let offset_log = OffsetSeqLog::open(Arc::clone(&manager), options.offset_log_version).await?;
        let commit_log = CommitLog::open(Arc::clone(&manager), options.commit_log_version).await?;
        Ok(Self {
            manager,
            metadata,
            offset_log,
            commit_log,
            lock,
            asynchronous: options.asynchronous,
        })
    }

    /// The query's identity.
    pub fn metadata(&self) -> StreamMetadata {
        self.metadata
    }

    /// The files.
    pub fn manager(&self) -> &Arc<dyn CheckpointFileManager> {
        &self.manager
    }

    /// `offsets/`.
    pub fn offset_log(&self) -> &OffsetSeqLog {
        &self.offset_log
    }

    /// `commits/`.
    pub fn commit_log(&self) -> &CommitLog {
        &self.commit_log
    }

    /// Whether the store gave a lock; it is held as long as this value lives.
    pub fn lock(&self) -> &CheckpointLock {
        &self.lock
    }

    /// Where the query goes on; every inconsistency is an error.
    pub async fn resume(&self) -> Result<ResumePoint> {
        let offsets = self.offset_log.log().list_ids().await?;
        let commits = self.commit_log.log().list_ids().await?;
        let mut newest_first = offsets.iter().rev().copied();
        let facts = LogFacts {
            newest_offset: newest_first.next(),
            offset_below: newest_first.next(),
            newest_commit: commits.last().copied(),
            asynchronous: self.asynchronous,
        };
        match decide(facts) {
            ResumeDecision::Fresh => Ok(ResumePoint::Fresh),
            ResumeDecision::Continue { newest } => self.go_on(newest).await,
            ResumeDecision::Rerun { batch, start } => self.rerun(batch, start).await,
            ResumeDecision::MissingPredecessor { batch, missing } => {
                Err(CheckpointError::MissingPredecessor {
                    path: self.offset_log.log().describe(missing),
                    batch: batch.get(),
                })
            }
            ResumeDecision::CommitAboveOffsets {
                commit,
                newest_offset,
            } => Err(CheckpointError::CommitAboveOffsets {
                path: self.commit_log.log().describe(commit),
                newest_offset: match newest_offset {
                    Some(id) => {
                        format!(
                            "the newest entry of the offset log is {}",
                            self.offset_log.log().describe(id)
                        )
                    }
                    None => "the offset log has no entries".to_owned(),
                },
            }),
        }
    }

    /// Deletes offset and commit entries below `constructed - min_batches_to_retain`.
    ///
    /// To be called after the entry of batch `constructed` is written. Lists nothing.
    pub async fn purge(&self, constructed: BatchId, min_batches_to_retain: u64) -> Result<()> {
        let Some(threshold) = purge_below(constructed.get(), min_batches_to_retain) else {
            return Ok(());
        };
        let threshold = BatchId::new(threshold);
        self.offset_log.log().purge_below(threshold).await?;
        self.commit_log.log().purge_below(threshold).await
    }

    /// Deletes all but the newest `count` entries of each log: for logs with gaps, where ids tell nothing of number.
    pub async fn keep_newest(&self, count: usize) -> Result<()> {
        self.offset_log.log().keep_newest(count).await?;
        self.commit_log.log().keep_newest(count).await
    }

    async fn go_on(&self, newest: BatchId) -> Result<ResumePoint> {
        let start = self.offsets_of(newest, newest).await?;
        let commit = self
            .commit_log
            .get(newest)
            .await?
            .ok_or_else(|| CheckpointError::MissingLogEntry {
                path: self.commit_log.log().describe(newest),
                needed_by: "the start of the query".to_owned(),
            })?;
        let in_force_ms = start.metadata.as_ref().map_or(0, |line| line.batch_watermark_ms);
        Ok(ResumePoint::Continue {
            next: newest.next(),
            start,
            watermark_ms: in_force_ms.max(commit.next_batch_watermark_ms),
        })
    }

    async fn rerun(&self, batch: BatchId, start: Option<BatchId>) -> Result<ResumePoint> {
        let end = self.offsets_of(batch, batch).await?;
        if let Some(operation) = end.metadata.as_ref().and_then(|line| line.control_operation()) {
            return Err(CheckpointError::ControlBatch {
                path: self.offset_log.log().describe(batch),
                operation,
            });
        }
        let start = match start {
            Some(id) => Some(self.offsets_of(id, batch).await?),
            None => None,
        };
        Ok(ResumePoint::Rerun { batch, start, end })
    }

    async fn offsets_of(&self, id: BatchId, needed_by: BatchId) -> Result<OffsetSeq> {
        self.offset_log
            .get(id)
            .await?
            .ok_or_else(|| CheckpointError::MissingLogEntry {
                path: self.offset_log.log().describe(id),
                needed_by: format!("batch {needed_by}"),
            })
    }
}

async fn read_metadata(manager: &dyn CheckpointFileManager) -> Result<Option<StreamMetadata>> {
    match manager.read(CheckpointLocation::METADATA).await? {
        Some(content) => {
            StreamMetadata::parse(&manager.describe(CheckpointLocation::METADATA), &content).map(Some)
        }
        None => Ok(None),
    }
}

async fn create_metadata(manager: &dyn CheckpointFileManager, id: Uuid) -> Result<StreamMetadata> {
    let path = manager.describe(CheckpointLocation::METADATA);
    let metadata = StreamMetadata { id };
    let content = metadata.encode(&path)?;
    match manager
        .create(CheckpointLocation::METADATA, content.into())
        .await?
    {
        Creation::Created => Ok(metadata),
        // Another query starts on the same folder: its id is the one; the lock or the logs tell who goes on.
        Creation::AlreadyExists => {
            read_metadata(manager)
                .await?
                .ok_or_else(|| CheckpointError::MissingLogEntry {
                    path,
                    needed_by: "the start of the query".to_owned(),
                })
        }
    }
}

/// Refuses a folder without `metadata` that holds files of a query.
async fn verify_empty(manager: &dyn CheckpointFileManager, options: &CheckpointOptions) -> Result<()> {
    for (folder, is_log) in CheckpointLocation::FOLDERS {
        let Some(found) = first_file(manager, folder).await? else {
            continue;
        };
        let (location, found) = (manager.describe(""), manager.describe(&found));
        if is_log && options.verify_metadata_exists {
            return Err(CheckpointError::MissingMetadataFile {
                path: manager.describe(CheckpointLocation::METADATA),
                location,
                found,
            });
        }
        if options.verify_empty_on_start {
            return Err(CheckpointError::LocationNotEmpty { location, found });
        }
    }
    Ok(())
}

/// Any file below `folder`, at whatever depth.
async fn first_file(manager: &dyn CheckpointFileManager, folder: &str) -> Result<Option<String>> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for file in manager.list(&folder).await? {
            let path = format!("{folder}/{}", file.name);
            if !file.is_dir {
                return Ok(Some(path));
            }
            folders.push(path);
        }
    }
    Ok(None)
}
