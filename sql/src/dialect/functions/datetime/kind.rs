//! The functions of dates and times: the types of their arguments and results.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Result as DataFusionResult;

use super::super::super::analyzer::{is_float, is_numeric, is_string};
use super::super::super::statements::timestamp;
use super::super::rows::check_count;
use super::fields::TimeField;
use super::instant::like_timestamp;
use crate::SqlError;

/// A function of dates and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DatetimeKind {
    /// A field of a time.
    Field(TimeField),
    /// `date_format(ts, pattern)`
    Format,
    /// `to_date(x[, pattern])`
    ToDate {
        /// NULL in place of an error.
        tries: bool,
    },
    /// `to_timestamp(x[, pattern])`
    ToTimestamp {
        /// NULL in place of an error.
        tries: bool,
    },
    /// `to_timestamp_ntz(x[, pattern])`
    ToTimestampNtz,
    /// `unix_timestamp(x[, pattern])`
    UnixTimestamp,
    /// `from_unixtime(seconds[, pattern])`
    FromUnixtime,
    /// `date_trunc(unit, ts)`
    TruncTimestamp,
    /// `trunc(date, unit)`
    TruncDate,
    /// `date_add(date, days)`
    DateAdd,
    /// `date_sub(date, days)`
    DateSub,
    /// `datediff(end, start)`
    DateDiff,
    /// `last_day(date)`
    LastDay,
    /// `add_months(date, n)`
    AddMonths,
    /// `next_day(date, name)`
    NextDay,
    /// `months_between(a, b[, rounds])`
    MonthsBetween,
    /// `make_date(year, month, day)`
    MakeDate,
    /// `make_timestamp(year, month, day, hour, minute, seconds[, zone])`
    MakeTimestamp {
        /// Without zone.
        ntz: bool,
        /// NULL in place of an error.
        tries: bool,
    },
    /// `unix_date(date)`
    UnixDate,
    /// `date_from_unix_date(days)`
    DateFromUnixDate,
    /// `timestamp_seconds(n)`, `timestamp_millis(n)`, `timestamp_micros(n)`
    TimestampOf {
        /// How many of the argument make a second.
        per_second: i64,
    },
    /// `unix_seconds(ts)`
    UnixSeconds,
    /// `unix_millis(ts)`
    UnixMillis,
    /// `unix_micros(ts)`
    UnixMicros,
    /// `from_utc_timestamp(ts, zone)`
    FromUtc,
    /// `to_utc_timestamp(ts, zone)`
    ToUtc,
    /// `convert_timezone([from, ]to, ts)`
    ConvertTimezone,
    /// `current_timezone()`
    CurrentTimezone,
    /// `timestampadd(unit, n, ts)`, the unit as a string
    TimestampAdd,
    /// `timestampdiff(unit, start, end)`, the unit as a string
    TimestampDiff,
    /// `end - start`, both of one type, as an interval
    Difference,
    /// `ts + interval`
    AddInterval {
        /// The interval is taken off.
        back: bool,
    },
}

const NTZ: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

impl DatetimeKind {
    /// Whether what does not fit is NULL, also under ANSI.
    pub(super) fn tries(self) -> bool {
        matches!(
            self,
            Self::ToDate { tries: true }
                | Self::ToTimestamp { tries: true }
                | Self::MakeTimestamp { tries: true, .. }
        )
    }

