//! Texts as dates and times: `to_date`, `to_timestamp`, `unix_timestamp` and their like.

use arrow::datatypes::DataType;

use super::arguments::{Row, Value};
use super::{Context, DatetimeKind, pattern};
use crate::SqlError;
use crate::record::value::{parse_date, parse_timestamp, parse_timestamp_local};

impl Context {
    /// The value of one row without nulls; what is no string was cast before.
    pub(super) fn read(&mut self, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
        use DatetimeKind as K;
        let Some(text) = row.text(0) else {
            return Ok(match (self.kind, row.data_type(0)) {
                (K::ToDate { .. }, _) => row.date(0).map(Value::Int),
                // Whole seconds towards zero, as Spark's division gives them.
                (K::UnixTimestamp, _) => row.micros(0).map(|m| Value::Long(m / 1_000_000)),
                _ => row.micros(0).map(Value::Long),
            });
        };
        let pattern = match (row.data_type(1), self.kind) {
            (Some(DataType::Utf8), _) => row.text(1),
            (_, K::UnixTimestamp) => Some(pattern::DEFAULT),
            _ => None,
        };
        match pattern {
            Some(pattern) => self.by_pattern(text, pattern),
            None => self.by_cast(text),
        }
    }

    fn by_cast(&self, text: &str) -> Result<Option<Value>, SqlError> {
        let bytes = text.as_bytes();
        let (value, name) = match self.kind {
            DatetimeKind::ToDate { .. } => (parse_date(bytes).map(Value::Int), "DATE"),
            DatetimeKind::ToTimestampNtz => (parse_timestamp_local(bytes).map(Value::Long), "TIMESTAMP_NTZ"),
            _ => (parse_timestamp(bytes, &self.zone).map(Value::Long), "TIMESTAMP"),
        };
        if value.is_none() && self.ansi {
            return Err(SqlError::new(
                "CAST_INVALID_INPUT",
                format!("The value '{text}' cannot be cast to \"{name}\" because it is malformed."),
            ));
        }
        Ok(value)
    }

    fn by_pattern(&mut self, text: &str, pattern: &str) -> Result<Option<Value>, SqlError> {
        let compiled = self.patterns.get(pattern, true)?;
        let bytes = text.as_bytes();
        let value = match self.kind {
            DatetimeKind::ToTimestampNtz => compiled.parse_timestamp_ntz(bytes).map(Value::Long),
            kind => compiled
                .parse_timestamp(bytes, &self.zone)
                .and_then(|micros| match kind {
                    DatetimeKind::ToDate { .. } => {
                        let day = self.zone.to_local(micros)?.div_euclid(super::instant::DAY_US);
                        i32::try_from(day).ok().map(Value::Int)
                    }
                    DatetimeKind::UnixTimestamp => Some(Value::Long(micros.div_euclid(1_000_000))),
                    _ => Some(Value::Long(micros)),
                }),
        };
        if value.is_none() && self.ansi {
            return Err(SqlError::new(
                "CANNOT_PARSE_TIMESTAMP",
                format!("Text '{text}' could not be parsed by the pattern '{pattern}'."),
            ));
        }
        Ok(value)
    }
}
