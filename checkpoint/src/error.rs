//! What can be wrong with a checkpoint: every variant names the path, what was expected and what to do.
//!
//! [`CheckpointError::kind`] says who has to act, [`CheckpointError::condition`] is a stable name: Spark's where
//! Spark has one, else ours (`CHECKPOINT_…`).

/// A result of this crate.
pub type Result<T, E = CheckpointError> = std::result::Result<T, E>;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointErrorKind {
    /// The environment failed (disk, network): try again, the checkpoint is as it was.
    Retry,
    /// Another run works on the same files: stop one of them.
    Concurrent,
    /// A file is damaged or missing: restore it as the text says.
    Corrupt,
    /// An option or the place of the checkpoint is wrong: change it as the text says.
    Invalid,
    /// Written by a newer engine, or a feature that is not there.
    Unsupported,
}

/// Why a checkpoint could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried: `read`, `write`, `list` …
        action: &'static str,
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file has no content, not even a version.
    #[error(
        "{path} is empty; expected {expected}. Restore the file from a copy; if it is the newest entry of its log and \
         was never complete, delete it together with every later entry"
    )]
    Empty {
        /// The file.
        path: String,
        /// What should stand in it.
        expected: String,
    },
    /// The file is not text.
    #[error("{path} is not UTF-8 text (first bad byte at {position_bytes}). Restore the file from a copy")]
    NotUtf8 {
        /// The file.
        path: String,
        /// How many bytes before the first bad one.
        position_bytes: u64,
    },
    /// The file ends too early.
    #[error(
        "{path} is torn: expected {expected}, but the file ends after {found:?}. Restore the file from a copy"
    )]
    Torn {
        /// The file.
        path: String,
        /// What should follow.
        expected: String,
        /// The last thing found.
        found: String,
    },
    /// The file is whole, but not what it should be.
    #[error(
        "{path} is malformed: expected {expected}, found {found:?} ({reason}). Restore the file from a copy"
    )]
    Malformed {
        /// The file.
        path: String,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
        /// Why it does not fit.
        reason: String,
    },
    /// The first line is not `v` and a number.
    #[error(
        "Log file was malformed: failed to read correct log version from {found:?} in {path}; expected v1 to \
         v{supported}. Restore the file from a copy"
    )]
    MalformedVersion {
        /// The file.
        path: String,
        /// The newest version that can be read.
        supported: u32,
        /// The first line.
        found: String,
    },
    /// The file was written by a newer engine.
    #[error(
        "{path} has log version v{found}; the maximum supported version is v{supported}. It was written by a newer \
         engine: go on with that one"
    )]
    UnsupportedVersion {
        /// The file.
        path: String,
        /// The newest version that can be read.
        supported: u32,
        /// The version found.
        found: u64,
    },
    /// A file that exists in one version only has another.
    #[error("{path} has log version v{found}; the only supported version is v{supported}")]
    VersionMismatch {
        /// The file.
        path: String,
        /// The version that can be read.
        supported: u32,
        /// The version found.
        found: u64,
    },
    /// The query id is gone, but the logs are not.
    #[error(
        "checkpoint {location} is in an inconsistent state: {path} is missing, but {found} exists. Restore the \
         metadata file or use a new checkpoint folder"
    )]
    MissingMetadataFile {
        /// The checkpoint.
        location: String,
        /// The file that should be there.
        path: String,
        /// What is there.
        found: String,
    },
    /// The first start found files of another life.
    #[error(
        "checkpoint {location} should be empty before the first batch, but {found} exists. Use a new checkpoint \
         folder, or delete what is left in this one"
    )]
    LocationNotEmpty {
        /// The checkpoint.
        location: String,
        /// What is there.
        found: String,
    },
    /// Batch `batch` must be run again, but the entry that says where it starts is gone.
    #[error(
        "{path} does not exist, but batch {batch} has no commit and must be run again from the offsets in it. Restore \
         the file; if the log was written with asynchronous progress tracking, start with it switched on"
    )]
    MissingPredecessor {
        /// The file that should be there.
        path: String,
        /// The batch to run again.
        batch: u64,
    },
    /// A log entry that another one rests on is gone.
    #[error("{path} does not exist, but {needed_by} needs it. Restore the file from a copy")]
    MissingLogEntry {
        /// The file that should be there.
        path: String,
        /// What needs it.
        needed_by: String,
    },
    /// A batch is committed that was never planned.
    #[error(
        "{path} exists, but {newest_offset}: a commit without its offsets. Restore the missing files of the offset \
         log, or delete the commits above it to run those batches again"
    )]
    CommitAboveOffsets {
        /// The newest commit.
        path: String,
        /// What the offset log says.
        newest_offset: String,
    },
    /// The newest batch does not process data but changes the checkpoint.
    #[error(
        "{path} is a control batch ({operation}) that was not finished; only the engine that began it can finish it"
    )]
    ControlBatch {
        /// The offset log entry.
        path: String,
        /// The operation.
        operation: String,
    },
    /// Another writer made the entry first.
    #[error(
        "Concurrent update to the log. Multiple streaming jobs detected for {path}. Make sure only one query runs on \
         a checkpoint at a time, stop this or the other one"
    )]
    ConcurrentUpdate {
        /// The entry.
        path: String,
    },
    /// Another process holds the checkpoint.
    #[error(
        "checkpoint {location} is in use: another running query holds the lock on {path}. Stop that query, or give \
         this one a checkpoint of its own"
    )]
    Locked {
        /// The checkpoint.
        location: String,
        /// The locked file.
        path: String,
    },
    /// An entry holds something its log's version cannot express.
    #[error("{path} cannot be written: the log has version v{version}, which has no place for {what}")]
    NotInVersion {
        /// The entry.
        path: String,
        /// The log's version.
        version: u32,
        /// What has no place.
        what: String,
    },
    /// A path that leaves the root or cannot be a file name.
    #[error(
        "{path:?} is not a path inside the folder: expected names joined by '/', without '.', '..' or empty ones"
    )]
    InvalidPath {
        /// The path.
        path: String,
    },
    /// An option's value is out of range.
    #[error("option {name} is {value}; expected {expected}")]
    InvalidOption {
        /// The option.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The store cannot hold a checkpoint.
    #[error("{location} cannot hold a checkpoint: {reason}")]
    UnsupportedStore {
        /// The store or URL.
        location: String,
        /// Why, and what to do.
        reason: String,
    },
}

