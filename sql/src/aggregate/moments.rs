//! Central moments of one column and of two: deviation, variance, skewness, kurtosis, covariance, correlation, regression.
//!
//! Values are taken one at a time and partial moments merged as Spark takes and merges them, so that the last digits agree.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::buffer::NullBuffer;
use datafusion::common::Result;
use datafusion::common::cast::as_float64_array;

use super::fold::{Fold, Rows, column};

/// What is computed from the moments of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Moment {
    /// `var_samp`.
    VarianceSample,
    /// `var_pop`.
    VariancePopulation,
    /// `stddev_samp`.
    DeviationSample,
    /// `stddev_pop`.
    DeviationPopulation,
    /// `skewness`.
    Skewness,
    /// `kurtosis`.
    Kurtosis,
    /// `regr_sxx` and `regr_syy`: the sum of squares around the mean.
    SquareSum,
}

impl Moment {
    /// Spark's names of the buffers.
    pub(super) fn buffers(self) -> &'static [&'static str] {
        match self {
            Self::Skewness => &["n", "avg", "m2", "m3"],
            Self::Kurtosis => &["n", "avg", "m2", "m3", "m4"],
            _ => &["n", "avg", "m2"],
        }
    }

    fn result(self, [n, _, m2, m3, m4]: [f64; 5]) -> Option<f64> {
        if n == 0.0 {
            return None;
        }
        match self {
            Self::VariancePopulation => Some(m2 / n),
            Self::DeviationPopulation => Some((m2 / n).sqrt()),
            Self::VarianceSample => (n != 1.0).then(|| m2 / (n - 1.0)),
            Self::DeviationSample => (n != 1.0).then(|| (m2 / (n - 1.0)).sqrt()),
            Self::Skewness => (m2 != 0.0).then(|| n.sqrt() * m3 / (m2 * m2 * m2).sqrt()),
            Self::Kurtosis => (m2 != 0.0).then(|| n * m4 / (m2 * m2) - 3.0),
            Self::SquareSum => Some(m2),
        }
    }
}

/// The moments of one column, over the rows where no argument is null.
#[derive(Debug)]
pub(super) struct Moments {
    /// What is computed.
    pub(super) moment: Moment,
    /// Which argument is taken.
    pub(super) of: usize,
}

/// Where none of the columns is null.
pub(super) fn present(values: &[ArrayRef]) -> Option<NullBuffer> {
    values.iter().fold(None, |nulls, column| {
        NullBuffer::union(nulls.as_ref(), column.nulls())
    })
}

fn floats(columns: &[ArrayRef]) -> Result<Vec<&Float64Array>> {
    columns.iter().map(|c| as_float64_array(c)).collect()
}

fn take_one([n, avg, m2, m3, m4]: &mut [f64; 5], x: f64) {
    *n += 1.0;
    let delta = x - *avg;
    let delta_n = delta / *n;
    *avg += delta_n;
    let delta2 = delta * delta;
    let delta_n2 = delta_n * delta_n;
    *m2 += delta * (delta - delta_n);
    *m3 += -3.0 * delta_n * *m2 + delta * (delta2 - delta_n2);
    *m4 += -4.0 * delta_n * *m3 - 6.0 * delta_n2 * *m2 + delta * (delta * delta2 - delta_n * delta_n2);
}

fn merge_one(left: &mut [f64; 5], right: [f64; 5]) {
    let [n1, avg1, m2_1, m3_1, m4_1] = *left;
    let [n2, avg2, m2_2, m3_2, m4_2] = right;
    let n = n1 + n2;
    let delta = avg2 - avg1;
    let delta_n = if n == 0.0 { 0.0 } else { delta / n };
    let m2 = m2_1 + m2_2 + delta * delta_n * n1 * n2;
    let m3 = m3_1
        + m3_2
        + delta_n * delta_n * delta * n1 * n2 * (n1 - n2)
        + 3.0 * delta_n * (n1 * m2_2 - n2 * m2_1);
    let m4 = m4_1
        + m4_2
        + delta_n * delta_n * delta_n * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
        + 6.0 * delta_n * delta_n * (n1 * n1 * m2_2 + n2 * n2 * m2_1)
        + 4.0 * delta_n * (n1 * m3_2 - n2 * m3_1);
    *left = [n, avg1 + delta_n * n2, m2, m3, m4];
}

/// The columns of the first so many numbers of each group.
fn columns<const N: usize>(groups: &[[f64; N]], count: usize) -> Vec<ArrayRef> {
    (0..count)
        .map(|at| Arc::new(groups.iter().map(|g| Some(g[at])).collect::<Float64Array>()) as ArrayRef)
        .collect()
}

/// The numbers of a row; columns that are not kept are zero.
fn row_of<const N: usize>(states: &[&Float64Array], row: usize) -> [f64; N] {
    let mut out = [0.0; N];
    for (slot, state) in out.iter_mut().zip(states) {
        if state.is_valid(row) {
            *slot = state.value(row);
        }
    }
    out
}

impl Fold for Moments {
    type Group = [f64; 5];

