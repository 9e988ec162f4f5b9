//! Configuration by Spark's keys, with Spark's defaults.
//!
//! A known key is checked when it is set; other `spark.*` keys are kept, since Spark accepts them too and a script
//! should run on both engines. `spark.sql.shuffle.partitions` defaults to the number of cores, not to 200.

mod defaults;
mod pinned;
mod table;

use std::collections::BTreeMap;

use tidemill_checkpoint::Fsync;
use tidemill_sql::dialect::SqlSettings;

use crate::{Result, TidemillError};
use table::{ConfKind, FSYNC};

pub(crate) use pinned::{PinnedConf, STATE_PARTITIONS};

/// The confs in force for a session or a query: `spark.sql.…` and `tidemill.…` keys.
#[derive(Clone, Debug, Default)]
pub struct Conf {
    values: BTreeMap<String, String>,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfKey {
    /// It has a type and a meaning or a default here.
    Known,
    /// A key of Spark's that means nothing here: accepted, and worth a notice.
    Ignored,
}

impl Conf {
    /// Only defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key, without any check.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.values.insert(key.into(), value.into());
    }

    /// Sets a key as `SET key=value` does.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE` for a value of the wrong type, `CANNOT_MODIFY_STATIC_CONFIG`, `UNKNOWN_CONF` for a
    /// `tidemill.` key that does not exist or a key of no known family.
    pub fn set_checked(&mut self, key: &str, value: &str) -> Result<ConfKey> {
        let known = Self::check(key, value)?;
        self.set(key, value);
        Ok(known)
    }

    /// Whether `SET key=value` is possible.
    ///
    /// # Errors
    /// As [`set_checked`](Self::set_checked).
    pub fn check(key: &str, value: &str) -> Result<ConfKey> {
        if table::is_static(key) {
            return Err(TidemillError::invalid(
                "CANNOT_MODIFY_STATIC_CONFIG",
                format!("Cannot modify the value of the static Spark config: \"{key}\"."),
            ));
        }
        match table::find(key) {
            Some((kind, _)) => check_value(key, value, kind).map(|()| ConfKey::Known),
            None if key.starts_with("spark.") => Ok(ConfKey::Ignored),
            None => Err(unknown(key)),
        }
    }

    /// Forgets what was set for a key: its default is in force again.
    pub fn reset(&mut self, key: &str) {
        self.values.remove(key);
    }

    /// The value that was set, or the key's default.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values
            .get(key)
            .map(String::as_str)
            .or_else(|| table::default_value(key))
    }

    /// The value that was set, not the default.
    pub fn get_explicit(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// What was set, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// What the confs say about the meaning of SQL text.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE`.
    pub fn sql_settings(&self) -> Result<SqlSettings> {
        Ok(SqlSettings::from_lookup(&|key| self.get(key).map(str::to_owned))?)
    }

    /// Whether writes to a local disk are synced.
    pub(crate) fn fsync(&self) -> Fsync {
        match self.get(FSYNC) {
            Some(value) if value.trim().eq_ignore_ascii_case("off") => Fsync::Off,
            _ => Fsync::On,
        }
    }

    /// A boolean conf.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE.TYPE_MISMATCH`.
    pub fn get_bool(&self, key: &str) -> Result<bool> {
        let value = self.get(key);
        value
            .and_then(parse_bool)
            .ok_or_else(|| mismatch(key, value, "boolean"))
    }

    /// An integer conf, not negative.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE.TYPE_MISMATCH`.
    pub fn get_u64(&self, key: &str) -> Result<u64> {
        let value = self.get(key);
        value
            .and_then(|v| v.trim().parse().ok())
            .ok_or_else(|| mismatch(key, value, "int"))
    }

    /// A duration conf in milliseconds: `10ms`, `1s`, `10 min`, or a bare number of milliseconds.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE.TYPE_MISMATCH`.
    pub fn get_duration_ms(&self, key: &str) -> Result<u64> {
        let value = self.get(key);
        value
            .and_then(parse_duration_ms)
            .ok_or_else(|| mismatch(key, value, MILLISECONDS))
    }
}

/// How Spark calls the values of a duration.
const MILLISECONDS: &str = "time in MILLISECONDS";

/// Takes `min` and `max`; its own check in Spark refuses another value.
const WATERMARK_POLICY: &str = "spark.sql.streaming.multipleWatermarkPolicy";

