//! Functions of dates and times, in the session's time zone.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{Datelike, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::{is_integer, is_string};
use super::super::statements::timestamp;
use super::pattern::DatetimePattern;
use super::rows::{check_castable, check_count, convert};
use super::zone::Zone;
use crate::SqlError;

/// A function of dates and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DatetimeKind {
    /// A field of a time as INT.
    Field(TimeField),
    /// `date_format(ts, pattern)`
    Format,
    /// `to_date(x[, pattern])`
    ToDate,
    /// `to_timestamp(x[, pattern])`
    ToTimestamp,
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
}

/// A field of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TimeField {
    /// The year.
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// 1 to 31.
    Day,
    /// 1 (Sunday) to 7.
    DayOfWeek,
    /// 0 (Monday) to 6.
    Weekday,
    /// 1 to 366.
    DayOfYear,
    /// The ISO week.
    WeekOfYear,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59.
    Second,
}

/// The call that adds days to a date, or takes them off.
pub(crate) fn date_offset(date: Expr, days: Expr, back: bool, settings: &SqlSettings) -> Expr {
    let (name, kind) = if back {
        ("date_sub", DatetimeKind::DateSub)
    } else {
        ("date_add", DatetimeKind::DateAdd)
    };
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(function(name, kind, settings)),
        vec![date, days],
    ))
}

/// The function under this name.
pub(crate) fn function(name: &'static str, kind: DatetimeKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(DatetimeFunction {
        name,
        kind,
        ansi: settings.ansi,
        zone_name: settings.time_zone.clone(),
        zone: Zone::of(settings),
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DatetimeFunction {
    name: &'static str,
    kind: DatetimeKind,
    ansi: bool,
    zone_name: String,
    zone: Zone,
    signature: Signature,
}

impl ScalarUDFImpl for DatetimeFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        use DatetimeKind as K;
        let counts = match self.kind {
            K::Field(_) | K::LastDay => 1..=1,
            K::ToDate | K::ToTimestamp | K::UnixTimestamp | K::FromUnixtime => 1..=2,
            K::Format
            | K::TruncTimestamp
            | K::TruncDate
            | K::DateAdd
            | K::DateSub
            | K::DateDiff
            | K::AddMonths => 2..=2,
        };
        check_count(self.name, types.len(), counts)?;
        check_castable(types, |at| self.parameter(at, types.get(at)), &self.settings())?;
        if matches!(self.kind, K::ToDate | K::ToTimestamp)
            && types.len() == 2
            && types
                .first()
                .is_some_and(|t| !is_string(t) && *t != DataType::Null)
        {
            return Err(unsupported("A pattern with a value that is no string").into());
        }
        Ok(match self.kind {
            K::Field(_) | K::DateDiff => DataType::Int32,
            K::Format | K::FromUnixtime => DataType::Utf8,
            K::ToTimestamp | K::TruncTimestamp => timestamp(),
            K::UnixTimestamp => DataType::Int64,
            K::ToDate | K::TruncDate | K::DateAdd | K::DateSub | K::LastDay | K::AddMonths => {
                DataType::Date32
            }
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let scalar = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let mut columns = Vec::with_capacity(args.args.len());
        for (at, arg) in args.args.iter().enumerate() {
            let array = arg.clone().into_array(rows)?;
            let to = self.parameter(at, Some(array.data_type()));
            columns.push(convert(&array, to, &self.settings())?);
        }
        let out = self.compute(&columns, rows)?;
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?)
        } else {
            ColumnarValue::Array(out)
        })
    }
}

