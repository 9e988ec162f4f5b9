//! SET, SET TIME ZONE, RESET.

use super::{StatementResult, texts};
use crate::{Result, StreamingSession};

/// The conf behind SET TIME ZONE.
pub(super) const TIME_ZONE: &str = "spark.sql.session.timeZone";

impl StreamingSession {
    pub(super) fn set_statement(&self, key: &str, value: &str) -> Result<StatementResult> {
        let before = self.conf().get_explicit(key).map(str::to_owned);
        let notice = self.set_conf(key, value)?;
        if let Err(error) = self.conf().sql_settings() {
            match before {
                Some(before) => self.set_conf(key, &before).map(drop)?,
                None => self.reset_conf(key)?,
            }
            return Err(error);
        }
        Ok(StatementResult::Done { notice })
    }

    pub(super) fn reset_statement(&self, key: Option<&str>) -> Result<StatementResult> {
        let keys: Vec<String> = match key {
            Some(key) => vec![key.to_owned()],
            None => self.conf().iter().map(|(key, _)| key.to_owned()).collect(),
        };
        for key in keys {
            self.reset_conf(&key)?;
        }
        Ok(StatementResult::done())
    }

    pub(super) fn show_setting(&self, key: &str) -> Result<StatementResult> {
        let conf = self.conf();
        let value = conf.get(key).unwrap_or("<undefined>");
        self.rows(vec![("key", texts([key])), ("value", texts([value]))])
    }

    pub(super) fn show_settings(&self) -> Result<StatementResult> {
        let conf = self.conf();
        self.rows(vec![
            ("key", texts(conf.iter().map(|(key, _)| key))),
            ("value", texts(conf.iter().map(|(_, value)| value))),
        ])
    }
}
