//! One way to write an aggregate: what a group keeps, and how it takes values, takes states, and ends.
//!
//! [`Grouped`] makes of it the accumulator over many groups, [`Single`] the one over a single group.

use std::fmt::Debug;
use std::mem::size_of;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::NullBuffer;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

/// An aggregate function over groups.
pub(super) trait Fold: Debug + Send + Sync + 'static {
    /// What is kept for a group.
    type Group: Clone + Debug + Send + Sync + 'static;

    /// A group that saw no row.
    fn empty(&self) -> Self::Group;

    /// Takes rows of the arguments' values.
    ///
    /// # Errors
    /// A value that the group cannot take.
    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()>;

    /// Takes rows of the state columns.
    ///
    /// # Errors
    /// A state that the group cannot take.
    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()>;

    /// The state columns, one value per group.
    ///
    /// # Errors
    /// A group without a state.
    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>>;

    /// The results, one per group.
    ///
    /// # Errors
    /// A group without a result.
    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef>;

    /// The bytes that a group holds elsewhere.
    fn heap_bytes(&self, _group: &Self::Group) -> usize {
        0
    }

    /// Whether groups hold bytes elsewhere at all.
    fn has_heap(&self) -> bool {
        false
    }
}

/// The rows of a batch and the group of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    /// The place of each row's group.
    pub(super) groups: &'a [usize],
    /// The rows to take; null counts as false.
    pub(super) filter: Option<&'a BooleanArray>,
}

impl Rows<'_> {
    /// Calls with the row and its group for every row that the filter lets through and that is not null.
    ///
    /// # Errors
    /// The first of the calls' errors.
    #[inline]
    pub(super) fn each(
        &self,
        nulls: Option<&NullBuffer>,
        mut take: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<()> {
        let nulls = nulls.filter(|n| n.null_count() > 0);
        match (nulls, self.filter) {
            (None, None) => {
                for (row, group) in self.groups.iter().enumerate() {
                    take(row, *group)?;
                }
            }
            _ => {
                for (row, group) in self.groups.iter().enumerate() {
                    let valid = nulls.is_none_or(|n| n.is_valid(row));
                    let passes = self.filter.is_none_or(|f| f.is_valid(row) && f.value(row));
                    if valid && passes {
                        take(row, *group)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The column at this place.
///
/// # Errors
/// No such column, which is a bug of the caller.
pub(super) fn column(columns: &[ArrayRef], at: usize) -> Result<&ArrayRef> {
    columns
        .get(at)
        .ok_or_else(|| DataFusionError::Internal(format!("column {at} of {} of an aggregate", columns.len())))
}

/// An aggregate over many groups.
pub(super) struct Grouped<F: Fold> {
    fold: F,
    groups: Vec<F::Group>,
}

impl<F: Fold> Grouped<F> {
    /// The aggregate before any group.
    pub(super) fn new(fold: F) -> Self {
        Self {
            fold,
            groups: Vec::new(),
        }
    }
}

impl<F: Fold> GroupsAccumulator for Grouped<F> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.resize(total_num_groups, self.fold.empty());
        let rows = Rows {
            groups: group_indices,
            filter: opt_filter,
        };
        self.fold.update(&mut self.groups, values, &rows)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.resize(total_num_groups, self.fold.empty());
        let rows = Rows {
            groups: group_indices,
            filter: None,
        };
        self.fold.merge(&mut self.groups, values, &rows)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.fold.results(emit_to.take_needed(&mut self.groups))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.fold.states(emit_to.take_needed(&mut self.groups))
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let count = values.first().map_or(0, |v| v.len());
        let mut groups = vec![self.fold.empty(); count];
        let own: Vec<usize> = (0..count).collect();
        let rows = Rows {
            groups: &own,
            filter: opt_filter,
        };
        self.fold.update(&mut groups, values, &rows)?;
        self.fold.states(groups)
    }

    fn size(&self) -> usize {
        let held = self.groups.capacity() * size_of::<F::Group>();
        if self.fold.has_heap() {
            held + self.groups.iter().map(|g| self.fold.heap_bytes(g)).sum::<usize>()
        } else {
            held
        }
    }
}

/// An aggregate over one group.
#[derive(Debug)]
pub(super) struct Single<F: Fold> {
    fold: F,
    group: F::Group,
}

impl<F: Fold> Single<F> {
    /// The aggregate before any row.
    pub(super) fn new(fold: F) -> Self {
        let group = fold.empty();
        Self { fold, group }
    }
}

impl<F: Fold> Accumulator for Single<F> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; values.first().map_or(0, |v| v.len())];
        let rows = Rows {
            groups: &groups,
            filter: None,
        };
        self.fold
            .update(std::slice::from_mut(&mut self.group), values, &rows)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; states.first().map_or(0, |v| v.len())];
        let rows = Rows {
            groups: &groups,
            filter: None,
        };
        self.fold
            .merge(std::slice::from_mut(&mut self.group), states, &rows)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let results = self.fold.results(vec![self.group.clone()])?;
        ScalarValue::try_from_array(&results, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let states = self.fold.states(vec![self.group.clone()])?;
        states.iter().map(|s| ScalarValue::try_from_array(s, 0)).collect()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.fold.heap_bytes(&self.group)
    }
}
