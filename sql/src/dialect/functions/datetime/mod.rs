//! Functions of dates and times, in the session's time zone.
//!
//! `kind` says of each function which arguments it takes and what it gives; the other files compute rows.

mod arguments;
mod calendar;
mod fields;
mod instant;
mod kind;
mod pattern;
mod read;
mod truncate;

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::statements::timestamp;
use super::rows::{convert, row_count};
use crate::SqlError;
use crate::record::value::IntervalFields;
use arguments::{Row, Value};
pub(crate) use fields::TimeField;
pub(crate) use kind::DatetimeKind;
use pattern::Patterns;

/// The call that adds days to a date, or takes them off.
pub(crate) fn date_offset(date: Expr, days: Expr, back: bool, settings: &SqlSettings) -> Expr {
    let (name, kind) = if back {
        ("date_sub", DatetimeKind::DateSub)
    } else {
        ("date_add", DatetimeKind::DateAdd)
    };
    call(name, kind, vec![date, days], settings)
}

/// The call that adds an interval to a timestamp, in the session's zone.
pub(crate) fn add_interval(time: Expr, interval: Expr, back: bool, settings: &SqlSettings) -> Expr {
    let kind = DatetimeKind::AddInterval { back };
    call("timestamp_add_interval", kind, vec![time, interval], settings)
}

/// The call that adds months to a date.
pub(crate) fn add_months(date: Expr, months: Expr, settings: &SqlSettings) -> Expr {
    call(
        "add_months",
        DatetimeKind::AddMonths,
        vec![date, months],
        settings,
    )
}

/// The call that gives the interval between two times of one type: local times, in the session's zone.
pub(crate) fn difference(end: Expr, start: Expr, settings: &SqlSettings) -> Expr {
    call(
        "time_difference",
        DatetimeKind::Difference,
        vec![end, start],
        settings,
    )
}

fn call(name: &'static str, kind: DatetimeKind, args: Vec<Expr>, settings: &SqlSettings) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(function(name, kind, settings)),
        args,
    ))
}

/// The function under this name.
pub(crate) fn function(name: &'static str, kind: DatetimeKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(DatetimeFunction {
        name,
        kind,
        ansi: settings.ansi,
        zone_name: settings.time_zone.clone(),
        signature: match kind {
            DatetimeKind::CurrentTimezone => Signature::nullary(Volatility::Immutable),
            _ => Signature::variadic_any(Volatility::Immutable),
        },
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DatetimeFunction {
    name: &'static str,
    kind: DatetimeKind,
    ansi: bool,
    zone_name: String,
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
        self.kind.check(self.name, types)?;
        Ok(self.kind.result(types))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let days = self.kind == DatetimeKind::Difference && types.first() == Some(&DataType::Date32);
        Ok(match self.return_type(&types)? {
            _ if days => IntervalFields::DAY.field(self.name),
            other => Arc::new(Field::new(self.name, other, true)),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let result = args.return_field.data_type();
        make_scalar_function(|columns| self.compute(columns, result), Vec::new())(&args.args)
    }
}

impl DatetimeFunction {
    fn compute(&self, given: &[ArrayRef], result: &DataType) -> DataFusionResult<ArrayRef> {
        let settings = self.settings();
        let mut columns = Vec::with_capacity(given.len());
        let tolerant = SqlSettings {
            ansi: false,
            ..settings.clone()
        };
        for (at, array) in given.iter().enumerate() {
            let to = self.kind.parameter(at, array.data_type());
            // What a `try_` function cannot cast is NULL; its texts are never cut to size.
            let casting = if self.kind.tries() { &tolerant } else { &settings };
            columns.push(convert(array, to, casting)?);
        }
        let mut context = Context {
            kind: self.kind,
            ansi: self.ansi && !self.kind.tries(),
            zone: settings.zone(),
            zone_name: self.zone_name.clone(),
            patterns: Patterns::default(),
        };
        if matches!(self.kind, DatetimeKind::Format | DatetimeKind::FromUnixtime) {
            return context.format_all(&columns, row_count(given));
        }
        let values = (0..row_count(given)).map(|row| {
            context.compute(&Row {
                columns: &columns,
                row,
            })
        });
        arguments::collect(result, values)
    }

    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            time_zone: self.zone_name.clone(),
            ..SqlSettings::default()
        }
    }
}

