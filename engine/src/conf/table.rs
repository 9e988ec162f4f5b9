//! Spark 4.3's confs that a streaming query may meet: their types and defaults.
//!
//! The defaults are those that a running Spark 4.3.0 reports, except `spark.sql.shuffle.partitions` (one per core, see
//! [`default_value`]) and `spark.sql.session.timeZone` (UTC, not the machine's).

use std::sync::LazyLock;

use ConfKind::{Boolean, DurationMs, Integer, Number, OneOf, PositiveInteger, Text, TimeZone};

/// What values a conf takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConfKind {
    /// `true` or `false`, without regard to case.
    Boolean,
    /// A time: `10ms`, `1s`, `10 min`, or a bare number of milliseconds.
    DurationMs,
    /// A whole number.
    Integer,
    /// A whole number above zero.
    PositiveInteger,
    /// A number.
    Number,
    /// One of these, without regard to case.
    OneOf(&'static [&'static str]),
    /// A time zone: a region or an offset.
    TimeZone,
    /// Anything.
    Text,
}

/// The default of a key, and its kind.
pub(super) fn find(key: &str) -> Option<(ConfKind, Option<&'static str>)> {
    let own = OWN.iter().find(|(k, _, _)| *k == key);
    let (_, kind, default) = match TABLE.binary_search_by(|(k, _, _)| (*k).cmp(key)) {
        Ok(at) => TABLE.get(at)?,
        Err(_) => own?,
    };
    Some((*kind, *default))
}

/// The default of a key that has one.
pub(super) fn default_value(key: &str) -> Option<&'static str> {
    static CORES: LazyLock<String> = LazyLock::new(|| {
        std::thread::available_parallelism()
            .map_or(1, usize::from)
            .to_string()
    });
    if key == SHUFFLE_PARTITIONS {
        return Some(CORES.as_str());
    }
    find(key).and_then(|(_, default)| default)
}

/// The keys of ours, for the nearest name in an error.
pub(super) fn own_keys() -> impl Iterator<Item = &'static str> {
    OWN.iter().map(|(key, _, _)| *key)
}

/// Whether a key can only be given when a session is built.
pub(super) fn is_static(key: &str) -> bool {
    STATIC.contains(&key)
}

/// Number of state partitions of a new checkpoint.
pub(super) const SHUFFLE_PARTITIONS: &str = "spark.sql.shuffle.partitions";

type Entry = (&'static str, ConfKind, Option<&'static str>);

/// Tidemill's own.
const OWN: &[Entry] = &[(
    "tidemill.sql.dialect",
    OneOf(&["spark", "datafusion"]),
    Some("spark"),
)];

/// Spark's static confs: fixed for the life of a session.
const STATIC: &[&str] = &[
    "spark.sql.catalogImplementation",
    "spark.sql.event.truncate.length",
    "spark.sql.extensions",
    "spark.sql.globalTempDatabase",
    "spark.sql.queryExecutionListeners",
    "spark.sql.sources.schemaStringLengthThreshold",
    "spark.sql.streaming.streamingQueryListeners",
    "spark.sql.streaming.ui.enabled",
    "spark.sql.streaming.ui.enabledCustomMetricList",
    "spark.sql.streaming.ui.retainedProgressUpdates",
    "spark.sql.streaming.ui.retainedQueries",
    "spark.sql.ui.retainedExecutions",
    "spark.sql.warehouse.dir",
];

