//! `sum` and `avg` of intervals, and their `try_` forms.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DurationMicrosecondArray, Int64Array, IntervalYearMonthArray};
use datafusion::common::Result;
use datafusion::common::cast::as_int64_array;

use super::fold::{Fold, Rows, column};
use crate::SqlError;
use crate::record::value::interval_at;

/// The sum of intervals, or their average.
#[derive(Debug)]
pub(super) struct IntervalTotal {
    /// Whether the values are months; else they are microseconds.
    pub(super) is_year_month: bool,
    /// Whether the result is the average.
    pub(super) averages: bool,
    /// Whether a sum beyond its type is NULL; else it is an error.
    pub(super) tries: bool,
}

/// A sum, which is gone when it was beyond its type, and how many values are in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Total {
    sum: Option<i64>,
    count: i64,
}

impl IntervalTotal {
    fn add(&self, group: &mut Total, value: Option<i64>, count: i64) -> Result<()> {
        let sum = group
            .sum
            .zip(value)
            .and_then(|(sum, value)| sum.checked_add(value));
        group.sum = sum.filter(|sum| !self.is_year_month || i32::try_from(*sum).is_ok());
        group.count += count;
        if group.sum.is_none() && !self.tries {
            return Err(SqlError::new(
                "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION",
                "A sum of intervals is beyond the range of its type. Use `try_sum` or `try_avg` to get NULL instead.",
            )
            .into());
        }
        Ok(())
    }

    fn result(&self, group: &Total) -> Option<i64> {
        let sum = group.sum.filter(|_| group.count > 0)?;
        if !self.averages {
            return Some(sum);
        }
        let (whole, rest) = (sum / group.count, sum % group.count);
        // A half goes away from zero.
        let is_up = rest.unsigned_abs() >= group.count.unsigned_abs().div_ceil(2);
        Some(if is_up { whole + rest.signum() } else { whole })
    }
}

impl Fold for IntervalTotal {
    type Group = Total;

    fn empty(&self) -> Self::Group {
        Total {
            sum: Some(0),
            count: 0,
        }
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = column(values, 0)?;
        rows.each(values.nulls(), |row, group| {
            self.add(&mut groups[group], interval_at(values, row), 1)
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let sums = as_int64_array(column(states, 0)?)?;
        let counts = as_int64_array(column(states, 1)?)?;
        rows.each(counts.nulls(), |row, group| {
            let sum = sums.is_valid(row).then(|| sums.value(row));
            self.add(&mut groups[group], sum, counts.value(row))
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let sums: Int64Array = groups.iter().map(|group| group.sum).collect();
        let counts: Int64Array = groups.iter().map(|group| Some(group.count)).collect();
        Ok(vec![Arc::new(sums), Arc::new(counts)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let results = groups.iter().map(|group| self.result(group));
        Ok(match self.is_year_month {
            true => {
                let months = results.map(|months| i32::try_from(months?).ok());
                Arc::new(months.collect::<IntervalYearMonthArray>())
            }
            false => Arc::new(results.collect::<DurationMicrosecondArray>()),
        })
    }
}
