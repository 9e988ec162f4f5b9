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
    /// A type that rows of state cannot hold.
    #[error(
        "Unsupported data type {data_type} of {field}: a row of state cannot hold it. Cast it to a type that Spark has"
    )]
    UnsupportedDataType {
        /// The column; nested ones with dots.
        field: String,
        /// Its type.
        data_type: String,
    },
    /// Columns that are not those of the rows to be written.
    #[error("{field}: expected {expected}, found {found}. Give the columns of the rows' schema")]
    ColumnMismatch {
        /// The column, or `columns`.
        field: String,
        /// What the schema says.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A value that a row of state cannot hold.
    #[error("{field}: {reason}")]
    ValueOutOfRange {
        /// The column.
        field: String,
        /// What does not fit where.
        reason: String,
    },
    /// The bytes of a row are not a row of the schema.
    #[error(
        "a row of state is malformed at {field}: {reason}. The state is damaged, or was written with another schema: \
         restore the checkpoint from a copy, or start the query that wrote it"
    )]
    MalformedRow {
        /// The column, or `row`.
        field: String,
        /// What was expected and found.
        reason: String,
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
    /// A transaction could not be made durable.
    #[error(
        "Cannot perform commit during state checkpoint: {store}, version {version}: {source}. The version before is \
         as it was"
    )]
    CannotCommit {
        /// The store.
        store: StateStoreId,
        /// The version that was to be written.
        version: StateStoreVersion,
        /// Why.
        #[source]
        source: Box<StateError>,
    },
    /// A row or a request that a store cannot take.
    #[error("{store}: {source}")]
    InStore {
        /// The store.
        store: StateStoreId,
        /// Why.
        #[source]
        source: Box<StateError>,
    },
    /// A store is asked for while a transaction has it.
    #[error(
        "{store} is open in another transaction; expected one at a time. End that one first: two tasks must not own \
         the same state partition"
    )]
    StoreInUse {
        /// The store.
        store: StateStoreId,
    },
    /// A row is larger than a store takes.
    #[error(
        "a row with a key of {key_bytes} bytes and a value of {value_bytes} bytes is too large for a state store; at \
         most {max_key_bytes} and {max_value_bytes} fit"
    )]
    RowTooLarge {
        /// The key's length.
        key_bytes: usize,
        /// The value's length.
        value_bytes: usize,
        /// The longest key.
        max_key_bytes: usize,
        /// The longest value.
        max_value_bytes: usize,
    },
    /// A store is full.
    #[error(
        "a state store holds at most {limit_bytes} bytes of rows. Start the query anew with more state partitions \
         (spark.sql.shuffle.partitions)"
    )]
    StoreTooLarge {
        /// The most it holds.
        limit_bytes: usize,
    },
    /// More distinct rows than can be numbered.
    #[error(
        "a batch brought more than {rows} distinct keys to one task. Take less in a batch, or use more state partitions \
         (spark.sql.shuffle.partitions)"
    )]
    TooManyRows {
        /// The most there can be.
        rows: usize,
    },
    /// A row that does not hold what an index goes by.
    #[error("a state row of {row_bytes} bytes does not have the expected shape: {expected}")]
    RowWithoutIndexColumns {
        /// Its length.
        row_bytes: usize,
        /// What it should hold.
        expected: String,
    },
    /// A store is asked for rows in a way it was not loaded for.
    #[error("the store was loaded without an index by {what}; load it with one in its StateStoreSpec")]
    NoIndex {
        /// What the rows were to be found by.
        what: &'static str,
    },
}

impl StateError {
    /// Names the store and the version that could not be loaded.
    pub(crate) fn loading(self, store: &StateStoreId, version: StateStoreVersion) -> Self {
        Self::CannotLoad {
            store: store.clone(),
            version,
            source: Box::new(self),
        }
    }

    /// Names the store and the version that could not be written.
    pub(crate) fn committing(self, store: &StateStoreId, version: StateStoreVersion) -> Self {
        Self::CannotCommit {
            store: store.clone(),
            version,
            source: Box::new(self),
        }
    }

    /// Names the store, where the error is about its rows; a visitor's own error passes as it is.
    pub(crate) fn in_store(self, store: &StateStoreId) -> Self {
        match self {
            Self::RowTooLarge { .. }
            | Self::StoreTooLarge { .. }
            | Self::RowWithoutIndexColumns { .. }
            | Self::NoIndex { .. } => Self::InStore {
                store: store.clone(),
                source: Box::new(self),
            },
            other => other,
        }
    }

    /// Who has to act.
    pub fn kind(&self) -> CheckpointErrorKind {
        match self {
            Self::Checkpoint(error) => error.kind(),
            Self::OperatorsDoNotMatch { .. }
            | Self::ColumnMismatch { .. }
            | Self::ValueOutOfRange { .. }
            | Self::KeySchemaNotCompatible { .. }
            | Self::ValueSchemaNotCompatible { .. }
            | Self::NoIndex { .. } => CheckpointErrorKind::Invalid,
            Self::UnsupportedDataType { .. } | Self::SchemaType { .. } => CheckpointErrorKind::Unsupported,
            Self::MalformedRow { .. } | Self::RowWithoutIndexColumns { .. } => CheckpointErrorKind::Corrupt,
            Self::DeltaMissing { .. }
            | Self::SnapshotMissing { .. }
            | Self::FileTorn { .. }
            | Self::FileCorrupt { .. }
            | Self::KeySize { .. }
            | Self::ValueSize { .. }
            | Self::RowChecksum { .. } => CheckpointErrorKind::Corrupt,
            Self::StoreInUse { .. } => CheckpointErrorKind::Concurrent,
            Self::RowTooLarge { .. }
            | Self::StoreTooLarge { .. }
            | Self::TooManyRows { .. }
            | Self::RowTooLong { .. }
            | Self::CodecNotAvailable { .. } => CheckpointErrorKind::Unsupported,
            Self::Compression { .. } | Self::WorkDropped => CheckpointErrorKind::Retry,
            Self::CannotLoad { source, .. }
            | Self::CannotCommit { source, .. }
            | Self::InStore { source, .. } => source.kind(),
        }
    }

    /// The stable name: Spark's error condition where Spark has one, else ours.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Checkpoint(error) => error.condition(),
            Self::OperatorsDoNotMatch { .. } => "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
            Self::UnsupportedDataType { .. } => "UNSUPPORTED_DATATYPE",
            Self::ColumnMismatch { .. } => "STATE_ROW_COLUMN_MISMATCH",
            Self::ValueOutOfRange { .. } => "STATE_ROW_VALUE_OUT_OF_RANGE",
            Self::MalformedRow { .. } => "STATE_ROW_MALFORMED",
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
            Self::CannotLoad { source, .. } | Self::InStore { source, .. } => source.condition(),
            Self::CannotCommit { .. } => "CANNOT_WRITE_STATE_STORE.CANNOT_COMMIT",
            Self::StoreInUse { .. } => "STATE_STORE_IN_USE",
            Self::RowTooLarge { .. } => "STATE_STORE_ROW_TOO_LONG",
            Self::StoreTooLarge { .. } | Self::TooManyRows { .. } => "STATE_STORE_TOO_LARGE",
            Self::RowWithoutIndexColumns { .. } => "STATE_STORE_ROW_MALFORMED",
            Self::NoIndex { .. } => "STATE_STORE_WITHOUT_INDEX",
        }
    }
}
