//! Another way to write an aggregate: the groups lie in columns, for functions whose groups are too large, or too many, to be
//! values of their own.
//!
//! [`GroupedColumns`] makes of it the accumulator over many groups, [`SingleColumns`] the one over a single group.

use std::fmt::Debug;
use std::mem::size_of;

use arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::fold::Rows;

/// The groups of an aggregate function.
pub(super) trait Columnar: Debug + Send + Sync + 'static {
    /// No group, with the same parameters.
    fn empty(&self) -> Self;

    /// How many groups there are.
    fn len(&self) -> usize;

    /// Adds groups that saw no row, up to this number.
    fn grow_to(&mut self, groups: usize);

    /// Takes rows of the arguments' values.
    ///
    /// # Errors
    /// A value that a group cannot take.
    fn update(&mut self, values: &[ArrayRef], rows: &Rows<'_>) -> Result<()>;

    /// Takes rows of the state columns.
    ///
    /// # Errors
    /// A state that a group cannot take.
    fn merge(&mut self, states: &[ArrayRef], rows: &Rows<'_>) -> Result<()>;

    /// The state columns of so many groups from the first.
    ///
    /// # Errors
    /// A group without a state.
    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>>;

    /// The results of so many groups from the first.
    ///
    /// # Errors
    /// A group without a result.
    fn results(&self, groups: usize) -> Result<ArrayRef>;

    /// Drops so many groups from the first.
    fn forget(&mut self, groups: usize);

    /// What the groups hold.
    fn bytes(&self) -> usize;
}

/// An aggregate over many groups.
pub(super) struct GroupedColumns<C>(pub(super) C);

impl<C: Columnar> GroupedColumns<C> {
    fn wanted(&self, emit_to: EmitTo) -> usize {
        match emit_to {
            EmitTo::All => self.0.len(),
            EmitTo::First(groups) => groups,
        }
    }
}

impl<C: Columnar> GroupsAccumulator for GroupedColumns<C> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.grow_to(total_num_groups);
        let rows = Rows {
            groups: group_indices,
            filter: opt_filter,
        };
        self.0.update(values, &rows)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.grow_to(total_num_groups);
        let rows = Rows {
            groups: group_indices,
            filter: None,
        };
        self.0.merge(values, &rows)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.wanted(emit_to);
        let results = self.0.results(groups);
        self.0.forget(groups);
        results
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.wanted(emit_to);
        let states = self.0.states(groups);
        self.0.forget(groups);
        states
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |v| v.len());
        let own: Vec<usize> = (0..rows).collect();
        let mut groups = Self(self.0.empty());
        groups.update_batch(values, &own, opt_filter, rows)?;
        groups.0.states(rows)
    }

    fn size(&self) -> usize {
        self.0.bytes()
    }
}

/// An aggregate over one group.
#[derive(Debug)]
pub(super) struct SingleColumns<C>(C);

impl<C: Columnar> SingleColumns<C> {
    /// Of groups before any row.
    pub(super) fn new(mut groups: C) -> Self {
        groups.grow_to(1);
        Self(groups)
    }
}

impl<C: Columnar> Accumulator for SingleColumns<C> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; values.first().map_or(0, |v| v.len())];
        let rows = Rows {
            groups: &groups,
            filter: None,
        };
        self.0.update(values, &rows)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; states.first().map_or(0, |v| v.len())];
        let rows = Rows {
            groups: &groups,
            filter: None,
        };
        self.0.merge(states, &rows)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.0.results(1)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let states = self.0.states(1)?;
        states.iter().map(|s| ScalarValue::try_from_array(s, 0)).collect()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.bytes()
    }
}
