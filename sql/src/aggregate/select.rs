//! Aggregates that pick one of the values: `first`, `last`, `max_by`, `min_by`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_empty_array};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::{Result, ScalarValue};

use super::fold::{Fold, Rows, column};
use super::order_keys::order_keys;

/// An array of these values.
pub(super) fn array_of(values: impl Iterator<Item = ScalarValue>, data_type: &DataType) -> Result<ArrayRef> {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return Ok(new_empty_array(data_type));
    }
    ScalarValue::iter_to_array(values)
}

/// The value in a row, holding nothing else of its column.
pub(super) fn value_at(values: &ArrayRef, row: usize) -> Result<ScalarValue> {
    let mut value = ScalarValue::try_from_array(values, row)?;
    value.compact();
    Ok(value)
}

/// `first`, `last` and `any_value`.
#[derive(Debug)]
pub(super) struct EndValue {
    /// Whether it is the last value that counts.
    pub(super) last: bool,
    /// Whether nulls are passed over.
    pub(super) ignore_nulls: bool,
    /// The value's type.
    pub(super) data_type: DataType,
}

impl EndValue {
    /// Takes the first or last of these rows for each group.
    fn take(
        &self,
        groups: &mut [Option<ScalarValue>],
        values: &ArrayRef,
        each: impl FnOnce(&mut dyn FnMut(usize, usize) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if !self.last {
            return each(&mut |row, group| {
                if groups[group].is_none() {
                    groups[group] = Some(value_at(values, row)?);
                }
                Ok(())
            });
        }
        let mut last: HashMap<usize, usize> = HashMap::new();
        each(&mut |row, group| {
            last.insert(group, row);
            Ok(())
        })?;
        for (group, row) in last {
            groups[group] = Some(value_at(values, row)?);
        }
        Ok(())
    }
}

impl Fold for EndValue {
    type Group = Option<ScalarValue>;

    fn empty(&self) -> Self::Group {
        None
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = column(values, 0)?;
        let nulls = values.logical_nulls().filter(|_| self.ignore_nulls);
        self.take(groups, values, |f| rows.each(nulls.as_ref(), f))
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let set = as_boolean_array(column(states, 1)?)?;
        self.take(groups, column(states, 0)?, |f| {
            rows.each(
                set.nulls(),
                |row, group| {
                    if set.value(row) { f(row, group) } else { Ok(()) }
                },
            )
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let set: BooleanArray = groups.iter().map(|g| Some(g.is_some())).collect();
        Ok(vec![self.results(groups)?, Arc::new(set)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let null = ScalarValue::try_from(&self.data_type)?;
        let values = groups.into_iter().map(|g| g.unwrap_or_else(|| null.clone()));
        array_of(values, &self.data_type)
    }

    fn heap_bytes(&self, group: &Self::Group) -> usize {
        group.as_ref().map_or(0, ScalarValue::size)
    }

    fn has_heap(&self) -> bool {
        true
    }
}

/// `max_by` and `min_by`: the value that goes with the greatest or least of another column.
#[derive(Debug)]
pub(super) struct ValueBy {
    /// Which ordering wins over the one held: greater or less; equal ones always do.
    pub(super) wins: Ordering,
    /// The value's type.
    pub(super) data_type: DataType,
    /// The type of the column that orders.
    pub(super) ordering: DataType,
}

/// The value held for a group.
#[derive(Clone, Debug)]
pub(super) struct HeldValue {
    value: ScalarValue,
    ordering: ScalarValue,
    /// The bytes that the ordering is ordered by.
    key: Box<[u8]>,
}

impl ValueBy {
    fn take(&self, groups: &mut [Option<HeldValue>], columns: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let (values, orderings) = (column(columns, 0)?, column(columns, 1)?);
        let keys = order_keys(orderings)?;
        rows.each(orderings.logical_nulls().as_ref(), |row, group| {
            let (key, held) = (keys.row(row), &mut groups[group]);
            let key = key.data();
            let wins = held.as_ref().is_none_or(|held| {
                let order = key.cmp(&held.key);
                order == self.wins || order == Ordering::Equal
            });
            if wins {
                *held = Some(HeldValue {
                    value: value_at(values, row)?,
                    ordering: value_at(orderings, row)?,
                    key: key.into(),
                });
            }
            Ok(())
        })
    }
}

impl Fold for ValueBy {
    type Group = Option<HeldValue>;

    fn empty(&self) -> Self::Group {
        None
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        self.take(groups, values, rows)
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        self.take(groups, states, rows)
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let null = ScalarValue::try_from(&self.ordering)?;
        let orderings = groups
            .iter()
            .map(|group| group.as_ref().map_or(&null, |held| &held.ordering).clone());
        let orderings = array_of(orderings, &self.ordering)?;
        Ok(vec![self.results(groups)?, orderings])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let null = ScalarValue::try_from(&self.data_type)?;
        let values = groups
            .into_iter()
            .map(|group| group.map_or_else(|| null.clone(), |held| held.value));
        array_of(values, &self.data_type)
    }

    fn heap_bytes(&self, group: &Self::Group) -> usize {
        group.as_ref().map_or(0, |held| {
            held.value.size() + held.ordering.size() + held.key.len()
        })
    }

    fn has_heap(&self) -> bool {
        true
    }
}
