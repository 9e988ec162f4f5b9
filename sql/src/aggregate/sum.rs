//! `sum` and `try_sum`: BIGINT and DOUBLE sums, and sums of decimals as Spark keeps them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::Result;
use datafusion::common::cast::{as_boolean_array, as_decimal128_array, as_float64_array, as_int64_array};

use super::fold::{Fold, Rows, column};
use crate::SqlError;

/// What a sum does that is beyond its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OnOverflow {
    /// The error ARITHMETIC_OVERFLOW.
    Error,
    /// An integer wraps around, a decimal becomes NULL.
    Ignore,
    /// NULL.
    Null,
}

/// The error for a sum beyond its type.
pub(super) fn overflow() -> SqlError {
    SqlError::new(
        "ARITHMETIC_OVERFLOW",
        "The sum is beyond its type. Use try_sum or a wider type, or set spark.sql.ansi.enabled to false.",
    )
}

/// The error for a decimal of too many digits.
pub(super) fn out_of_range(precision: u8, scale: i8) -> SqlError {
    SqlError::new(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        format!(
            "A sum or an average cannot be represented as Decimal({precision}, {scale}). If necessary set \
             spark.sql.ansi.enabled to false to get NULL instead, or use try_sum or try_avg."
        ),
    )
}

/// The sum of doubles.
#[derive(Debug)]
pub(super) struct DoubleSum;

impl Fold for DoubleSum {
    type Group = Option<f64>;

    fn empty(&self) -> Self::Group {
        None
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = as_float64_array(column(values, 0)?)?;
        rows.each(values.nulls(), |row, group| {
            groups[group] = Some(groups[group].unwrap_or(0.0) + values.value(row));
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        self.update(groups, states, rows)
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(Float64Array::from(groups))])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        Ok(Arc::new(Float64Array::from(groups)))
    }
}

/// A sum of whole numbers in 64 bits: of BIGINT, or of the digits of a decimal of few digits.
#[derive(Debug)]
pub(super) struct LongSum {
    /// Whether the values are the digits of a decimal.
    pub(super) of_decimal: bool,
    /// The result's type.
    pub(super) result: DataType,
    /// What happens beyond 64 bits.
    pub(super) on_overflow: OnOverflow,
}

/// A sum, and whether it saw a value; overflown is a sum without a value that saw some.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum<T> {
    sum: Option<T>,
    seen: bool,
}

impl LongSum {
    fn add(&self, group: &mut Sum<i64>, value: i64) -> Result<()> {
        group.seen = true;
        let Some(sum) = group.sum else {
            return Ok(());
        };
        group.sum = match (sum.checked_add(value), self.on_overflow) {
            (Some(sum), _) => Some(sum),
            (None, OnOverflow::Ignore) => Some(sum.wrapping_add(value)),
            (None, OnOverflow::Null) => None,
            (None, OnOverflow::Error) => return Err(overflow().into()),
        };
        Ok(())
    }

    /// Whether the state has the column that says whether a value was seen.
    fn is_flagged(&self) -> bool {
        self.on_overflow == OnOverflow::Null
    }
}

impl Fold for LongSum {
    type Group = Sum<i64>;

    fn empty(&self) -> Self::Group {
        Sum {
            sum: Some(0),
            seen: false,
        }
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        if self.of_decimal {
            let values = as_decimal128_array(column(values, 0)?)?;
            return rows.each(values.nulls(), |row, group| {
                let value = i64::try_from(values.value(row)).map_err(|_| overflow())?;
                self.add(&mut groups[group], value)
            });
        }
        let values = as_int64_array(column(values, 0)?)?;
        rows.each(values.nulls(), |row, group| {
            self.add(&mut groups[group], values.value(row))
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let sums = as_int64_array(column(states, 0)?)?;
        if !self.is_flagged() {
            return rows.each(sums.nulls(), |row, group| {
                self.add(&mut groups[group], sums.value(row))
            });
        }
        let empty = as_boolean_array(column(states, 1)?)?;
        rows.each(empty.nulls(), |row, group| {
            if empty.value(row) {
                return Ok(());
            }
            let group = &mut groups[group];
            if sums.is_null(row) {
                *group = Sum {
                    sum: None,
                    seen: true,
                };
                return Ok(());
            }
            self.add(group, sums.value(row))
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        if !self.is_flagged() {
            let sums: Int64Array = groups.iter().map(|g| g.sum.filter(|_| g.seen)).collect();
            return Ok(vec![Arc::new(sums)]);
        }
        let sums: Int64Array = groups.iter().map(|g| g.sum).collect();
        Ok(vec![Arc::new(sums), empty_flags(&groups)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let sums: Int64Array = groups.iter().map(|g| g.sum.filter(|_| g.seen)).collect();
        Ok(match &self.result {
            DataType::Decimal128(p, s) => {
                let digits: Decimal128Array = sums.unary(i128::from);
                Arc::new(digits.with_precision_and_scale(*p, *s)?)
            }
            _ => Arc::new(sums),
        })
    }
}

fn empty_flags<T>(groups: &[Sum<T>]) -> ArrayRef {
    let flags: BooleanArray = groups.iter().map(|g| Some(!g.seen)).collect();
    Arc::new(flags)
}

/// A sum of decimals, in a decimal of ten digits more.
#[derive(Debug)]
pub(super) struct DecimalSum {
    /// The precision of the sum.
    pub(super) precision: u8,
    /// The scale of the sum.
    pub(super) scale: i8,
    /// What happens beyond the precision.
    pub(super) on_overflow: OnOverflow,
}

impl DecimalSum {
    fn fitting(&self, sum: Option<i128>) -> Option<i128> {
        sum.filter(|sum| fits(*sum, self.precision))
    }
}

/// Whether the digits are at most as many.
pub(super) fn fits(digits: i128, precision: u8) -> bool {
    10_u128
        .checked_pow(u32::from(precision))
        .is_none_or(|end| digits.unsigned_abs() < end)
}

impl Fold for DecimalSum {
    type Group = Sum<i128>;

    fn empty(&self) -> Self::Group {
        Sum {
            sum: Some(0),
            seen: false,
        }
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = as_decimal128_array(column(values, 0)?)?;
        rows.each(values.nulls(), |row, group| {
            let group = &mut groups[group];
            group.seen = true;
            group.sum = group.sum.and_then(|sum| sum.checked_add(values.value(row)));
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let sums = as_decimal128_array(column(states, 0)?)?;
        let empty = as_boolean_array(column(states, 1)?)?;
        rows.each(empty.nulls(), |row, group| {
            if empty.value(row) {
                return Ok(());
            }
            let group = &mut groups[group];
            group.seen = true;
            group.sum = match (group.sum, sums.is_valid(row)) {
                (Some(sum), true) => sum.checked_add(sums.value(row)),
                _ => None,
            };
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let sums: Decimal128Array = groups.iter().map(|g| self.fitting(g.sum)).collect();
        let sums = sums.with_precision_and_scale(self.precision, self.scale)?;
        Ok(vec![Arc::new(sums), empty_flags(&groups)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let mut sums = arrow::array::PrimitiveBuilder::<Decimal128Type>::with_capacity(groups.len());
        for group in &groups {
            let sum = self.fitting(group.sum).filter(|_| group.seen);
            if group.seen && sum.is_none() && self.on_overflow == OnOverflow::Error {
                return Err(out_of_range(self.precision, self.scale).into());
            }
            sums.append_option(sum);
        }
        let sums = sums.finish();
        Ok(Arc::new(
            sums.with_precision_and_scale(self.precision, self.scale)?,
        ))
    }
}
