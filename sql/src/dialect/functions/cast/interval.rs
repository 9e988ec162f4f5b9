//! Casts from and to intervals.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, PrimitiveBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, DurationMicrosecondType, Int64Type, IntervalYearMonthType};
use datafusion::common::Result as DataFusionResult;

use super::super::super::analyzer::is_string;
use super::{CastFunction, Mode};
use crate::SqlError;
use crate::record::value::{IntervalFields, IntervalUnitName as Unit, interval_at};

impl CastFunction {
    /// An array of intervals of these fields as the target type.
    pub(super) fn convert_interval(
        &self,
        array: &ArrayRef,
        from: IntervalFields,
    ) -> DataFusionResult<ArrayRef> {
        let values = || (0..array.len()).map(|row| interval_at(array, row));
        if self.to == DataType::Utf8 {
            let mut out = StringBuilder::new();
            let mut text = String::new();
            for value in values() {
                text.clear();
                out.append_option(value.map(|value| {
                    from.write(value, &mut text);
                    text.as_str()
                }));
            }
            return Ok(Arc::new(out.finish()));
        }
        let unit = from.last().size();
        match (IntervalFields::of_type(&self.to), &self.to) {
            (Some(_), _) => {
                let unit = match self.target_fields().last() {
                    // A second has its fraction.
                    Unit::Second => 1,
                    other => other.size(),
                };
                self.intervals(values().map(|v| Ok(v.map(|v| i128::from(v - v % unit)))))
            }
            (None, DataType::Decimal128(..)) if from.last() == Unit::Second => {
                let digits: Decimal128Array = values().map(|v| v.map(i128::from)).collect();
                self.exact(&(Arc::new(digits.with_precision_and_scale(38, 6)?) as ArrayRef))
            }
            _ => {
                let counts: Int64Array = values().map(|v| v.map(|v| v / unit)).collect();
                self.exact(&(Arc::new(counts) as ArrayRef))
            }
        }
    }

    /// Numbers, or strings, as intervals.
    pub(super) fn to_interval(&self, array: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let fields = self.target_fields();
        if is_string(array.data_type()) {
            let text = cast(array, &DataType::Utf8)?;
            let values = text.as_string::<i32>().iter();
            return self.intervals(values.map(|text| {
                match text {
                    Some(text) => parse(text, fields)
                        .map(Some)
                        .ok_or_else(|| not_an_interval(text, fields)),
                    None => Ok(None),
                }
            }));
        }
        let counts = cast(array, &DataType::Int64)?;
        let unit = i128::from(fields.last().size());
        let counts = counts.as_primitive::<Int64Type>().iter();
        self.intervals(counts.map(|count| Ok(count.map(|count| i128::from(count) * unit))))
    }

    fn target_fields(&self) -> IntervalFields {
        let all = IntervalFields::of_type(&self.to);
        self.to_fields.or(all).unwrap_or(IntervalFields::DAY_TO_SECOND)
    }

    /// The numbers as the target type. One that does not fit is an error without ANSI too.
    fn exact(&self, numbers: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let mode = match self.mode {
            Mode::Legacy => Mode::Ansi,
            other => other,
        };
        Self { mode, ..self.clone() }.with_arrow(numbers)
    }

    fn intervals(
        &self,
        values: impl Iterator<Item = Result<Option<i128>, SqlError>>,
    ) -> DataFusionResult<ArrayRef> {
        let mut micros = PrimitiveBuilder::<DurationMicrosecondType>::new();
        let mut months = PrimitiveBuilder::<IntervalYearMonthType>::new();
        let is_year_month = self.target_fields().is_year_month();
        for value in values {
            let fitting = value.and_then(|value| match value {
                None => Ok(None),
                Some(value) if is_year_month => i32::try_from(value)
                    .map(|v| Some(i64::from(v)))
                    .map_err(|_| beyond()),
                Some(value) => i64::try_from(value).map(Some).map_err(|_| beyond()),
            });
            let value = match fitting {
                Err(_) if self.mode == Mode::Try => None,
                other => other?,
            };
            if is_year_month {
                months.append_option(value.and_then(|v| i32::try_from(v).ok()));
            } else {
                micros.append_option(value);
            }
        }
        Ok(match is_year_month {
            true => Arc::new(months.finish()),
            false => Arc::new(micros.finish()),
        })
    }
}

