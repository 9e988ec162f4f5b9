//! The confs that an offset log entry freezes for the life of a checkpoint (`checkpoint-format.md` §3.1).
//!
//! All of them are always written: Spark takes a legacy value for a key that is absent.

use indexmap::IndexMap;

use super::{Conf, table};

/// The frozen confs of one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PinnedConf {
    values: IndexMap<String, String>,
}

/// What holds on resume when an entry lacks the key.
enum Absent {
    /// The session's value.
    Session,
    /// What Spark did before it knew the key.
    Legacy(&'static str),
}

use Absent::{Legacy, Session};

/// Where `spark.sql.shuffle.partitions` of the log goes: it fixes the state partitions only, and stateless exchanges
/// follow the session.
pub(crate) const STATE_PARTITIONS: &str = "spark.sql.streaming.internal.stateStore.partitions";

/// In the order in which Spark 4.3 writes them.
const PINNED: [(&str, Absent); 17] = [
    ("spark.sql.streaming.stateStore.providerClass", Session),
    (
        "spark.sql.dropDuplicates.deterministicKeyOrder.enabled",
        Legacy("false"),
    ),
    (
        "spark.sql.streaming.stateStore.rocksdb.mergeOperatorVersion",
        Legacy("1"),
    ),
    ("spark.sql.streaming.stateStore.rocksdb.formatVersion", Session),
    (
        "spark.sql.streaming.queryEvolution.enableSourceEvolution",
        Legacy("false"),
    ),
    (
        "spark.sql.streaming.stateStore.encodingFormat",
        Legacy("unsaferow"),
    ),
    (
        "spark.sql.streaming.statefulOperator.useStrictDistribution",
        Legacy("false"),
    ),
    (
        "spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion",
        Legacy("1"),
    ),
    ("spark.sql.streaming.multipleWatermarkPolicy", Legacy("min")),
    (
        "spark.sql.streaming.stateStore.rowChecksum.enabled",
        Legacy("false"),
    ),
    (
        "spark.sql.streaming.statefulOperator.alwaysNullableOutput.enabled",
        Legacy("false"),
    ),
    ("spark.sql.streaming.aggregation.stateFormatVersion", Legacy("1")),
    ("spark.sql.function.protobufExtensions.enabled", Legacy("false")),
    (table::SHUFFLE_PARTITIONS, Session),
    ("spark.sql.streaming.join.stateFormatVersion", Legacy("1")),
    ("spark.sql.streaming.stateStore.compression.codec", Legacy("lz4")),
    (
        "spark.sql.optimizer.pruneFiltersCanPruneStreamingSubplan",
        Legacy("true"),
    ),
];

impl PinnedConf {
    /// For a new checkpoint: the session's values.
    pub(crate) fn of_session(conf: &Conf) -> Self {
        Self::collect(|key, _| conf.get(key))
    }

    /// For a resumed one: the entry's values, and the table's for keys it lacks.
    pub(crate) fn of_entry(entry: &IndexMap<String, String>, conf: &Conf) -> Self {
        Self::collect(|key, absent| match (entry.get(key), absent) {
            (Some(value), _) => Some(value.as_str()),
            (None, Legacy(value)) => Some(value),
            (None, Session) => conf.get(key),
        })
    }

    fn collect<'a>(value: impl Fn(&str, &'a Absent) -> Option<&'a str>) -> Self {
        let values = PINNED
            .iter()
            .filter_map(|(key, absent)| Some(((*key).to_owned(), value(key, absent)?.to_owned())))
            .collect();
        Self { values }
    }

    /// What every entry of the query holds.
    pub(crate) fn values(&self) -> &IndexMap<String, String> {
        &self.values
    }

    /// The session's confs with the frozen ones over them.
    pub(crate) fn apply(&self, session: &Conf) -> Conf {
        let mut out = session.clone();
        for (key, value) in &self.values {
            let key = if key == table::SHUFFLE_PARTITIONS {
                STATE_PARTITIONS
            } else {
                key
            };
            out.set(key, value.as_str());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_seventeen_keys_are_written_with_the_sessions_values() {
        let mut conf = Conf::new();
        conf.set("spark.sql.shuffle.partitions", "3");
        let pinned = PinnedConf::of_session(&conf);
        assert_eq!(pinned.values().len(), 17);
        assert_eq!(pinned.values()["spark.sql.shuffle.partitions"], "3");
        assert_eq!(
            pinned.values()["spark.sql.streaming.join.stateFormatVersion"],
            "2"
        );
    }

    #[test]
    fn an_entry_overrides_the_session_and_absent_keys_take_their_legacy_value() {
        let mut conf = Conf::new();
        conf.set("spark.sql.shuffle.partitions", "7");
        let entry = IndexMap::from([("spark.sql.shuffle.partitions".to_owned(), "3".to_owned())]);
        let pinned = PinnedConf::of_entry(&entry, &conf);
        assert_eq!(pinned.values()["spark.sql.shuffle.partitions"], "3");
        assert_eq!(
            pinned.values()["spark.sql.streaming.aggregation.stateFormatVersion"],
            "1"
        );
        assert_eq!(
            pinned.values()["spark.sql.streaming.stateStore.rocksdb.formatVersion"],
            "5"
        );
        let applied = pinned.apply(&conf);
        assert_eq!(applied.get("spark.sql.shuffle.partitions"), Some("7"));
        assert_eq!(applied.get(STATE_PARTITIONS), Some("3"));
    }
}