fn parse_bool(text: &str) -> Option<bool> {
    match text.trim() {
        v if v.eq_ignore_ascii_case("true") => Some(true),
        v if v.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
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

fn check_value(key: &str, value: &str, kind: ConfKind) -> Result<()> {
    let text = value.trim();
    let (good, name) = match kind {
        ConfKind::Text => (true, "string"),
        ConfKind::Boolean => (parse_bool(text).is_some(), "boolean"),
        ConfKind::DurationMs => (parse_duration_ms(text).is_some(), MILLISECONDS),
        ConfKind::Integer => (text.parse::<i64>().is_ok(), "int"),
        ConfKind::Number => (text.parse::<f64>().is_ok(), "double"),
        ConfKind::PositiveInteger => match text.parse::<i64>() {
            Ok(n) if n <= 0 => return Err(requirement(key, value)),
            parsed => (parsed.is_ok(), "int"),
        },
        ConfKind::OneOf(options) => {
            if options.iter().any(|o| o.eq_ignore_ascii_case(text)) {
                return Ok(());
            }
            let condition = match key {
                WATERMARK_POLICY => "INVALID_CONF_VALUE.REQUIREMENT",
                _ => "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS",
            };
            return Err(TidemillError::invalid(
                condition,
                format!(
                    "The value '{value}' in the config \"{key}\" is invalid. It should be one of '{}'.",
                    options.join(", ")
                ),
            ));
        }
        ConfKind::TimeZone => {
            let zone = |k: &str| (k == key).then(|| text.to_owned());
            return match SqlSettings::from_lookup(&zone) {
                Ok(_) => Ok(()),
                Err(e) => Err(e.into()),
            };
        }
    };
    if good {
        Ok(())
    } else {
        Err(mismatch(key, Some(value), name))
    }
}

fn mismatch(key: &str, value: Option<&str>, kind: &str) -> TidemillError {
    let value = value.unwrap_or("<undefined>");
    TidemillError::invalid(
        "INVALID_CONF_VALUE.TYPE_MISMATCH",
        format!("The value '{value}' in the config \"{key}\" is invalid. It should be a/an '{kind}' value."),
    )
}

fn requirement(key: &str, value: &str) -> TidemillError {
    TidemillError::invalid(
        "INVALID_CONF_VALUE.REQUIREMENT",
        format!("The value '{value}' in the config \"{key}\" is invalid. The value must be positive."),
    )
}

fn unknown(key: &str) -> TidemillError {
    let hint = table::own_keys()
        .map(|k| (strsim::normalized_damerau_levenshtein(k, key), k))
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(String::new(), |(_, k)| format!("; did you mean '{k}'?"));
    TidemillError::invalid(
        "UNKNOWN_CONF",
        format!("unknown conf '{key}': keys begin with 'spark.', 'datafusion.' or 'tidemill.'{hint}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_key_is_found() {
        for key in [
            "spark.sql.adaptive.streaming.stateless.enabled",
            "spark.sql.streaming.pollingDelay",
            "spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart",
        ] {
            assert!(Conf::new().get(key).is_some(), "{key}");
        }
        assert_eq!(
            Conf::new().get("spark.sql.streaming.minBatchesToRetain"),
            Some("100")
        );
    }

    #[test]
    fn a_known_conf_refuses_a_value_of_the_wrong_type() {
        let mut conf = Conf::new();
        let error = conf
            .set_checked("spark.sql.streaming.noDataMicroBatches.enabled", "maybe")
            .unwrap_err();
        assert_eq!(error.condition(), "INVALID_CONF_VALUE.TYPE_MISMATCH");
        assert_eq!(
            conf.get_explicit("spark.sql.streaming.noDataMicroBatches.enabled"),
            None
        );
        let error = conf.set_checked("spark.sql.shuffle.partitions", "0").unwrap_err();
        assert_eq!(error.condition(), "INVALID_CONF_VALUE.REQUIREMENT");
        let error = conf
            .set_checked("spark.sql.session.timeZone", "Mars/Olympus")
            .unwrap_err();
        assert_eq!(error.condition(), "INVALID_CONF_VALUE.TIME_ZONE");
        let error = conf
            .set_checked("spark.sql.streaming.multipleWatermarkPolicy", "foo")
            .unwrap_err();
        assert_eq!(error.condition(), "INVALID_CONF_VALUE.REQUIREMENT");
        let error = conf
            .set_checked("spark.sql.streaming.pollingDelay", "abc")
            .unwrap_err();
        assert_eq!(error.condition(), "INVALID_CONF_VALUE.TYPE_MISMATCH");
        assert!(error.message().contains("'time in MILLISECONDS'"), "{error}");
    }

    #[test]
    fn static_confs_stay_and_unknown_spark_confs_are_taken() {
        let mut conf = Conf::new();
        let error = conf.set_checked("spark.sql.warehouse.dir", "/tmp").unwrap_err();
        assert_eq!(error.condition(), "CANNOT_MODIFY_STATIC_CONFIG");
        assert_eq!(conf.set_checked("spark.foo", "1").unwrap(), ConfKey::Ignored);
        assert_eq!(conf.get("spark.foo"), Some("1"));
    }

    #[test]
    fn writes_are_synced_unless_that_is_switched_off() {
        let mut conf = Conf::new();
        assert_eq!(conf.fsync(), Fsync::On);
        conf.set_checked("tidemill.checkpoint.fsync", "OFF").unwrap();
        assert_eq!(conf.fsync(), Fsync::Off);
        assert!(conf.set_checked("tidemill.checkpoint.fsync", "no").is_err());
    }

    #[test]
    fn an_unknown_key_of_ours_names_the_nearest() {
        let error = Conf::check("tidemill.sql.dialekt", "spark").unwrap_err();
        assert!(error.message().contains("'tidemill.sql.dialect'"), "{error}");
    }

    #[test]
    fn durations_read_with_and_without_units() {
        let mut conf = Conf::new();
        let key = "spark.sql.streaming.pollingDelay";
        assert_eq!(conf.get_duration_ms(key).unwrap(), 10);
        conf.set(key, "2 min");
        assert_eq!(conf.get_duration_ms(key).unwrap(), 120_000);
        conf.set(key, "7");
        assert_eq!(conf.get_duration_ms(key).unwrap(), 7);
    }
}