impl CheckpointError {
    /// Who has to act.
    pub fn kind(&self) -> CheckpointErrorKind {
        match self {
            Self::Io { .. } => CheckpointErrorKind::Retry,
            Self::Empty { .. }
            | Self::NotUtf8 { .. }
            | Self::Torn { .. }
            | Self::Malformed { .. }
            | Self::MalformedVersion { .. }
            | Self::MissingMetadataFile { .. }
            | Self::MissingPredecessor { .. }
            | Self::MissingLogEntry { .. }
            | Self::CommitAboveOffsets { .. } => CheckpointErrorKind::Corrupt,
            Self::LocationNotEmpty { .. } | Self::InvalidPath { .. } | Self::InvalidOption { .. } => {
                CheckpointErrorKind::Invalid
            }
            Self::ConcurrentUpdate { .. } | Self::Locked { .. } => CheckpointErrorKind::Concurrent,
            Self::UnsupportedVersion { .. }
            | Self::VersionMismatch { .. }
            | Self::ControlBatch { .. }
            | Self::NotInVersion { .. }
            | Self::UnsupportedStore { .. } => CheckpointErrorKind::Unsupported,
        }
    }

    /// The stable name: Spark's error condition where Spark has one, else ours.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Io { .. } => "CHECKPOINT_IO",
            Self::Empty { .. } => "CHECKPOINT_FILE_EMPTY",
            Self::NotUtf8 { .. } => "CHECKPOINT_FILE_NOT_UTF8",
            Self::Torn { .. } => "CHECKPOINT_FILE_TORN",
            Self::Malformed { .. } => "CHECKPOINT_FILE_MALFORMED",
            Self::MalformedVersion { .. } => "MALFORMED_LOG_FILE",
            Self::UnsupportedVersion { .. } => "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION",
            Self::VersionMismatch { .. } => "INVALID_LOG_VERSION.EXACT_MATCH_VERSION",
            Self::MissingMetadataFile { .. } => "STREAMING_CHECKPOINT_MISSING_METADATA_FILE",
            Self::LocationNotEmpty { .. } => "STATE_STORE_CHECKPOINT_LOCATION_NOT_EMPTY",
            Self::MissingPredecessor { .. } => "CHECKPOINT_MISSING_PREDECESSOR",
            Self::MissingLogEntry { .. } => "CHECKPOINT_MISSING_LOG_ENTRY",
            Self::CommitAboveOffsets { .. } => "CHECKPOINT_COMMIT_ABOVE_OFFSETS",
            Self::ControlBatch { .. } => "CHECKPOINT_CONTROL_BATCH",
            Self::ConcurrentUpdate { .. } => "CONCURRENT_STREAM_LOG_UPDATE",
            Self::Locked { .. } => "CHECKPOINT_LOCKED",
            Self::NotInVersion { .. } => "CHECKPOINT_NOT_IN_VERSION",
            Self::InvalidPath { .. } => "CHECKPOINT_INVALID_PATH",
            Self::InvalidOption { .. } => "CHECKPOINT_INVALID_OPTION",
            Self::UnsupportedStore { .. } => "CHECKPOINT_UNSUPPORTED_STORE",
        }
    }

    /// The file system refused to `action` `path`.
    pub fn io(
        action: &'static str,
        path: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Io {
            action,
            path: path.into(),
            source: source.into(),
        }
    }
}
