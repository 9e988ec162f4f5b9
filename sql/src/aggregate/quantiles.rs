//! `percentile_approx`: the quantile summaries of Greenwald and Khanna, compressed when Spark compresses them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Float64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::cast::{as_binary_array, as_float64_array};
use datafusion::common::{DataFusionError, Result};

use super::checked::offsets;
use super::fold::{Fold, Rows, column};
use crate::SqlError;

const COMPRESS_THRESHOLD: usize = 10_000;
const HEAD_SIZE: usize = 50_000;

/// A value that was seen, over how many ranks it stands, and how far its rank is unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    value: f64,
    g: i64,
    delta: i64,
}

/// The summary of one group.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    sampled: Vec<Sample>,
    count: i64,
    head: Vec<f64>,
    compressed: bool,
}

impl Summary {
    fn insert(&mut self, value: f64, error: f64) {
        self.head.push(value);
        self.compressed = false;
        if self.head.len() >= HEAD_SIZE {
            self.take_head(error);
            if self.sampled.len() >= COMPRESS_THRESHOLD {
                self.compress(error);
            }
        }
    }

    /// Merges the values not yet sampled into the samples.
    fn take_head(&mut self, error: f64) {
        if self.head.is_empty() {
            return;
        }
        let mut head = std::mem::take(&mut self.head);
        head.sort_by(f64::total_cmp);
        let mut out: Vec<Sample> = Vec::with_capacity(self.sampled.len() + head.len());
        let mut old = self.sampled.iter().copied().peekable();
        for (at, value) in head.iter().enumerate() {
            while let Some(sample) = old.next_if(|s| s.value <= *value) {
                out.push(sample);
            }
            self.count += 1;
            let is_end = out.is_empty() || (old.peek().is_none() && at + 1 == head.len());
            let delta = if is_end {
                0
            } else {
                (2.0 * error * self.count as f64).floor() as i64
            };
            out.push(Sample {
                value: *value,
                g: 1,
                delta,
            });
        }
        out.extend(old);
        self.sampled = out;
    }

    fn compress(&mut self, error: f64) {
        self.take_head(error);
        self.sampled = compressed(&self.sampled, 2.0 * error * self.count as f64);
        self.compressed = true;
    }

    fn compress_once(&mut self, error: f64) {
        if !self.compressed {
            self.compress(error);
        }
    }

    fn merge(&mut self, mut other: Self, error: f64) {
        self.compress_once(error);
        other.compress_once(error);
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        let slack = |count: i64| (2.0 * error * count as f64).floor() as i64;
        let (own_slack, other_slack) = (slack(other.count), slack(self.count));
        let mut out = Vec::with_capacity(self.sampled.len() + other.sampled.len());
        let (mut left, mut right) = (self.sampled.as_slice(), other.sampled.as_slice());
        let (mut left_begun, mut right_begun) = (false, false);
        while let ([l, rest_l @ ..], [r, rest_r @ ..]) = (left, right) {
            let (mut next, extra) = if l.value < r.value {
                (left, left_begun) = (rest_l, true);
                (*l, if right_begun { own_slack } else { 0 })
            } else {
                (right, right_begun) = (rest_r, true);
                (*r, if left_begun { other_slack } else { 0 })
            };
            next.delta += extra;
            out.push(next);
        }
        out.extend_from_slice(left);
        out.extend_from_slice(right);
        self.count += other.count;
        self.sampled = compressed(&out, 2.0 * error * self.count as f64);
        self.compressed = true;
    }

    /// The values at these parts of the way, in their order; none without values.
    fn query(&self, parts: &[f64], error: f64) -> Option<Vec<f64>> {
        let (first, last) = (self.sampled.first()?, self.sampled.last()?);
        let spread = self.sampled.iter().map(|s| s.delta + s.g).max()?;
        let target = spread as f64 / 2.0;
        let mut order: Vec<(usize, f64)> = parts.iter().copied().enumerate().collect();
        order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let mut out = vec![0.0; parts.len()];
        let (mut index, mut min_rank) = (0, first.g);
        for (at, part) in order {
            out[at] = if part <= error || self.sampled.len() == 1 {
                first.value
            } else if part >= 1.0 - error {
                last.value
            } else {
                let value;
                (index, min_rank, value) = self.find(index, min_rank, target, part);
                value
            };
        }
        Some(out)
    }

    fn find(&self, from: usize, from_rank: i64, target: f64, part: f64) -> (usize, i64, f64) {
        let rank = (part * self.count as f64).ceil();
        let end = self.sampled.len() - 1;
        let mut min_rank = from_rank;
        for at in from..end {
            let sample = self.sampled[at];
            let max_rank = min_rank + sample.delta;
            if max_rank as f64 - target <= rank && rank <= min_rank as f64 + target {
                return (at, min_rank, sample.value);
            }
            min_rank += self.sampled[at + 1].g;
        }
        (end, 0, self.sampled[end].value)
    }

