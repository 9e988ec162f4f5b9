//! `histogram_numeric`: bins of a bounded number, the two nearest merged when there are too many.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Float64Array, ListArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::cast::{as_binary_array, as_float64_array};
use datafusion::common::{DataFusionError, Result};

use super::checked::offsets;
use super::fold::{Fold, Rows, column};
use crate::SqlError;

/// The seed from which Spark chooses among pairs of bins that are equally near.
const SEED: i64 = 31183;

/// Java's generator of pseudo-random numbers.
#[derive(Clone, Copy, Debug)]
struct JavaRandom(i64);

impl JavaRandom {
    const MULTIPLIER: i64 = 0x5_DEEC_E66D;
    const MASK: i64 = (1 << 48) - 1;

    fn new(seed: i64) -> Self {
        Self((seed ^ Self::MULTIPLIER) & Self::MASK)
    }

    fn next(&mut self, bits: u32) -> i64 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        self.0 >> (48 - bits)
    }

    fn next_double(&mut self) -> f64 {
        let digits = (self.next(26) << 27) + self.next(27);
        digits as f64 / (1_i64 << 53) as f64
    }
}

/// The bins of one group, by position.
#[derive(Clone, Debug)]
pub(super) struct Bins {
    bins: Vec<(f64, f64)>,
    random: JavaRandom,
}

impl Bins {
    fn add(&mut self, value: f64, limit: usize) {
        let at = self.bins.partition_point(|(x, _)| *x < value);
        match self.bins.get_mut(at) {
            Some((x, y)) if *x == value => *y += 1.0,
            _ => {
                self.bins.insert(at, (value, 1.0));
                self.trim(limit);
            }
        }
    }

    fn trim(&mut self, limit: usize) {
        while self.bins.len() > limit.max(1) {
            let mut nearest = (f64::INFINITY, 0);
            let mut equal = 1.0;
            for (at, pair) in self.bins.windows(2).enumerate() {
                let [(a, _), (b, _)] = pair else {
                    continue;
                };
                let distance = b - a;
                if at == 0 || distance < nearest.0 {
                    nearest = (distance, at);
                    equal = 1.0;
                } else if distance == nearest.0 {
                    equal += 1.0;
                    if self.random.next_double() <= 1.0 / equal {
                        nearest.1 = at;
                    }
                }
            }
            let at = nearest.1;
            let (x2, y2) = self.bins.remove(at + 1);
            let (x1, y1) = self.bins[at];
            let y = y1 + y2;
            self.bins[at] = (x1 * (y1 / y) + x2 / y * y2, y);
        }
    }

    fn merge(&mut self, other: Vec<(f64, f64)>, limit: usize) {
        if self.bins.is_empty() {
            self.bins = other;
            return;
        }
        self.bins.extend(other);
        self.bins.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self.trim(limit);
    }
}

/// The bins of the values.
#[derive(Debug)]
pub(super) struct Histogram {
    /// The most bins.
    pub(super) limit: usize,
    /// The type of the bins' positions.
    pub(super) data_type: DataType,
}

/// The type of a bin.
pub(super) fn bin_fields(data_type: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("x", data_type.clone(), true),
        Field::new("y", DataType::Float64, true),
    ])
}

fn bins_of(bytes: &[u8]) -> Option<Vec<(f64, f64)>> {
    let (_, rest) = bytes.split_first_chunk::<4>()?;
    let (used, rest) = rest.split_first_chunk::<4>()?;
    let used = usize::try_from(i32::from_be_bytes(*used)).ok()?;
    let mut bins = Vec::new();
    for chunk in rest.chunks_exact(16).take(used) {
        let (x, y) = chunk.split_first_chunk::<8>()?;
        bins.push((f64::from_be_bytes(*x), f64::from_be_bytes(y.try_into().ok()?)));
    }
    (bins.len() == used).then_some(bins)
}

impl Fold for Histogram {
    type Group = Bins;

    fn empty(&self) -> Self::Group {
        Bins {
            bins: Vec::new(),
            random: JavaRandom::new(SEED),
        }
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = cast(column(values, 0)?, &DataType::Float64)?;
        let values = as_float64_array(&values)?;
        rows.each(values.nulls(), |row, group| {
            groups[group].add(values.value(row), self.limit);
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let states = as_binary_array(column(states, 0)?)?;
        rows.each(states.nulls(), |row, group| {
            let bins = bins_of(states.value(row)).ok_or_else(|| {
                DataFusionError::from(SqlError::new(
                    "STATE_ROW_MALFORMED",
                    "The buffer of histogram_numeric is no histogram.",
                ))
            })?;
            groups[group].merge(bins, self.limit);
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let bytes = groups.into_iter().map(|group| {
            let mut out = Vec::with_capacity(8 + group.bins.len() * 16);
            out.extend_from_slice(&(self.limit as i32).to_be_bytes());
            out.extend_from_slice(&(group.bins.len() as i32).to_be_bytes());
            for (x, y) in group.bins {
                out.extend_from_slice(&x.to_be_bytes());
                out.extend_from_slice(&y.to_be_bytes());
            }
            Some(out)
        });
        let bytes: BinaryArray = bytes.collect();
        Ok(vec![Arc::new(bytes)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let bins = || groups.iter().flat_map(|g| &g.bins);
        let xs: Float64Array = bins().map(|(x, _)| Some(*x)).collect();
        let ys: Float64Array = bins().map(|(_, y)| Some(*y)).collect();
        let xs: ArrayRef = Arc::new(xs);
        let xs = cast(&xs, &self.data_type)?;
        let fields = bin_fields(&self.data_type);
        let pairs = StructArray::try_new(fields.clone(), vec![xs, Arc::new(ys)], None)?;
        let field = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
        let offsets = offsets(groups.iter().map(|g| g.bins.len()))?;
        let valid: Vec<bool> = groups.iter().map(|g| !g.bins.is_empty()).collect();
        let lists = ListArray::try_new(field, offsets, Arc::new(pairs), Some(valid.into()))?;
        Ok(Arc::new(lists))
    }

    fn heap_bytes(&self, group: &Self::Group) -> usize {
        group.bins.capacity() * size_of::<(f64, f64)>()
    }

    fn has_heap(&self) -> bool {
        true
    }
}
