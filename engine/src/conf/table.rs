//! What is known of each conf: the kind of its values, its default, whether it is static.

use std::sync::LazyLock;

use super::defaults::TABLE;

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

/// Whether what a query writes to a local disk is synced.
pub(super) const FSYNC: &str = "tidemill.checkpoint.fsync";

/// A key, its values, its default.
pub(super) type Entry = (&'static str, ConfKind, Option<&'static str>);

/// Tidemill's own.
const OWN: &[Entry] = &[
    (FSYNC, ConfKind::OneOf(&["on", "off"]), Some("on")),
    ("tidemill.pipelining.enabled", ConfKind::Boolean, Some("true")),
    (
        "tidemill.sql.dialect",
        ConfKind::OneOf(&["spark", "datafusion"]),
        Some("spark"),
    ),
];

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