impl DatetimeFunction {
    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            time_zone: self.zone_name.clone(),
            ..SqlSettings::default()
        }
    }

    /// The type an argument is cast to.
    fn parameter(&self, at: usize, from: Option<&DataType>) -> DataType {
        use DatetimeKind as K;
        let text = from.is_some_and(is_string);
        match (self.kind, at) {
            (K::Field(TimeField::Hour | TimeField::Minute | TimeField::Second), 0) => timestamp_like(from),
            (K::Field(_), 0) => match from {
                Some(DataType::Timestamp(..)) => timestamp_like(from),
                _ => DataType::Date32,
            },
            (K::Format, 0) | (K::TruncTimestamp, 1) => timestamp_like(from),
            (K::ToDate | K::ToTimestamp, 0) if text => DataType::Utf8,
            (K::UnixTimestamp, 0) if text => DataType::Utf8,
            (K::ToDate, 0) => DataType::Date32,
            (K::ToTimestamp | K::UnixTimestamp, 0) => timestamp(),
            (K::FromUnixtime, 0) => DataType::Int64,
            (K::TruncDate | K::DateAdd | K::DateSub | K::DateDiff | K::LastDay | K::AddMonths, 0)
            | (K::DateDiff, 1) => DataType::Date32,
            (K::DateAdd | K::DateSub | K::AddMonths, 1) => match from {
                Some(t) if is_integer(t) && *t != DataType::Int64 => DataType::Int32,
                Some(DataType::Null) => DataType::Int32,
                // Spark takes no other type here; the cast of the type to itself then fails below.
                _ => DataType::Int32,
            },
            _ => DataType::Utf8,
        }
    }

    fn compute(&self, columns: &[ArrayRef], rows: usize) -> DataFusionResult<ArrayRef> {
        use DatetimeKind as K;
        let pattern_at = |at: usize, row: usize| text_at(columns, at, row);
        match self.kind {
            K::Field(field) => {
                let mut out = Int32Builder::with_capacity(rows);
                for row in 0..rows {
                    out.append_option(self.local(columns, 0, row).map(|t| field_of(field, &t)));
                }
                Ok(Arc::new(out.finish()))
            }
            K::Format | K::FromUnixtime => {
                let mut out = StringBuilder::with_capacity(rows, rows * 16);
                let mut cache = Cache::default();
                for row in 0..rows {
                    let pattern = if columns.len() > 1 {
                        pattern_at(1, row)
                    } else {
                        Some("yyyy-MM-dd HH:mm:ss")
                    };
                    let local = if self.kind == K::FromUnixtime {
                        int_at(columns, 0, row).and_then(|s| self.zone.local(s.checked_mul(1_000_000)?))
                    } else {
                        self.local(columns, 0, row)
                    };
                    out.append_option(match (pattern, local) {
                        (Some(pattern), Some(local)) => Some(cache.get(pattern)?.format(&local)),
                        _ => None,
                    });
                }
                Ok(Arc::new(out.finish()))
            }
            K::ToDate | K::ToTimestamp | K::UnixTimestamp => self.read(columns, rows),
            K::TruncTimestamp => {
                let mut out = TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(timestamp());
                for row in 0..rows {
                    let value = self
                        .local(columns, 1, row)
                        .and_then(|t| truncate(&t, text_at(columns, 0, row)?));
                    out.append_option(value.and_then(|t| self.zone.instant(t)));
                }
                Ok(Arc::new(out.finish()))
            }
            K::DateDiff => {
                let mut out = Int32Builder::with_capacity(rows);
                for row in 0..rows {
                    let days = date_at(columns, 0, row).zip(date_at(columns, 1, row));
                    out.append_option(
                        days.and_then(|(a, b)| i32::try_from(a.signed_duration_since(b).num_days()).ok()),
                    );
                }
                Ok(Arc::new(out.finish()))
            }
            K::TruncDate | K::DateAdd | K::DateSub | K::LastDay | K::AddMonths => {
                let mut out = Date32Builder::with_capacity(rows);
                for row in 0..rows {
                    let date = date_at(columns, 0, row).and_then(|d| self.date(d, columns, row));
                    out.append_option(date.and_then(days_of));
                }
                Ok(Arc::new(out.finish()))
            }
        }
    }

    fn date(&self, date: NaiveDate, columns: &[ArrayRef], row: usize) -> Option<NaiveDate> {
        use DatetimeKind as K;
        let n = || {
            let array = columns
                .get(1)?
                .as_primitive_opt::<arrow::datatypes::Int32Type>()?;
            array.is_valid(row).then(|| i64::from(array.value(row)))
        };
        match self.kind {
            K::DateAdd => date.checked_add_signed(Duration::days(n()?)),
            K::DateSub => date.checked_sub_signed(Duration::days(n()?)),
            K::AddMonths => {
                let months = n()?;
                let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
                if months >= 0 {
                    date.checked_add_months(count)
                } else {
                    date.checked_sub_months(count)
                }
            }
            K::LastDay => date.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt(),
            _ => {
                let unit = text_at(columns, 1, row)?;
                // Units below a week leave no date, as in Spark.
                match unit.to_ascii_lowercase().as_str() {
                    "week" | "mon" | "month" | "mm" | "quarter" | "year" | "yyyy" | "yy" => {
                        Some(truncate(&date.and_time(NaiveTime::MIN), unit)?.date())
                    }
                    _ => None,
                }
            }
        }
    }

    /// `to_date`, `to_timestamp`, `unix_timestamp`.
    fn read(&self, columns: &[ArrayRef], rows: usize) -> DataFusionResult<ArrayRef> {
        use DatetimeKind as K;
        let first = columns
            .first()
            .ok_or_else(|| unsupported("A call without arguments"))?;
        let micros = if *first.data_type() != DataType::Utf8 {
            if self.kind == K::ToDate {
                return Ok(Arc::clone(first));
            }
            Arc::clone(first)
        } else if columns.len() < 2 && self.kind != K::UnixTimestamp {
            let to = if self.kind == K::ToDate {
                DataType::Date32
            } else {
                timestamp()
            };
            return convert(first, to, &self.settings());
        } else {
            let mut out = TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(timestamp());
            let mut cache = Cache::default();
            for row in 0..rows {
                let pattern = if columns.len() > 1 {
                    text_at(columns, 1, row)
                } else {
                    Some("yyyy-MM-dd HH:mm:ss")
                };
                let (Some(pattern), Some(text)) = (pattern, text_at(columns, 0, row)) else {
                    out.append_null();
                    continue;
                };
                let parsed = cache.get(pattern)?;
                if !parsed.is_readable() {
                    return Err(unsupported(&format!("Reading a time by the pattern '{pattern}'")).into());
                }
                let value = parsed.read(text).and_then(|t| self.zone.instant(t));
                if value.is_none() && self.ansi {
                    return Err(SqlError::new(
                        "CANNOT_PARSE_TIMESTAMP",
                        format!("Text '{text}' could not be parsed by the pattern '{pattern}'."),
                    )
                    .into());
                }
                out.append_option(value);
            }
            Arc::new(out.finish()) as ArrayRef
        };
        match self.kind {
            K::ToDate => convert(&micros, DataType::Date32, &self.settings()),
            K::UnixTimestamp => {
                let mut out = Int64Builder::with_capacity(rows);
                for m in micros.as_primitive::<TimestampMicrosecondType>() {
                    // Whole seconds towards zero, as Spark's division gives them.
                    out.append_option(m.map(|m| m / 1_000_000));
                }
                Ok(Arc::new(out.finish()))
            }
            _ => Ok(micros),
        }
    }

    /// The local time in a column of dates or timestamps.
    fn local(&self, columns: &[ArrayRef], at: usize, row: usize) -> Option<NaiveDateTime> {
        let array = columns.get(at)?;
        if array.is_null(row) {
            return None;
        }
        match array.data_type() {
            DataType::Date32 => date_at(columns, at, row).map(|d| d.and_time(NaiveTime::MIN)),
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                let micros = array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row);
                chrono::DateTime::from_timestamp_micros(micros).map(|t| t.naive_utc())
            }
            _ => self
                .zone
                .local(array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row)),
        }
    }
}