    fn empty(&self) -> Self::Group {
        [0.0; 5]
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let taken = as_float64_array(column(values, self.of)?)?;
        rows.each(present(values).as_ref(), |row, group| {
            take_one(&mut groups[group], taken.value(row));
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let states = floats(states)?;
        rows.each(None, |row, group| {
            merge_one(&mut groups[group], row_of(&states, row));
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        Ok(columns(&groups, self.moment.buffers().len()))
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let results: Float64Array = groups.into_iter().map(|g| self.moment.result(g)).collect();
        Ok(Arc::new(results))
    }
}

/// What is computed from the moments of two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PairMoment {
    /// `covar_samp`.
    CovarianceSample,
    /// `covar_pop`.
    CovariancePopulation,
    /// `corr`.
    Correlation,
    /// `regr_r2`.
    Determination,
    /// `regr_sxy`: the sum of products around the means.
    ProductSum,
    /// `regr_slope`.
    Slope,
    /// `regr_intercept`.
    Intercept,
}

impl PairMoment {
    /// Spark's names of the buffers.
    pub(super) fn buffers(self) -> &'static [&'static str] {
        match self {
            Self::Correlation | Self::Determination => &["n", "xAvg", "yAvg", "ck", "xMk", "yMk"],
            Self::Slope | Self::Intercept => &["n", "xAvg", "yAvg", "ck", "n", "avg", "m2"],
            _ => &["n", "xAvg", "yAvg", "ck"],
        }
    }

    /// The regression of y over x has the dependent column first.
    fn is_swapped(self) -> bool {
        matches!(self, Self::Slope | Self::Intercept)
    }

    fn result(self, group: &Pair) -> Option<f64> {
        let [n, x_avg, y_avg, ck, x_mk, y_mk] = group.both;
        if n == 0.0 {
            return None;
        }
        let m2 = group.one[2];
        match self {
            Self::CovariancePopulation => Some(ck / n),
            Self::CovarianceSample => (n != 1.0).then(|| ck / (n - 1.0)),
            Self::Correlation => (x_mk != 0.0 && y_mk != 0.0).then(|| ck / (x_mk * y_mk).sqrt()),
            Self::Determination if y_mk == 0.0 => None,
            Self::Determination if x_mk == 0.0 => Some(1.0),
            Self::Determination => {
                let corr = ck / (x_mk * y_mk).sqrt();
                Some(corr * corr)
            }
            Self::ProductSum => Some(ck),
            Self::Slope => (m2 != 0.0).then(|| ck / m2),
            Self::Intercept => (m2 != 0.0).then(|| y_avg - ck / m2 * x_avg),
        }
    }
}

/// The moments of two columns, and for a regression those of one more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    both: [f64; 6],
    one: [f64; 5],
}

/// The moments of two columns, over the rows where neither is null.
#[derive(Debug)]
pub(super) struct PairMoments {
    /// What is computed.
    pub(super) moment: PairMoment,
}

fn take_pair([n, x_avg, y_avg, ck, x_mk, y_mk]: &mut [f64; 6], x: f64, y: f64) {
    *n += 1.0;
    let (dx, dy) = (x - *x_avg, y - *y_avg);
    *x_avg += dx / *n;
    *y_avg += dy / *n;
    *ck += dx * (y - *y_avg);
    *x_mk += dx * (x - *x_avg);
    *y_mk += dy * (y - *y_avg);
}

fn merge_pair(left: &mut [f64; 6], right: [f64; 6]) {
    let [n1, x1, y1, ck1, xm1, ym1] = *left;
    let [n2, x2, y2, ck2, xm2, ym2] = right;
    let n = n1 + n2;
    let (dx, dy) = (x2 - x1, y2 - y1);
    let (dx_n, dy_n) = if n == 0.0 { (0.0, 0.0) } else { (dx / n, dy / n) };
    *left = [
        n,
        x1 + dx_n * n2,
        y1 + dy_n * n2,
        ck1 + ck2 + dx * dy_n * n1 * n2,
        xm1 + xm2 + dx * dx_n * n1 * n2,
        ym1 + ym2 + dy * dy_n * n1 * n2,
    ];
}

impl Fold for PairMoments {
    type Group = Pair;

    fn empty(&self) -> Self::Group {
        Pair::default()
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let swapped = usize::from(self.moment.is_swapped());
        let x = as_float64_array(column(values, swapped)?)?;
        let y = as_float64_array(column(values, 1 - swapped)?)?;
        rows.each(present(values).as_ref(), |row, group| {
            let group = &mut groups[group];
            take_pair(&mut group.both, x.value(row), y.value(row));
            take_one(&mut group.one, x.value(row));
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let states = floats(states)?;
        let (both, one) = if self.moment.is_swapped() {
            states.split_at(4.min(states.len()))
        } else {
            (states.as_slice(), &[][..])
        };
        rows.each(None, |row, group| {
            let group = &mut groups[group];
            merge_pair(&mut group.both, row_of(both, row));
            merge_one(&mut group.one, row_of(one, row));
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let both: Vec<[f64; 6]> = groups.iter().map(|g| g.both).collect();
        if !self.moment.is_swapped() {
            return Ok(columns(&both, self.moment.buffers().len()));
        }
        let one: Vec<[f64; 5]> = groups.iter().map(|g| g.one).collect();
        let mut out = columns(&both, 4);
        out.extend(columns(&one, 3));
        Ok(out)
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let results: Float64Array = groups.iter().map(|g| self.moment.result(g)).collect();
        Ok(Arc::new(results))
    }
}
