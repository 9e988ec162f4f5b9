//! What can be wrong with state.

use tidemill_checkpoint::{CheckpointError, CheckpointErrorKind};

use crate::{StateStoreId, StateStoreVersion};

/// A result of this crate.
pub type Result<T, E = StateError> = std::result::Result<T, E>;

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file of the checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint's stateful operators are not the query's.
    #[error(
        "Streaming stateful operator name does not match with the operator in state metadata. This is likely to \
         happen when a stateful operator of an existing streaming query is added, removed or changed. Stateful \
         operators in the metadata: [{in_metadata}]; Stateful operators in current batch: [{in_plan}]. Start the \
         query that wrote the checkpoint, or give this one a checkpoint of its own"
    )]
    OperatorsDoNotMatch {
        /// What the checkpoint holds.
        in_metadata: String,
        /// What the query needs.
        in_plan: String,
    },
    /// A delta that a version needs is not there.
    #[error(
        "Error reading delta file {path}: it does not exist, and {needed_after}. State is never begun anew in its \
         place: restore the file from a copy of the checkpoint"
    )]
    DeltaMissing {
        /// The file that should be there.
        path: String,
        /// Why it is needed.
        needed_after: String,
    },
    /// A snapshot was listed and is gone.
    #[error(
        "Error reading snapshot file {path}: it does not exist. Make sure only one query runs on the checkpoint and \
         nothing else deletes its files; restore the file from a copy"
    )]
    SnapshotMissing {
        /// The file that should be there.
        path: String,
    },
    /// A state file ends before its end marker.
    #[error(
        "Error reading state file {path}: it is torn, expected {expected} after its {size_bytes} bytes. Restore the \
         file from a copy; a damaged snapshot can be deleted where an older one and all deltas after it exist"
    )]
    FileTorn {
        /// The file.
        path: String,
        /// How many bytes there are.
        size_bytes: usize,
        /// What should follow.
        expected: String,
    },
    /// A state file is not what its codec and format say.
    #[error(
        "Error reading state file {path}: it is corrupt, {reason}. Restore the file from a copy; a damaged snapshot \
         can be deleted where an older one and all deltas after it exist"
    )]
    FileCorrupt {
        /// The file.
        path: String,
        /// Where and why.
        reason: String,
    },
    /// A record's key has an impossible length.
    #[error("Error reading state file {path}: key size cannot be {size}. Restore the file from a copy")]
    KeySize {
        /// The file.
        path: String,
        /// The length, in bytes.
        size: i32,
        /// Whether the file is a snapshot.
        snapshot: bool,
    },
    /// A record's value has an impossible length.
    #[error("Error reading state file {path}: value size cannot be {size}. Restore the file from a copy")]
    ValueSize {
        /// The file.
        path: String,
        /// The length, in bytes.
        size: i32,
        /// Whether the file is a snapshot.
        snapshot: bool,
    },
    /// A row is not the one that was written.
    #[error(
        "Row checksum verification failed for record {record} of {path}. The row may be corrupted. Expected checksum: \
         {expected}, Computed checksum: {computed}. Restore the file from a copy"
    )]
    RowChecksum {
        /// The file.
        path: String,
        /// The record's number, from 0.
        record: u64,
        /// The checksum in the file.
        expected: u32,
        /// The checksum of the row.
        computed: u32,
    },
    /// A row too long for the format.
    #[error("a row of {bytes} bytes cannot be written to a state file: a row has less than 2 GiB")]
    RowTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A codec failed where it cannot.
    #[error("state could not be compressed: {reason}")]
    Compression {
        /// What the codec said.
        reason: String,
    },
    /// The process ends.
    #[error("the work on state was dropped before it ran; the process is shutting down")]
    WorkDropped,
    /// A codec that state files do not have.
    #[error(
        "The codec {name} is not available. Set spark.sql.streaming.stateStore.compression.codec to one of lz4, zstd, \
         snappy, lzf"
    )]
    CodecNotAvailable {
        /// The name asked for.
        name: String,
    },
    /// The query's keys are not the checkpoint's.
    #[error(
        "Provided key schema does not match existing state key schema: {difference}. Existing key_schema={stored} and \
         new key_schema={new} ({path}). Start the query that wrote the checkpoint, or give this one a checkpoint of \
         its own; spark.sql.streaming.stateStore.stateSchemaCheck=false runs without this check, with undefined results"
    )]
    KeySchemaNotCompatible {
        /// The schema file.
        path: String,
        /// Its schema, as JSON.
        stored: String,
        /// The query's schema, as JSON.
        new: String,
        /// The first difference.
        difference: String,
    },
    /// The query's values are not the checkpoint's.
    #[error(
        "Provided value schema does not match existing state value schema: {difference}. Existing \
         value_schema={stored} and new value_schema={new} ({path}). Start the query that wrote the checkpoint, or give \
         this one a checkpoint of its own; spark.sql.streaming.stateStore.stateSchemaCheck=false runs without this \
         check, with undefined results"
    )]
    ValueSchemaNotCompatible {
        /// The schema file.
        path: String,
        /// Its schema, as JSON.
        stored: String,
        /// The query's schema, as JSON.
        new: String,
        /// The first difference.
        difference: String,
    },
    /// A column that cannot stand in a state schema.
    #[error("column {column} cannot be kept as state: it has {found}; expected {expected}")]
    SchemaType {
        /// The column.
        column: String,
        /// What is wrong with it.
        found: String,
        /// What it should have.
        expected: &'static str,
    },
    /// A store's version could not be loaded.
    #[error("An error occurred during loading state: {store}, version {version}: {source}")]
    CannotLoad {
        /// The store.
        store: StateStoreId,
        /// The version asked for.
        version: StateStoreVersion,
        /// Why.
        #[source]
        source: Box<StateError>,
    },
}