/// The patterns read so far: nearly always one.
#[derive(Default)]
struct Cache {
    last: Option<(String, DatetimePattern)>,
}

impl Cache {
    fn get(&mut self, pattern: &str) -> Result<&DatetimePattern, SqlError> {
        if self.last.as_ref().is_none_or(|(text, _)| text != pattern) {
            self.last = Some((pattern.to_owned(), DatetimePattern::parse(pattern)?));
        }
        self.last
            .as_ref()
            .map(|(_, parsed)| parsed)
            .ok_or_else(|| unsupported("An empty pattern"))
    }
}

/// A timestamp without zone stays one; everything else is a timestamp.
fn timestamp_like(from: Option<&DataType>) -> DataType {
    match from {
        Some(DataType::Timestamp(TimeUnit::Microsecond, None)) => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        _ => timestamp(),
    }
}

fn text_at(columns: &[ArrayRef], at: usize, row: usize) -> Option<&str> {
    let array = columns.get(at)?.as_string_opt::<i32>()?;
    array.is_valid(row).then(|| array.value(row))
}

fn int_at(columns: &[ArrayRef], at: usize, row: usize) -> Option<i64> {
    let array = columns.get(at)?.as_primitive_opt::<Int64Type>()?;
    array.is_valid(row).then(|| array.value(row))
}

