//! Configuration by Spark's keys, with Spark's defaults.

use std::collections::BTreeMap;

use crate::{Result, TidemillError};

/// The confs in force for a session or a query: `spark.sql.…` and `tidemill.…` keys.
#[derive(Clone, Debug, Default)]
pub struct Conf {
    values: BTreeMap<String, String>,
}

impl Conf {
    /// Only defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.values.insert(key.into(), value.into());
    }

    /// The value that was set, or the key's default.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).or_else(|| default(key))
    }

    /// A boolean conf.
    pub fn get_bool(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            Some(v) if v.eq_ignore_ascii_case("true") => Ok(true),
            Some(v) if v.eq_ignore_ascii_case("false") => Ok(false),
            other => Err(invalid(key, other, "boolean")),
        }
    }

    /// An integer conf, not negative.
    pub fn get_u64(&self, key: &str) -> Result<u64> {
        let value = self.get(key);
        value
            .and_then(|v| v.trim().parse().ok())
            .ok_or_else(|| invalid(key, value, "int"))
    }

    /// A duration conf in milliseconds: `10ms`, `1s`, `10 min`, or a bare number of milliseconds.
    pub fn get_duration_ms(&self, key: &str) -> Result<u64> {
        let value = self.get(key);
        value
            .and_then(parse_duration_ms)
            .ok_or_else(|| invalid(key, value, "duration"))
    }
}

fn parse_duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn invalid(key: &str, value: Option<&str>, kind: &str) -> TidemillError {
    let value = value.unwrap_or("<undefined>");
    TidemillError::invalid(
        "INVALID_CONF_VALUE.TYPE_MISMATCH",
        format!("The value '{value}' in the config \"{key}\" is invalid. It should be a {kind}."),
    )
}

fn default(key: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
}

/// Spark 4.3's keys that mean something here, and their defaults.
const DEFAULTS: &[(&str, &str)] = &[
    ("spark.sql.session.timeZone", "UTC"),
    ("spark.sql.ansi.enabled", "true"),
    ("spark.sql.streaming.minBatchesToRetain", "100"),
    ("spark.sql.streaming.fileSource.log.compactInterval", "10"),
    ("spark.sql.streaming.fileSource.log.cleanupDelay", "600000ms"),
    ("spark.sql.streaming.fileSource.log.deletion", "true"),
    ("spark.sql.streaming.fileSource.cleaner.numThreads", "1"),
    ("spark.sql.streaming.fileSink.log.compactInterval", "10"),
    ("spark.sql.streaming.fileSink.log.cleanupDelay", "600000ms"),
    ("spark.sql.streaming.fileSink.log.deletion", "true"),
];