impl StateError {
    /// Names the store and the version that could not be loaded.
    #[allow(dead_code, reason = "the provider uses it")]
    pub(crate) fn loading(self, store: &StateStoreId, version: StateStoreVersion) -> Self {
        Self::CannotLoad {
            store: store.clone(),
            version,
            source: Box::new(self),
        }
    }

    /// Who has to act.
    pub fn kind(&self) -> CheckpointErrorKind {
        match self {
            Self::Checkpoint(error) => error.kind(),
            Self::OperatorsDoNotMatch { .. }
            | Self::KeySchemaNotCompatible { .. }
            | Self::ValueSchemaNotCompatible { .. } => CheckpointErrorKind::Invalid,
            Self::DeltaMissing { .. }
            | Self::SnapshotMissing { .. }
            | Self::FileTorn { .. }
            | Self::FileCorrupt { .. }
            | Self::KeySize { .. }
            | Self::ValueSize { .. }
            | Self::RowChecksum { .. } => CheckpointErrorKind::Corrupt,
            Self::RowTooLong { .. } | Self::CodecNotAvailable { .. } | Self::SchemaType { .. } => {
                CheckpointErrorKind::Unsupported
            }
            Self::Compression { .. } | Self::WorkDropped => CheckpointErrorKind::Retry,
            Self::CannotLoad { source, .. } => source.kind(),
        }
    }

    /// The stable name: Spark's error condition where Spark has one, else ours.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Checkpoint(error) => error.condition(),
            Self::OperatorsDoNotMatch { .. } => "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
            Self::DeltaMissing { .. } => "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS",
            Self::SnapshotMissing { .. } => "CANNOT_LOAD_STATE_STORE.CANNOT_READ_MISSING_SNAPSHOT_FILE",
            Self::FileTorn { .. } | Self::FileCorrupt { .. } => "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED",
            Self::KeySize { snapshot: false, .. } => {
                "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_KEY_SIZE"
            }
            Self::KeySize { snapshot: true, .. } => {
                "CANNOT_LOAD_STATE_STORE.CANNOT_READ_SNAPSHOT_FILE_KEY_SIZE"
            }
            Self::ValueSize { snapshot: false, .. } => "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED",
            Self::ValueSize { snapshot: true, .. } => {
                "CANNOT_LOAD_STATE_STORE.CANNOT_READ_SNAPSHOT_FILE_VALUE_SIZE"
            }
            Self::RowChecksum { .. } => "STATE_STORE_ROW_CHECKSUM_VERIFICATION_FAILED",
            Self::RowTooLong { .. } => "STATE_STORE_ROW_TOO_LONG",
            Self::Compression { .. } => "STATE_STORE_COMPRESSION",
            Self::WorkDropped => "STATE_STORE_WORK_DROPPED",
            Self::CodecNotAvailable { .. } => "CODEC_NOT_AVAILABLE.WITH_CONF_SUGGESTION",
            Self::KeySchemaNotCompatible { .. } => "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE",
            Self::ValueSchemaNotCompatible { .. } => "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE",
            Self::SchemaType { .. } => "STATE_STORE_UNSUPPORTED_TYPE",
            Self::CannotLoad { source, .. } => source.condition(),
        }
    }
}
