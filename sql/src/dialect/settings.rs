//! What a session says about the meaning of its SQL: dialect, time zone, ANSI.

use std::fmt;
use std::str::FromStr;

use crate::record::value::Zone;
use crate::{Result, SqlError};

/// Whose words and meaning SQL text has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SqlDialect {
    /// Spark's: the default, so that a query means the same on both engines.
    #[default]
    Spark,
    /// DataFusion's own, with `STREAM(t)` and our statements.
    DataFusion,
}

impl fmt::Display for SqlDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spark => "spark",
            Self::DataFusion => "datafusion",
        })
    }
}

impl FromStr for SqlDialect {
    type Err = SqlError;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "spark" => Ok(Self::Spark),
            "datafusion" => Ok(Self::DataFusion),
            _ => Err(SqlError::new(
                "INVALID_CONF_VALUE",
                format!("tidemill.sql.dialect is 'spark' or 'datafusion', not '{text}'."),
            )),
        }
    }
}

/// The settings that govern the meaning of SQL text; fixed when a statement is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlSettings {
    /// `tidemill.sql.dialect`.
    pub dialect: SqlDialect,
    /// `spark.sql.session.timeZone`: a region (`Europe/Oslo`), an offset (`+02:00`) or `UTC`.
    pub time_zone: String,
    /// `spark.sql.ansi.enabled`: whether overflow, division by zero and bad casts are errors.
    pub ansi: bool,
}

impl Default for SqlSettings {
    fn default() -> Self {
        Self {
            dialect: SqlDialect::Spark,
            time_zone: "UTC".to_owned(),
            ansi: true,
        }
    }
}

impl SqlSettings {
    /// The settings in a session's configuration; `lookup` gives a conf's value where it is set.
    ///
    /// # Errors
    /// INVALID_CONF_VALUE for a value that is not one of the conf's.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let mut settings = Self::default();
        if let Some(text) = lookup("tidemill.sql.dialect") {
            settings.dialect = text.parse()?;
        }
        if let Some(zone) = lookup("spark.sql.session.timeZone") {
            settings.time_zone = zone;
        }
        if let Some(text) = lookup("spark.sql.ansi.enabled") {
            settings.ansi = match text.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => {
                    return Err(SqlError::new(
                        "INVALID_CONF_VALUE",
                        format!("spark.sql.ansi.enabled is true or false, not '{text}'."),
                    ));
                }
            };
        }
        settings.check_zone()?;
        Ok(settings)
    }

    /// Whether the session's zone is UTC under one of its names.
    pub fn is_utc(&self) -> bool {
        matches!(
            self.time_zone.to_ascii_uppercase().as_str(),
            "UTC"
                | "Z"
                | "GMT"
                | "UCT"
                | "ETC/UTC"
                | "ZULU"
                | "+00:00"
                | "+0"
                | "UTC+0"
                | "GMT+0"
                | "UTC+00:00"
        )
    }

    /// The session's zone; UTC for a name that was not checked before.
    pub(crate) fn zone(&self) -> Zone {
        Zone::parse(&self.time_zone).unwrap_or_else(Zone::utc)
    }

    fn check_zone(&self) -> Result<()> {
        if Zone::parse(&self.time_zone).is_some() {
            Ok(())
        } else {
            Err(SqlError::new(
                "INVALID_CONF_VALUE.TIME_ZONE",
                format!(
                    "Cannot resolve the given timezone '{}'. Use a region such as 'Europe/Oslo', or an offset such as '+02:00'.",
                    self.time_zone
                ),
            ))
        }
    }
}