/// What the rows of one call share.
struct Context {
    kind: DatetimeKind,
    ansi: bool,
    zone: crate::record::value::Zone,
    zone_name: String,
    patterns: Patterns,
}

impl Context {
    /// The value of one row: NULL where an argument is, but for the functions that say otherwise.
    fn compute(&mut self, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
        use DatetimeKind as K;
        if row.has_null() {
            return Ok(None);
        }
        match self.kind {
            K::Field(field) => Ok(self.local(row, 0).map(|micros| fields::value(field, micros))),
            K::ToDate { .. } | K::ToTimestamp { .. } | K::ToTimestampNtz | K::UnixTimestamp => self.read(row),
            K::TruncTimestamp => Ok(truncate::timestamp(row, &self.zone)),
            K::TruncDate => Ok(truncate::date(row)),
            K::CurrentTimezone => Ok(Some(Value::Text(self.zone_name.clone()))),
            K::DateAdd
            | K::DateSub
            | K::DateDiff
            | K::LastDay
            | K::AddMonths
            | K::NextDay
            | K::MakeDate
            | K::UnixDate
            | K::DateFromUnixDate => calendar::value(self, row),
            K::Difference => {
                let micros = self.local(row, 0).zip(self.local(row, 1));
                let micros = micros.and_then(|(end, start)| end.checked_sub(start));
                micros.map(Value::Long).map(Some).ok_or_else(instant::overflow)
            }
            _ => instant::value(self, row),
        }
    }

    /// The local microseconds of a date or timestamp.
    fn local(&self, row: &Row<'_>, at: usize) -> Option<i64> {
        match row.data_type(at)? {
            DataType::Date32 => i64::from(row.date(at)?).checked_mul(instant::DAY_US),
            t if *t == timestamp() => self.zone.to_local(row.micros(at)?),
            _ => row.micros(at),
        }
    }

    /// The texts of times. Most rows have that of the row before: what a pattern shows is often as coarse as a day.
    fn format_all(&mut self, columns: &[ArrayRef], rows: usize) -> DataFusionResult<ArrayRef> {
        let mut out = StringBuilder::with_capacity(rows, 16 * rows);
        let mut text = String::new();
        let mut shown = None;
        for row in (0..rows).map(|row| Row { columns, row }) {
            let micros = match self.kind {
                DatetimeKind::FromUnixtime => row.long(0).and_then(|s| s.checked_mul(1_000_000)),
                _ => row.micros(0),
            };
            let Some(micros) = micros.filter(|_| !row.has_null()) else {
                out.append_null();
                continue;
            };
            let pattern = row.text(1).unwrap_or(pattern::DEFAULT);
            let compiled = self.patterns.get(pattern, false)?;
            let shows = compiled.unit_us().and_then(|unit| {
                let local = self.zone.to_local(micros)?;
                Some((local.div_euclid(unit), pattern))
            });
            if shows.is_none() || shows != shown {
                text.clear();
                compiled.format_timestamp(micros, &self.zone, &mut text);
                shown = shows;
            }
            out.append_value(&text);
        }
        Ok(Arc::new(out.finish()))
    }
}

fn unsupported(what: &str) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE",
        format!("{what} is not supported in the spark dialect yet."),
    )
}

/// The error for parts that make no date or time.
fn out_of_bounds(what: &str) -> SqlError {
    SqlError::new(
        "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
        format!(
            "{what} is no date or time. If necessary set spark.sql.ansi.enabled to \"false\" to bypass this error."
        ),
    )
}
