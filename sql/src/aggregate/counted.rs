//! Aggregates over how often each value occurs: `percentile`, `median`, `percentile_cont`, `percentile_disc`, `mode`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Float64Builder, ListBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::cast::{as_int64_array, as_list_array, as_struct_array};
use datafusion::common::{Result, ScalarValue};

use super::buffer_bytes::counted_lists;
use super::fold::{Fold, Rows, column};
use super::values::{array_of, value_at};
use crate::SqlError;

/// What is asked of the counted values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    /// The values at these parts of the way, between two values where the place is between them.
    Continuous {
        parts: Vec<f64>,
        descending: bool,
        is_list: bool,
    },
    /// The first value at or after this part of the way.
    Discrete { part: f64, descending: bool },
    /// The value that occurs most often, the least of several.
    Mode,
}

/// Values with their counts.
#[derive(Debug)]
pub(super) struct Counted {
    /// What is asked.
    pub(super) question: Question,
    /// The values' type.
    pub(super) data_type: DataType,
    /// The argument that says how often a row counts.
    pub(super) frequency: Option<usize>,
}

fn order(a: &ScalarValue, b: &ScalarValue) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// The value as a double.
fn number(value: &ScalarValue) -> Option<f64> {
    match value.cast_to(&DataType::Float64) {
        Ok(ScalarValue::Float64(number)) => number,
        _ => None,
    }
}

/// Sorted values, each with how many there are up to it.
fn accumulated(group: HashMap<ScalarValue, i64>, descending: bool) -> Vec<(ScalarValue, i64)> {
    let mut values: Vec<(ScalarValue, i64)> = group.into_iter().collect();
    values.sort_by(|(a, _), (b, _)| if descending { order(b, a) } else { order(a, b) });
    let mut total = 0;
    for (_, count) in &mut values {
        total += *count;
        *count = total;
    }
    values
}

/// The value at this place, counted from 0.
fn at(values: &[(ScalarValue, i64)], place: i64) -> Option<f64> {
    let index = values.partition_point(|(_, end)| *end <= place);
    values.get(index).or(values.last()).and_then(|(v, _)| number(v))
}

fn continuous(values: &[(ScalarValue, i64)], part: f64) -> Option<f64> {
    let (_, total) = values.last()?;
    let position = (total - 1) as f64 * part;
    let (lower, higher) = (position.floor(), position.ceil());
    let low = at(values, lower as i64)?;
    if lower == higher {
        return Some(low);
    }
    let high = at(values, higher as i64)?;
    if low == high {
        return Some(low);
    }
    Some((higher - position) * low + (position - lower) * high)
}

fn discrete(values: &[(ScalarValue, i64)], part: f64) -> Option<f64> {
    let (_, total) = values.last()?;
    let place = (*total as f64 * part).ceil() as i64;
    at(values, (place - 1).max(0))
}

impl Counted {
    fn lists(groups: Vec<HashMap<ScalarValue, i64>>) -> Vec<Vec<(ScalarValue, i64)>> {
        groups.into_iter().map(|g| g.into_iter().collect()).collect()
    }
}

impl Fold for Counted {
    type Group = HashMap<ScalarValue, i64>;

    fn empty(&self) -> Self::Group {
        HashMap::new()
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let frequencies = match self.frequency {
            Some(at) => Some(as_int64_array(column(values, at)?)?),
            None => None,
        };
        let values = column(values, 0)?;
        rows.each(values.logical_nulls().as_ref(), |row, group| {
            let count = match frequencies {
                Some(f) if f.is_null(row) => 0,
                Some(f) => f.value(row),
                None => 1,
            };
            if count < 0 {
                return Err(SqlError::new(
                    "INVALID_PARAMETER_VALUE.FREQUENCY",
                    format!("Negative values found in the frequency of percentile: {count}."),
                )
                .into());
            }
            if count > 0 {
                *groups[group].entry(value_at(values, row)?).or_default() += count;
            }
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let lists = as_list_array(column(states, 0)?)?;
        rows.each(lists.nulls(), |row, group| {
            let pairs = lists.value(row);
            let pairs = as_struct_array(&pairs)?;
            let (values, counts) = (pairs.column(0), as_int64_array(pairs.column(1))?);
            for at in 0..pairs.len() {
                *groups[group].entry(value_at(values, at)?).or_default() += counts.value(at);
            }
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        Ok(vec![counted_lists(&Self::lists(groups), &self.data_type)?])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        match &self.question {
            Question::Continuous {
                parts,
                descending,
                is_list: true,
            } => {
                let field = Field::new_list_field(DataType::Float64, true);
                let mut out = ListBuilder::new(Float64Builder::new()).with_field(field);
                for group in groups {
                    let values = accumulated(group, *descending);
                    for part in parts.iter().filter(|_| !values.is_empty()) {
                        out.values().append_option(continuous(&values, *part));
                    }
                    out.append(!values.is_empty());
                }
                Ok(Arc::new(out.finish()))
            }
            Question::Continuous {
                parts, descending, ..
            } => {
                let part = parts.first().copied().unwrap_or_default();
                let results = groups.into_iter();
                let results: Float64Array = results
                    .map(|g| continuous(&accumulated(g, *descending), part))
                    .collect();
                Ok(Arc::new(results))
            }
            Question::Discrete { part, descending } => {
                let results = groups.into_iter();
                let results: Float64Array = results
                    .map(|g| discrete(&accumulated(g, *descending), *part))
                    .collect();
                Ok(Arc::new(results))
            }
            Question::Mode => {
                let null = ScalarValue::try_from(&self.data_type)?;
                let modes = groups.into_iter().map(|group| {
                    let best = group
                        .into_iter()
                        .max_by(|(a, n), (b, m)| n.cmp(m).then(order(b, a)));
                    best.map_or_else(|| null.clone(), |(value, _)| value)
                });
                array_of(modes, &self.data_type)
            }
        }
    }

    fn heap_bytes(&self, group: &Self::Group) -> usize {
        let values: usize = group.keys().map(ScalarValue::size).sum();
        values + group.capacity() * size_of::<i64>()
    }

    fn has_heap(&self) -> bool {
        true
    }
}
