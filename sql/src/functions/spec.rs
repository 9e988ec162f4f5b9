//! The lengths of a window, from its literals: duration, slide and start.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Cast, Expr};

use crate::dialect::parse_interval_text;
use crate::{Result, SqlError};

/// So many windows of every row of a batch are built at once.
const FEW_WINDOWS: usize = 16;

/// How windows lie on the time line, all in µs: window `n` is `[start + n·slide, start + n·slide + duration)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct WindowSpec {
    pub(super) duration: i64,
    pub(super) slide: i64,
    pub(super) start: i64,
}

impl WindowSpec {
    /// The lengths that the arguments after the time give.
    ///
    /// # Errors
    /// Spark's refusals: what is no literal of a string or an integer, months, and lengths that make no windows.
    pub(super) fn of_arguments(arguments: &[Expr]) -> Result<Self> {
        let (duration, slide, start) = match arguments {
            [duration] => (duration, duration, None),
            [duration, slide] => (duration, slide, None),
            [duration, slide, start] => (duration, slide, Some(start)),
            _ => return Err(wrong_count(arguments.len() + 1)),
        };
        let spec = Self {
            duration: micros(duration)?,
            slide: micros(slide)?,
            start: start.map_or(Ok(0), micros)?,
        };
        spec.check()?;
        Ok(spec)
    }

    fn check(self) -> Result<()> {
        for (name, value) in [("window_duration", self.duration), ("slide_duration", self.slide)] {
            if value <= 0 {
                return Err(SqlError::new(
                    "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                    format!(
                        "Cannot resolve \"{self}\" due to data type mismatch: The `{name}` must be between (0, {}] (current value = {value}L).",
                        i64::MAX
                    ),
                ));
            }
        }
        let violated = |what: String| {
            Err(SqlError::new(
                "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
                format!("Cannot resolve \"{self}\" due to data type mismatch: {what}."),
            ))
        };
        if self.slide > self.duration {
            return violated(format!(
                "The `slide_duration`({}L) must be <= the `window_duration`({}L)",
                self.slide, self.duration
            ));
        }
        if self.start.unsigned_abs() >= self.slide.unsigned_abs() {
            return violated(format!(
                "The `abs(start_time)`({}L) must be < the `slide_duration`({}L)",
                self.start.unsigned_abs(),
                self.slide
            ));
        }
        Ok(())
    }

    /// How many windows hold a time, at most.
    pub(super) fn windows_per_time(self) -> usize {
        let most = self
            .duration
            .unsigned_abs()
            .div_ceil(self.slide.unsigned_abs().max(1));
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// How many, where they are so many that those of a batch of rows cannot be built at once.
    pub(super) fn too_many_at_once(self) -> Option<usize> {
        Some(self.windows_per_time()).filter(|windows| *windows > FEW_WINDOWS)
    }

    /// Whether every window is whole slices from one start of windows to the next.
    pub(super) fn is_made_of_slices(self) -> bool {
        self.duration.checked_rem(self.slide) == Some(0)
    }

    /// Whether each time is in one window only.
    pub(super) fn is_tumbling(self) -> bool {
        self.duration == self.slide
    }
}

impl std::fmt::Display for WindowSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "window(…, {}, {}, {})", self.duration, self.slide, self.start)
    }
}

/// The error for a call with so many arguments.
pub(super) fn wrong_count(count: usize) -> SqlError {
    SqlError::new(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        format!("The `window` requires [2, 3, 4] parameters but the actual number is {count}."),
    )
}

/// The literal in an expression, also one that carries its type in a cast.
fn literal(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Alias(alias) => literal(&alias.expr),
        Expr::Cast(Cast { expr, field }) => match expr.as_ref() {
            Expr::Literal(value, _) if field.data_type().is_integer() => {
                value.cast_to(field.data_type()).ok()
            }
            _ => None,
        },
        _ => None,
    }
}

fn micros(expr: &Expr) -> Result<i64> {
    let no_literal = || {
        SqlError::new(
            "WINDOW_DURATION_IS_NOT_LITERAL",
            "The duration and time inputs to window must be an integer, long or string literal.",
        )
    };
    let value = literal(expr).ok_or_else(no_literal)?;
    match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => micros_of_text(&text),
        number if number.data_type().is_integer() && !number.is_null() => {
            match number.cast_to(&DataType::Int64) {
                Ok(ScalarValue::Int64(Some(micros))) => Ok(micros),
                _ => Err(no_literal()),
            }
        }
        _ => Err(no_literal()),
    }
}

fn micros_of_text(text: &str) -> Result<i64> {
    let interval = parse_interval_text(text).map_err(|error| {
        SqlError::new(
            "CANNOT_PARSE_INTERVAL",
            format!(
                "Unable to parse '{text}'. Write a number and a unit, such as '10 minutes'. ({})",
                error.message
            ),
        )
    })?;
    if interval.months != 0 {
        return Err(SqlError::new(
            "WINDOW_DURATION_OF_MONTHS",
            format!("Intervals greater than a month is not supported ({text})."),
        ));
    }
    Ok(interval.micros)
}