/// Sorted by key.
const TABLE: &[Entry] = &[
    (
        "spark.sql.adaptive.streaming.stateless.enabled",
        Boolean,
        Some("true"),
    ),
    ("spark.sql.ansi.enabled", Boolean, Some("true")),
    (
        "spark.sql.connect.streaming.foreachBatch.useClonedSession",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.dropDuplicates.deterministicKeyOrder.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.function.protobufExtensions.enabled",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.optimizer.pruneFiltersCanPruneStreamingSubplan",
        Boolean,
        Some("false"),
    ),
    ("spark.sql.session.timeZone", TimeZone, Some("UTC")),
    ("spark.sql.shuffle.partitions", PositiveInteger, None),
    (
        "spark.sql.streaming.aggregation.stateFormatVersion",
        Integer,
        Some("2"),
    ),
    ("spark.sql.streaming.asyncLogPurge.enabled", Boolean, Some("true")),
    (
        "spark.sql.streaming.checkUnfinishedRepartitionOnRestart",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.checkpoint.escapedPathCheck.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.checkpoint.fileChecksum.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.checkpoint.fileChecksum.skipCreationIfFileMissingChecksum",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.checkpoint.renamedFileCheck.enabled",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.checkpoint.verifyMetadataExists.enabled",
        Boolean,
        Some("true"),
    ),
    ("spark.sql.streaming.checkpointLocation", Text, None),
    (
        "spark.sql.streaming.commitProtocolClass",
        Text,
        Some("org.apache.spark.sql.execution.streaming.ManifestFileCommitProtocol"),
    ),
    (
        "spark.sql.streaming.continuous.epochBacklogQueueSize",
        Integer,
        Some("10000"),
    ),
    (
        "spark.sql.streaming.continuous.executorPollIntervalMs",
        DurationMs,
        Some("100ms"),
    ),
    (
        "spark.sql.streaming.continuous.executorQueueSize",
        Integer,
        Some("1024"),
    ),
    ("spark.sql.streaming.disabledV2MicroBatchReaders", Text, Some("")),
    ("spark.sql.streaming.disabledV2Writers", Text, Some("")),
    (
        "spark.sql.streaming.fileSink.log.cleanupDelay",
        DurationMs,
        Some("600000ms"),
    ),
    (
        "spark.sql.streaming.fileSink.log.compactInterval",
        PositiveInteger,
        Some("10"),
    ),
    ("spark.sql.streaming.fileSink.log.deletion", Boolean, Some("true")),
    (
        "spark.sql.streaming.fileSource.cleaner.numThreads",
        Integer,
        Some("1"),
    ),
    (
        "spark.sql.streaming.fileSource.log.cleanupDelay",
        DurationMs,
        Some("600000ms"),
    ),
    (
        "spark.sql.streaming.fileSource.log.compactInterval",
        PositiveInteger,
        Some("10"),
    ),
    (
        "spark.sql.streaming.fileSource.log.deletion",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.fileSource.schema.forceNullable",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.fileStreamSink.ignoreMetadata",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.flatMapGroupsWithState.skipEmittingInitialStateKeys",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion",
        Integer,
        Some("2"),
    ),
    (
        "spark.sql.streaming.forceDeleteTempCheckpointLocation",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.internal.stateStore.partitions",
        Integer,
        None,
    ),
    ("spark.sql.streaming.join.stateFormatVersion", Integer, Some("2")),
    (
        "spark.sql.streaming.kafka.useDeprecatedOffsetFetching",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.maxBatchesToRetainInMemory",
        Integer,
        Some("2"),
    ),
    ("spark.sql.streaming.metadataCache.enabled", Boolean, Some("true")),
    ("spark.sql.streaming.metricsEnabled", Boolean, Some("false")),
    (
        "spark.sql.streaming.minBatchesToRetain",
        PositiveInteger,
        Some("100"),
    ),
    (
        "spark.sql.streaming.multipleWatermarkPolicy",
        OneOf(&["min", "max"]),
        Some("min"),
    ),
    (
        "spark.sql.streaming.noDataMicroBatches.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.noDataProgressEventInterval",
        DurationMs,
        Some("10000ms"),
    ),
    (
        "spark.sql.streaming.numRecentProgressUpdates",
        Integer,
        Some("100"),
    ),
    (
        "spark.sql.streaming.offsetLog.formatVersion",
        OneOf(&["1", "2"]),
        Some("1"),
    ),
    (
        "spark.sql.streaming.optimizeOneRowPlan.enabled",
        Boolean,
        Some("false"),
    ),
    ("spark.sql.streaming.pollingDelay", DurationMs, Some("10ms")),
    (
        "spark.sql.streaming.queryEvolution.enableSinkEvolution",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.queryEvolution.enableSourceEvolution",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.ratioExtraSpaceAllowedInCheckpoint",
        Number,
        Some("0.3"),
    ),
    (
        "spark.sql.streaming.realTimeMode.allowlistCheck",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.realTimeMode.asyncProgressTrackingByDefault.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.realTimeMode.dangerouslyAllowCheckpointV1.enabled",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.realTimeMode.minBatchDuration",
        DurationMs,
        Some("5000ms"),
    ),
    (
        "spark.sql.streaming.realTimeMode.transformWithState.ttlEvictionIntervalMs",
        Integer,
        Some("1000"),
    ),
    ("spark.sql.streaming.schemaInference", Boolean, Some("false")),
    (
        "spark.sql.streaming.sessionWindow.merge.sessions.in.local.partition",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.sessionWindow.stateFormatVersion",
        Integer,
        Some("1"),
    ),
    (
        "spark.sql.streaming.stateStore.autoSnapshotRepair.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.stateStore.autoSnapshotRepair.maxChangeFileReplay",
        Integer,
        Some("500"),
    ),
    (
        "spark.sql.streaming.stateStore.autoSnapshotRepair.numFailuresBeforeActivating",
        Integer,
        Some("1"),
    ),
    (
        "spark.sql.streaming.stateStore.checkpointFormatVersion",
        OneOf(&["1", "2"]),
        Some("1"),
    ),
    (
        "spark.sql.streaming.stateStore.commitValidation.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.stateStore.compression.codec",
        Text,
        Some("lz4"),
    ),
    (
        "spark.sql.streaming.stateStore.coordinatorReportSnapshotUploadLag",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.stateStore.encodingFormat",
        OneOf(&["unsaferow", "avro"]),
        Some("unsaferow"),
    ),
    (
        "spark.sql.streaming.stateStore.fileChecksumThreadPoolSize",
        Integer,
        Some("4"),
    ),
    (
        "spark.sql.streaming.stateStore.forceSnapshotUploadOnLag",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.stateStore.formatValidation.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.stateStore.maintenanceForceShutdownTimeout",
        DurationMs,
        Some("60000ms"),
    ),
    (
        "spark.sql.streaming.stateStore.maintenanceInterval",
        DurationMs,
        Some("60000ms"),
    ),
    (
        "spark.sql.streaming.stateStore.maintenanceProcessingTimeout",
        DurationMs,
        Some("30000ms"),
    ),
    (
        "spark.sql.streaming.stateStore.maintenanceShutdownTimeout",
        DurationMs,
        Some("300000ms"),
    ),
    (
        "spark.sql.streaming.stateStore.maxLaggingStoresToReport",
        Integer,
        Some("5"),
    ),
    (
        "spark.sql.streaming.stateStore.maxNumStateSchemaFiles",
        Integer,
        Some("128"),
    ),
    (
        "spark.sql.streaming.stateStore.maxVersionsToDeletePerMaintenance",
        Integer,
        Some("-1"),
    ),
    (
        "spark.sql.streaming.stateStore.minDeltasForSnapshot",
        Integer,
        Some("10"),
    ),
    (
        "spark.sql.streaming.stateStore.multiplierForMinTimeDiffToLog",
        Integer,
        Some("10"),
    ),
    (
        "spark.sql.streaming.stateStore.multiplierForMinVersionDiffToLog",
        Integer,
        Some("5"),
    ),
    (
        "spark.sql.streaming.stateStore.numStateStoreInstanceMetricsToReport",
        Integer,
        Some("5"),
    ),
    (
        "spark.sql.streaming.stateStore.numStateStoreMaintenanceThreads",
        Integer,
        Some("2"),
    ),
    (
        "spark.sql.streaming.stateStore.providerClass",
        Text,
        Some("org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"),
    ),
    (
        "spark.sql.streaming.stateStore.rocksdb.formatVersion",
        Integer,
        Some("5"),
    ),
    (
        "spark.sql.streaming.stateStore.rocksdb.mergeOperatorVersion",
        Integer,
        Some("2"),
    ),
    (
        "spark.sql.streaming.stateStore.rowChecksum.enabled",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.stateStore.rowChecksum.readVerificationRatio",
        Integer,
        Some("0"),
    ),
    (
        "spark.sql.streaming.stateStore.skipNullsForStreamStreamJoins.enabled",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.stateStore.snapshotLagReportInterval",
        DurationMs,
        Some("300000ms"),
    ),
    (
        "spark.sql.streaming.stateStore.snapshotToCleanupThreadRatio",
        Number,
        Some("0.5"),
    ),
    (
        "spark.sql.streaming.stateStore.stateSchemaCheck",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.stateStore.unloadOnCommit",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.stateStore.valueStateSchemaEvolutionThreshold",
        Integer,
        Some("16"),
    ),
    (
        "spark.sql.streaming.statefulOperator.allowMultiple",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.statefulOperator.alwaysNullableOutput.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.statefulOperator.checkCorrectness.enabled",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.statefulOperator.incrementalCleanupFactor",
        Integer,
        Some("0"),
    ),
    (
        "spark.sql.streaming.statefulOperator.useStrictDistribution",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.stopActiveRunOnRestart",
        Boolean,
        Some("true"),
    ),
    ("spark.sql.streaming.stopTimeout", DurationMs, Some("0")),
    (
        "spark.sql.streaming.transformWithState.stateSchemaVersion",
        Integer,
        Some("3"),
    ),
    (
        "spark.sql.streaming.triggerAvailableNowWrapper.enabled",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.unsupportedOperationCheck",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.useStreamlineAggregator",
        Boolean,
        Some("false"),
    ),
    (
        "spark.sql.streaming.validateEventTimeWatermarkColumn",
        Boolean,
        Some("true"),
    ),
    (
        "spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart",
        Boolean,
        Some("true"),
    ),
];
