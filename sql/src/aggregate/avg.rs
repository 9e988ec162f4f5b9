//! `avg` and `try_avg`: of doubles, and of decimals as Spark keeps and rounds them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Decimal128Builder, Float64Array, Int64Array};
use arrow::datatypes::{DataType, i256};
use datafusion::common::Result;
use datafusion::common::cast::{as_decimal128_array, as_float64_array, as_int64_array};

use super::builtin::{MAX_DOUBLE_AVG_PRECISION, decimal_sum};
use super::fold::{Fold, Rows, column};
use super::function::FoldUser;
use super::moments::present;
use super::sum::{OnOverflow, fits, out_of_range};
use crate::dialect::double_to_decimal;

/// Hands the fold for the average of an argument of this type to its user.
pub(super) fn avg<U: FoldUser>(
    argument: &DataType,
    of: usize,
    result: &DataType,
    on_overflow: OnOverflow,
    user: U,
) -> U::Out {
    use DataType as D;
    match (argument, result) {
        (D::Decimal128(p, s), D::Decimal128(precision, scale)) if *p > MAX_DOUBLE_AVG_PRECISION => {
            let sum = match decimal_sum(*p, *s) {
                D::Decimal128(p, s) => (p, s),
                _ => (*p, *s),
            };
            user.with(DecimalAvg {
                of,
                sum,
                result: (*precision, *scale),
                on_overflow,
            })
        }
        (D::Decimal128(_, s), D::Decimal128(precision, scale)) => user.with(DoubleAvg {
            of,
            decimal: Some((*precision, *scale, *s)),
            on_overflow,
        }),
        _ => user.with(DoubleAvg {
            of,
            decimal: None,
            on_overflow,
        }),
    }
}

/// A sum and how many values are in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean<T> {
    sum: T,
    count: i64,
}

/// The average of doubles, or of the digits of decimals of few digits.
#[derive(Debug)]
pub(super) struct DoubleAvg {
    /// Which argument is averaged, over the rows where none is null.
    pub(super) of: usize,
    /// The precision and scale of the result, and the scale of the arguments, where they are decimals.
    pub(super) decimal: Option<(u8, i8, i8)>,
    /// What happens to a decimal that does not fit.
    pub(super) on_overflow: OnOverflow,
}

impl Fold for DoubleAvg {
    type Group = Mean<f64>;

    fn empty(&self) -> Self::Group {
        Mean { sum: 0.0, count: 0 }
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let nulls = present(values);
        if self.decimal.is_some() {
            let values = as_decimal128_array(column(values, self.of)?)?;
            return rows.each(nulls.as_ref(), |row, group| {
                groups[group].sum += values.value(row) as f64;
                groups[group].count += 1;
                Ok(())
            });
        }
        let values = as_float64_array(column(values, self.of)?)?;
        rows.each(nulls.as_ref(), |row, group| {
            groups[group].sum += values.value(row);
            groups[group].count += 1;
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let sums = as_float64_array(column(states, 0)?)?;
        let counts = as_int64_array(column(states, 1)?)?;
        rows.each(sums.nulls(), |row, group| {
            groups[group].sum += sums.value(row);
            groups[group].count += counts.value(row);
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let sums: Float64Array = groups.iter().map(|g| Some(g.sum)).collect();
        Ok(vec![Arc::new(sums), counts(&groups)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let means = groups
            .iter()
            .map(|g| (g.count > 0).then(|| g.sum / g.count as f64));
        let Some((precision, scale, argument_scale)) = self.decimal else {
            let means: Float64Array = means.collect();
            return Ok(Arc::new(means));
        };
        let divisor = 10_f64.powi(i32::from(argument_scale));
        let mut out = Decimal128Builder::with_capacity(groups.len());
        for mean in means {
            let digits = mean.map(|m| double_to_decimal(m / divisor, precision, scale));
            if digits == Some(None) && self.on_overflow == OnOverflow::Error {
                return Err(out_of_range(precision, scale).into());
            }
            out.append_option(digits.flatten());
        }
        Ok(Arc::new(out.finish().with_precision_and_scale(precision, scale)?))
    }
}

fn counts<T>(groups: &[Mean<T>]) -> ArrayRef {
    let counts: Int64Array = groups.iter().map(|g| Some(g.count)).collect();
    Arc::new(counts)
}

/// The average of decimals of many digits.
#[derive(Debug)]
pub(super) struct DecimalAvg {
    /// Which argument is averaged, over the rows where none is null.
    pub(super) of: usize,
    /// The precision and scale of the sum.
    pub(super) sum: (u8, i8),
    /// The precision and scale of the result.
    pub(super) result: (u8, i8),
    /// What happens to a sum or an average that does not fit.
    pub(super) on_overflow: OnOverflow,
}

impl DecimalAvg {
    /// The average of a sum, rounded half away from zero; `None` where it does not fit.
    fn divide(&self, sum: i128, count: i64) -> Option<i128> {
        let up = u32::try_from(self.result.1 - self.sum.1).ok()?;
        let scaled = i256::from_i128(sum).checked_mul(i256::from_i128(10).checked_pow(up)?)?;
        let count = i256::from_i128(i128::from(count));
        let (whole, rest) = (scaled.checked_div(count)?, scaled.checked_rem(count)?);
        let twice = rest.checked_mul(i256::from_i128(2))?;
        let away = if twice >= count {
            1
        } else if twice <= count.checked_neg()? {
            -1
        } else {
            0
        };
        let digits = whole.checked_add(i256::from_i128(away))?.to_i128()?;
        fits(digits, self.result.0).then_some(digits)
    }
}

impl Fold for DecimalAvg {
    type Group = Mean<Option<i128>>;

    fn empty(&self) -> Self::Group {
        Mean {
            sum: Some(0),
            count: 0,
        }
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let nulls = present(values);
        let values = as_decimal128_array(column(values, self.of)?)?;
        rows.each(nulls.as_ref(), |row, group| {
            let group = &mut groups[group];
            group.sum = group.sum.and_then(|sum| sum.checked_add(values.value(row)));
            group.count += 1;
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let sums = as_decimal128_array(column(states, 0)?)?;
        let counts = as_int64_array(column(states, 1)?)?;
        rows.each(counts.nulls(), |row, group| {
            let group = &mut groups[group];
            group.sum = match (group.sum, sums.is_valid(row)) {
                (Some(sum), true) => sum.checked_add(sums.value(row)),
                _ => None,
            };
            group.count += counts.value(row);
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let (precision, scale) = self.sum;
        let fitting = |sum: Option<i128>| sum.filter(|s| fits(*s, precision));
        let sums: Decimal128Array = groups.iter().map(|g| fitting(g.sum)).collect();
        let sums = sums.with_precision_and_scale(precision, scale)?;
        Ok(vec![Arc::new(sums), counts(&groups)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let mut out = Decimal128Builder::with_capacity(groups.len());
        for group in &groups {
            if group.count == 0 {
                out.append_null();
                continue;
            }
            let digits = group.sum.filter(|s| fits(*s, self.sum.0));
            let digits = digits.and_then(|sum| self.divide(sum, group.count));
            if digits.is_none() && self.on_overflow == OnOverflow::Error {
                return Err(out_of_range(self.result.0, self.result.1).into());
            }
            out.append_option(digits);
        }
        let out = out.finish();
        Ok(Arc::new(
            out.with_precision_and_scale(self.result.0, self.result.1)?,
        ))
    }
}
