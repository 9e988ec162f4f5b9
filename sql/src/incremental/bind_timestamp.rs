//! Pins every clock function to the batch's timestamp, so that a batch run again gives the same rows.
//!
//! The offset log holds the timestamp. A function that can replace itself by the time at which the query starts
//! (DataFusion's own) is asked to, with the batch's time as that start; any other clock of the list is replaced by the
//! literal of its return type. Column names stay what they were. Volatile functions (`random`, `uuid`) are not clocks.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use crate::{Result, SqlError};

/// The functions that read the clock, by name, whether or not they take arguments (a precision).
const CLOCKS: &[&str] = &[
    "now",
    "current_timestamp",
    "localtimestamp",
    "current_date",
    "curdate",
    "current_time",
];

/// The functions that read the clock when they are called without arguments.
const CLOCKS_WITHOUT_ARGUMENTS: &[&str] = &["unix_timestamp"];

/// The batch's time and the zone in which dates and local times are told.
pub(super) struct BatchClock {
    now: DateTime<Utc>,
    context: SimplifyContext,
    zone: Tz,
}

impl BatchClock {
    /// The clock of a batch.
    ///
    /// # Errors
    /// A timestamp beyond the calendar, or a session time zone that does not exist.
    pub(super) fn new(timestamp_ms: i64, config: &Arc<ConfigOptions>) -> Result<Self> {
        let now = DateTime::from_timestamp_millis(timestamp_ms).ok_or_else(|| {
            SqlError::new(
                "BATCH_TIMESTAMP_OUT_OF_RANGE",
                format!("The batch timestamp {timestamp_ms} ms is beyond the calendar. Check batchTimestampMs in the offset log."),
            )
        })?;
        let zone = config
            .execution
            .time_zone
            .as_deref()
            .unwrap_or("UTC")
            .parse()
            .map_err(DataFusionError::from)?;
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(config))
            .with_query_execution_start_time(Some(now))
            .build();
        Ok(Self { now, context, zone })
    }

    /// The batch's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

/// The plan with every clock function replaced, also in subqueries.
pub(super) fn bind_timestamp(plan: LogicalPlan, clock: &BatchClock) -> Result<LogicalPlan> {
    let plan = plan.transform_down_with_subqueries(|node| {
        if !reads_clock(&node)? {
            return Ok(Transformed::no(node));
        }
        let names = NamePreserver::new(&node);
        let pinned = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let pinned = expr.transform_up(|expr| pin(expr, clock))?;
            Ok(pinned.update_data(|expr| name.restore(expr)))
        })?;
        pinned.map_data(LogicalPlan::recompute_schema)
    })?;
    Ok(plan.data)
}

fn reads_clock(node: &LogicalPlan) -> DataFusionResult<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found |= expr.exists(|expr| Ok(as_clock(expr).is_some()))?;
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })?;
    Ok(found)
}

fn as_clock(expr: &Expr) -> Option<&ScalarFunction> {
    let Expr::ScalarFunction(call) = expr else {
        return None;
    };
    let is = |names: &[&str]| names.iter().any(|name| call.name().eq_ignore_ascii_case(name));
    (is(CLOCKS) || call.args.is_empty() && is(CLOCKS_WITHOUT_ARGUMENTS)).then_some(call)
}

fn pin(expr: Expr, clock: &BatchClock) -> DataFusionResult<Transformed<Expr>> {
    let Some(call) = as_clock(&expr) else {
        return Ok(Transformed::no(expr));
    };
    match call.func.simplify(call.args.clone(), &clock.context)? {
        ExprSimplifyResult::Simplified(literal @ Expr::Literal(..)) => Ok(Transformed::yes(literal)),
        ExprSimplifyResult::Simplified(_) | ExprSimplifyResult::Original(_) => {
            let data_type = expr.get_type(&DFSchema::empty())?;
            let value = value_of(call, &data_type, clock)?;
            Ok(Transformed::yes(Expr::Literal(value, None)))
        }
    }
}

/// The batch's time as a value of the function's type.
fn value_of(call: &ScalarFunction, data_type: &DataType, clock: &BatchClock) -> Result<ScalarValue> {
    let local = clock.now.with_timezone(&clock.zone).naive_local();
    let out_of_range = || {
        SqlError::new(
            "BATCH_TIMESTAMP_OUT_OF_RANGE",
            format!("The batch timestamp {} does not fit {data_type}.", clock.now),
        )
    };
    match data_type {
        DataType::Timestamp(unit, zone) => {
            // An instant with a zone; without one, the reading of the session's wall clock, except for DataFusion's now().
            let reading = match zone {
                None if !call.name().eq_ignore_ascii_case("now") => local,
                _ => clock.now.naive_utc(),
            };
            let count = since_epoch(reading, *unit).ok_or_else(out_of_range)?;
            let zone = zone.clone();
            Ok(match unit {
                TimeUnit::Second => ScalarValue::TimestampSecond(Some(count), zone),
                TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(count), zone),
                TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(count), zone),
                TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(Some(count), zone),
            })
        }
        DataType::Date32 => {
            let days = local
                .signed_duration_since(NaiveDateTime::default())
                .num_seconds()
                .div_euclid(86_400);
            Ok(ScalarValue::Date32(Some(
                i32::try_from(days).map_err(|_| out_of_range())?,
            )))
        }
        DataType::Time64(unit) => {
            let since_midnight = truncated(local.time() - NaiveTime::MIN, call);
            let count = match unit {
                TimeUnit::Nanosecond => since_midnight.num_nanoseconds(),
                _ => since_midnight.num_microseconds(),
            };
            Ok(match unit {
                TimeUnit::Nanosecond => ScalarValue::Time64Nanosecond(count),
                _ => ScalarValue::Time64Microsecond(count),
            })
        }
        DataType::Int64 => Ok(ScalarValue::Int64(Some(clock.now.timestamp()))),
        _ => Err(SqlError::new(
            "CLOCK_FUNCTION_TYPE",
            format!(
                "{}() reads the clock and returns {data_type}: no such value can be pinned to a batch. Give it another name, or return a timestamp, a date, a time or seconds.",
                call.name()
            ),
        )),
    }
}

fn since_epoch(reading: NaiveDateTime, unit: TimeUnit) -> Option<i64> {
    let reading = reading.and_utc();
    match unit {
        TimeUnit::Second => Some(reading.timestamp()),
        TimeUnit::Millisecond => Some(reading.timestamp_millis()),
        TimeUnit::Microsecond => Some(reading.timestamp_micros()),
        TimeUnit::Nanosecond => reading.timestamp_nanos_opt(),
    }
}

/// A time of day cut to the precision that the call asks for (digits of a second).
fn truncated(since_midnight: TimeDelta, call: &ScalarFunction) -> TimeDelta {
    let Some(Expr::Literal(digits, _)) = call.args.first() else {
        return since_midnight;
    };
    let digits = match digits {
        ScalarValue::Int32(Some(digits)) => u32::try_from(*digits).ok(),
        ScalarValue::Int64(Some(digits)) => u32::try_from(*digits).ok(),
        _ => None,
    };
    let (Some(nanos), Some(unit)) = (
        since_midnight.num_nanoseconds(),
        digits
            .and_then(|digits| 9_u32.checked_sub(digits))
            .map(|zeros| 10_i64.pow(zeros)),
    ) else {
        return since_midnight;
    };
    TimeDelta::nanoseconds(nanos - nanos.rem_euclid(unit))
}