    fn to_bytes(&self, error: f64) -> Vec<u8> {
        let mut out = Vec::with_capacity(24 + self.sampled.len() * 24);
        out.extend_from_slice(&(COMPRESS_THRESHOLD as i32).to_be_bytes());
        out.extend_from_slice(&error.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&(self.sampled.len() as i32).to_be_bytes());
        for sample in &self.sampled {
            out.extend_from_slice(&sample.value.to_be_bytes());
            out.extend_from_slice(&sample.g.to_be_bytes());
            out.extend_from_slice(&sample.delta.to_be_bytes());
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.get(12..)?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
        let mut sampled = Vec::new();
        for chunk in rest.chunks_exact(24).take(length) {
            let (value, tail) = chunk.split_first_chunk::<8>()?;
            let (g, tail) = tail.split_first_chunk::<8>()?;
            sampled.push(Sample {
                value: f64::from_be_bytes(*value),
                g: i64::from_be_bytes(*g),
                delta: i64::from_be_bytes(tail.try_into().ok()?),
            });
        }
        (sampled.len() == length).then_some(Self {
            sampled,
            count: i64::from_be_bytes(*count),
            head: Vec::new(),
            compressed: true,
        })
    }
}

/// The samples, those together that still are below the threshold.
fn compressed(samples: &[Sample], threshold: f64) -> Vec<Sample> {
    let [first, middle @ .., last] = samples else {
        return samples.to_vec();
    };
    let mut out = Vec::new();
    let mut head = *last;
    for sample in middle.iter().rev() {
        if ((sample.g + head.g + head.delta) as f64) < threshold {
            head.g += sample.g;
        } else {
            out.push(head);
            head = *sample;
        }
    }
    out.push(head);
    if first.value <= head.value {
        out.push(*first);
    }
    out.reverse();
    out
}

/// The values near these parts of the way.
#[derive(Debug)]
pub(super) struct ApproxPercentile {
    /// The parts, from 0 to 1.
    pub(super) parts: Vec<f64>,
    /// Whether the result is an array.
    pub(super) is_list: bool,
    /// How far off a rank may be, as a part of the count.
    pub(super) error: f64,
    /// The type of the values, as whose digits they are summed up.
    pub(super) data_type: DataType,
}

impl ApproxPercentile {
    /// The values as doubles.
    fn doubles(values: &ArrayRef) -> Result<ArrayRef> {
        Ok(match values.data_type() {
            DataType::Date32 => cast(&cast(values, &DataType::Int32)?, &DataType::Float64)?,
            DataType::Timestamp(..) => cast(&cast(values, &DataType::Int64)?, &DataType::Float64)?,
            _ => cast(values, &DataType::Float64)?,
        })
    }

    /// The doubles as values.
    fn values(&self, doubles: Float64Array) -> Result<ArrayRef> {
        let doubles: ArrayRef = Arc::new(doubles);
        Ok(match &self.data_type {
            DataType::Date32 => cast(&cast(&doubles, &DataType::Int32)?, &DataType::Date32)?,
            DataType::Timestamp(..) => cast(&cast(&doubles, &DataType::Int64)?, &self.data_type)?,
            other => cast(&doubles, other)?,
        })
    }
}

impl Fold for ApproxPercentile {
    type Group = Summary;

    fn empty(&self) -> Self::Group {
        Summary::default()
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = Self::doubles(column(values, 0)?)?;
        let values = as_float64_array(&values)?;
        rows.each(values.nulls(), |row, group| {
            groups[group].insert(values.value(row), self.error);
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let states = as_binary_array(column(states, 0)?)?;
        rows.each(states.nulls(), |row, group| {
            let other = Summary::from_bytes(states.value(row)).ok_or_else(|| {
                DataFusionError::from(SqlError::new(
                    "STATE_ROW_MALFORMED",
                    "The buffer of percentile_approx is no quantile summary.",
                ))
            })?;
            groups[group].merge(other, self.error);
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let bytes = groups.into_iter().map(|mut group| {
            group.compress_once(self.error);
            Some(group.to_bytes(self.error))
        });
        let bytes: BinaryArray = bytes.collect();
        Ok(vec![Arc::new(bytes)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let results = groups.into_iter().map(|mut group| {
            group.compress_once(self.error);
            group.query(&self.parts, self.error)
        });
        let results: Vec<Option<Vec<f64>>> = results.collect();
        if !self.is_list {
            let first = results
                .iter()
                .map(|r| r.as_ref().and_then(|r| r.first().copied()));
            return self.values(first.collect());
        }
        let flat = results.iter().flatten().flatten().map(|v| Some(*v)).collect();
        let field = Arc::new(Field::new_list_field(self.data_type.clone(), true));
        let lengths = results.iter().map(|r| r.as_ref().map_or(0, Vec::len));
        let nulls: Vec<bool> = results.iter().map(Option::is_some).collect();
        let offsets = offsets(lengths)?;
        let lists = ListArray::try_new(field, offsets, self.values(flat)?, Some(nulls.into()))?;
        Ok(Arc::new(lists))
    }

    fn heap_bytes(&self, group: &Self::Group) -> usize {
        group.sampled.capacity() * size_of::<Sample>() + group.head.capacity() * size_of::<f64>()
    }

    fn has_heap(&self) -> bool {
        true
    }
}
