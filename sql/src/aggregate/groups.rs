//! The groups of an aggregate function, and the two accumulators that DataFusion asks of one: [`Grouped`] over many groups,
//! [`Single`] over one.
//!
//! A function whose groups are small values is written as a [`Fold`](super::fold::Fold); one whose groups are large, or very
//! many, lays them out itself.

use std::fmt::Debug;
use std::mem::size_of;

use arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::fold::Rows;

/// The groups of an aggregate function.
pub(super) trait Groups: Clone + Debug + Send + Sync + 'static {
    /// No group, with the same parameters.
    fn empty(&self) -> Self;

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

    /// Takes so many groups out, from the first.
    fn take_first(&mut self, groups: usize) -> Self;

    /// The state columns, one value per group.
    ///
    /// # Errors
    /// A group without a state.
    fn states(self) -> Result<Vec<ArrayRef>>;

    /// The results, one per group.
    ///
    /// # Errors
    /// A group without a result.
    fn results(self) -> Result<ArrayRef>;

    /// What the groups hold.
    fn bytes(&self) -> usize;
}

/// An aggregate over many groups.
pub(super) struct Grouped<G>(pub(super) G);

impl<G: Groups> Grouped<G> {
    fn take(&mut self, emit_to: EmitTo) -> G {
        match emit_to {
            EmitTo::All => {
                let empty = self.0.empty();
                std::mem::replace(&mut self.0, empty)
            }
            EmitTo::First(groups) => self.0.take_first(groups),
        }
    }
}

impl<G: Groups> GroupsAccumulator for Grouped<G> {
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
        self.take(emit_to).results()
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.take(emit_to).states()
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
        groups.0.states()
    }

    fn size(&self) -> usize {
        self.0.bytes()
    }
}

/// An aggregate over one group.
#[derive(Debug)]
pub(super) struct Single<G>(G);

impl<G: Groups> Single<G> {
    /// Of groups before any row.
    pub(super) fn new(mut groups: G) -> Self {
        groups.grow_to(1);
        Self(groups)
    }
}

impl<G: Groups> Accumulator for Single<G> {
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
        ScalarValue::try_from_array(&self.0.clone().results()?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let states = self.0.clone().states()?;
        states.iter().map(|s| ScalarValue::try_from_array(s, 0)).collect()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.bytes()
    }
}