    /// Refuses arguments that Spark's function does not take.
    pub(super) fn check(self, name: &str, types: &[DataType]) -> DataFusionResult<()> {
        let counts = match self {
            Self::CurrentTimezone => 0..=0,
            Self::Field(_)
            | Self::LastDay
            | Self::UnixDate
            | Self::DateFromUnixDate
            | Self::TimestampOf { .. }
            | Self::UnixSeconds
            | Self::UnixMillis
            | Self::UnixMicros => 1..=1,
            Self::ToDate { .. }
            | Self::ToTimestamp { .. }
            | Self::ToTimestampNtz
            | Self::UnixTimestamp
            | Self::FromUnixtime => 1..=2,
            Self::MonthsBetween | Self::ConvertTimezone => 2..=3,
            Self::MakeDate | Self::TimestampAdd | Self::TimestampDiff => 3..=3,
            Self::MakeTimestamp { ntz, .. } => 6..=(if ntz { 6 } else { 7 }),
            _ => 2..=2,
        };
        check_count(name, types.len(), counts)?;
        if self == Self::ConvertTimezone && types.len() == 2 && types.get(1).is_some_and(is_string) {
            return Err(
                super::unsupported("convert_timezone of a string without the zone that it is in").into(),
            );
        }
        for (at, from) in types.iter().enumerate() {
            if !self.takes(at, from) {
                return Err(SqlError::new(
                    "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                    format!(
                        "Argument {} of {name} is of the type \"{}\", not \"{}\" (a cast makes it one).",
                        at + 1,
                        super::super::type_name(from),
                        super::super::type_name(&self.parameter(at, from))
                    ),
                )
                .into());
            }
        }
        Ok(())
    }

    /// Whether Spark casts a value of this type to the parameter of its own accord.
    fn takes(self, at: usize, from: &DataType) -> bool {
        let to = self.parameter(at, from);
        let is_time = |t: &DataType| *t == DataType::Date32 || *t == NTZ || *t == timestamp();
        let only_timestamps = matches!(self, Self::UnixSeconds | Self::UnixMillis | Self::UnixMicros);
        match from {
            f if *f == to || *f == DataType::Null || is_string(f) => true,
            DataType::Date32 => (is_time(&to) && !only_timestamps) || to == DataType::Utf8,
            f if is_time(f) => is_time(&to) || to == DataType::Utf8,
            f if is_numeric(f) && to == DataType::Utf8 => true,
            DataType::Int8 | DataType::Int16 | DataType::Int32 => is_numeric(&to) || self.counts_seconds(at),
            DataType::Int64 => matches!(to, DataType::Decimal128(..)) || self.counts_seconds(at),
            f if is_numeric(f) => matches!(to, DataType::Decimal128(..)) || self.counts_seconds(at),
            DataType::Boolean => to == DataType::Utf8,
            _ => false,
        }
    }

    fn counts_seconds(self, at: usize) -> bool {
        at == 0 && matches!(self, Self::ToTimestamp { .. })
    }

    /// The type an argument is cast to.
    pub(super) fn parameter(self, at: usize, from: &DataType) -> DataType {
        match (self, at) {
            (Self::Field(field), _) => match (field, from) {
                (_, DataType::Timestamp(..)) => like_timestamp(from),
                (
                    TimeField::Hour | TimeField::Minute | TimeField::Second | TimeField::SecondWithFraction,
                    _,
                ) => timestamp(),
                _ => DataType::Date32,
            },
            (Self::Format | Self::FromUtc | Self::ToUtc | Self::MonthsBetween, 0)
            | (Self::TruncTimestamp | Self::MonthsBetween, 1)
            | (Self::UnixSeconds | Self::UnixMillis | Self::UnixMicros, _) => timestamp(),
            (Self::MonthsBetween, _) => DataType::Boolean,
            (
                Self::ToDate { .. } | Self::ToTimestamp { .. } | Self::ToTimestampNtz | Self::UnixTimestamp,
                0,
            ) if is_string(from) => DataType::Utf8,
            (Self::ToDate { .. }, 0) => DataType::Date32,
            (Self::ToTimestamp { .. } | Self::UnixTimestamp, 0) => timestamp(),
            (Self::ToTimestampNtz, 0) => NTZ,
            (Self::FromUnixtime, 0) => DataType::Int64,
            (Self::DateDiff, _)
            | (
                Self::TruncDate
                | Self::DateAdd
                | Self::DateSub
                | Self::LastDay
                | Self::AddMonths
                | Self::NextDay
                | Self::UnixDate,
                0,
            ) => DataType::Date32,
            (Self::DateAdd | Self::DateSub | Self::AddMonths, 1) => DataType::Int32,
            (Self::MakeDate | Self::DateFromUnixDate, _) => DataType::Int32,
            (Self::MakeTimestamp { .. }, 5) => DataType::Decimal128(16, 6),
            (Self::MakeTimestamp { .. }, 0..=4) => DataType::Int32,
            (Self::TimestampOf { .. }, _) => match from {
                DataType::Decimal128(..) => DataType::Decimal128(38, 6),
                f if is_float(f) => DataType::Float64,
                _ => DataType::Int64,
            },
            (Self::TimestampAdd, 1) => DataType::Int64,
            (Self::TimestampAdd, 2) | (Self::AddInterval { .. }, 0) => like_timestamp(from),
            (Self::TimestampDiff, 1 | 2) => timestamp(),
            (Self::ConvertTimezone, at) if at == 2 || !is_string(from) => NTZ,
            (Self::AddInterval { .. } | Self::Difference, _) => from.clone(),
            _ => DataType::Utf8,
        }
    }

    /// The type of the result.
    pub(super) fn result(self, types: &[DataType]) -> DataType {
        let like = |at: usize| types.get(at).map_or_else(timestamp, like_timestamp);
        match self {
            Self::Field(TimeField::SecondWithFraction) => DataType::Decimal128(8, 6),
            Self::Field(TimeField::DayName | TimeField::MonthName)
            | Self::Format
            | Self::FromUnixtime
            | Self::CurrentTimezone => DataType::Utf8,
            Self::Field(_) | Self::DateDiff | Self::UnixDate => DataType::Int32,
            Self::UnixTimestamp
            | Self::UnixSeconds
            | Self::UnixMillis
            | Self::UnixMicros
            | Self::TimestampDiff => DataType::Int64,
            Self::MonthsBetween => DataType::Float64,
            Self::Difference => DataType::Duration(TimeUnit::Microsecond),
            Self::ToTimestampNtz | Self::ConvertTimezone | Self::MakeTimestamp { ntz: true, .. } => NTZ,
            Self::ToTimestamp { .. }
            | Self::TruncTimestamp
            | Self::MakeTimestamp { .. }
            | Self::TimestampOf { .. }
            | Self::FromUtc
            | Self::ToUtc => timestamp(),
            Self::TimestampAdd => like(2),
            Self::AddInterval { .. } => like(0),
            _ => DataType::Date32,
        }
    }
}