fn date_at(columns: &[ArrayRef], at: usize, row: usize) -> Option<NaiveDate> {
    let array = columns.get(at)?.as_primitive_opt::<Date32Type>()?;
    if array.is_null(row) {
        return None;
    }
    NaiveDate::default().checked_add_signed(Duration::days(i64::from(array.value(row))))
}

fn days_of(date: NaiveDate) -> Option<i32> {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

fn field_of(field: TimeField, t: &NaiveDateTime) -> i32 {
    let value = match field {
        TimeField::Year => return t.year(),
        TimeField::Quarter => t.month0() / 3 + 1,
        TimeField::Month => t.month(),
        TimeField::Day => t.day(),
        TimeField::DayOfWeek => t.weekday().num_days_from_sunday() + 1,
        TimeField::Weekday => t.weekday().num_days_from_monday(),
        TimeField::DayOfYear => t.ordinal(),
        TimeField::WeekOfYear => t.iso_week().week(),
        TimeField::Hour => t.hour(),
        TimeField::Minute => t.minute(),
        TimeField::Second => t.second(),
    };
    i32::try_from(value).unwrap_or(0)
}

/// The start of the unit that a local time is in; `None` for a unit that does not exist.
fn truncate(t: &NaiveDateTime, unit: &str) -> Option<NaiveDateTime> {
    let date = t.date();
    let day = |d: NaiveDate| Some(d.and_time(NaiveTime::MIN));
    let clock = |h, m, s, micro| Some(date.and_time(NaiveTime::from_hms_micro_opt(h, m, s, micro)?));
    match unit.to_ascii_lowercase().as_str() {
        "year" | "yyyy" | "yy" => day(date.with_day(1)?.with_month(1)?),
        "quarter" => day(date.with_day(1)?.with_month(t.month0() / 3 * 3 + 1)?),
        "month" | "mon" | "mm" => day(date.with_day(1)?),
        "week" => {
            day(date.checked_sub_signed(Duration::days(i64::from(date.weekday().num_days_from_monday())))?)
        }
        "day" | "dd" => day(date),
        "hour" => clock(t.hour(), 0, 0, 0),
        "minute" => clock(t.hour(), t.minute(), 0, 0),
        "second" => clock(t.hour(), t.minute(), t.second(), 0),
        "millisecond" => clock(
            t.hour(),
            t.minute(),
            t.second(),
            t.nanosecond() / 1_000_000 * 1000,
        ),
        "microsecond" => clock(t.hour(), t.minute(), t.second(), t.nanosecond() / 1000),
        _ => None,
    }
}

fn unsupported(what: &str) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!("{what} is not supported in the spark dialect yet."),
    )
}