/// The months or microseconds in a text such as `1 02:03:04.5`, or `INTERVAL '1 02:03:04.5' DAY TO SECOND` with the same fields.
fn parse(text: &str, fields: IntervalFields) -> Option<i128> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (sign, digits) = match text
        .get(..9)
        .filter(|start| start.eq_ignore_ascii_case("INTERVAL "))
    {
        Some(_) => {
            let (sign, rest) = signed(text.get(9..)?.trim_start_matches(' '));
            let (digits, unit) = rest.strip_prefix('\'')?.split_once('\'')?;
            if IntervalFields::parse(&unit.trim().to_ascii_uppercase())? != fields {
                return None;
            }
            (sign, digits)
        }
        None => (1, text),
    };
    let (inner, digits) = signed(digits);
    Some(sign * inner * magnitude(digits, fields)?)
}

fn signed(text: &str) -> (i128, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The fields from the first to the last, with what stands between them.
fn magnitude(digits: &str, fields: IntervalFields) -> Option<i128> {
    let (mut rest, mut sum) = (digits, 0);
    for unit in Unit::ALL.into_iter().filter(|unit| fields.holds(*unit)) {
        let end = match unit {
            _ if unit == fields.last() => rest.len(),
            Unit::Year => rest.find('-')?,
            Unit::Day => rest.find(' ')?,
            _ => rest.find(':')?,
        };
        let (field, after) = rest.split_at_checked(end)?;
        rest = after.get(1..).unwrap_or_default();
        let is_first = unit == fields.first();
        let (whole, fraction) = match unit {
            Unit::Second => field.split_once('.').map_or((field, None), |(w, f)| (w, Some(f))),
            _ => (field, None),
        };
        let count = number(whole, if is_first { 13 } else { 2 })?;
        let most = match unit {
            _ if is_first => i128::MAX,
            Unit::Month => 11,
            Unit::Hour => 23,
            _ => 59,
        };
        if count > most {
            return None;
        }
        sum += count * i128::from(unit.size());
        if let Some(fraction) = fraction {
            number(fraction, 9)?;
            sum += number(format!("{fraction:0<6}").get(..6)?, 6)?;
        }
    }
    Some(sum)
}

/// One digit or more, as many as this at most.
fn number(text: &str, most: usize) -> Option<i128> {
    let fits = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn not_an_interval(text: &str, fields: IntervalFields) -> SqlError {
    SqlError::new(
        "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE",
        format!(
            "Error parsing '{text}' to interval. Interval string does not match the format of INTERVAL {fields}."
        ),
    )
}

fn beyond() -> SqlError {
    SqlError::new(
        "CAST_OVERFLOW",
        "A value cannot be cast to an interval due to an overflow.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_fields_of_its_type() {
        for (fields, text, value) in [
            ("DAY TO SECOND", "1 02:03:04.5", Some(93_784_500_000)),
            (
                "DAY TO SECOND",
                "interval -'1 02:03:04.5' day to second",
                Some(-93_784_500_000),
            ),
            ("DAY TO SECOND", "INTERVAL '1' DAY", None),
            ("DAY TO SECOND", "1 24:00:00", None),
            ("DAY TO SECOND", "1 2:3", None),
            ("DAY", " -7 ", Some(-604_800_000_000)),
            ("DAY", "7 1", None),
            ("HOUR TO MINUTE", "26:03", Some(93_780_000_000)),
            ("SECOND", "1.0000019", Some(1_000_001)),
            ("SECOND", "1.", None),
            ("YEAR TO MONTH", "-1-2", Some(-14)),
            ("YEAR TO MONTH", "1-12", None),
            ("MONTH", "15", Some(15)),
        ] {
            assert_eq!(
                parse(text, IntervalFields::parse(fields).unwrap()),
                value,
                "{fields} {text}"
            );
        }
    }
}
