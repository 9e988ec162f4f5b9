//! One way to write an aggregate: what a group keeps, and how it takes values, takes states, and ends. [`Folded`] makes
//! [`Groups`] of it.

use std::fmt::Debug;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::NullBuffer;
use datafusion::common::{DataFusionError, Result};

use super::groups::Groups;

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

/// Groups that are a value each.
#[derive(Debug)]
pub(super) struct Folded<F: Fold> {
    fold: Arc<F>,
    groups: Vec<F::Group>,
}

impl<F: Fold> Folded<F> {
    /// Before any group.
    pub(super) fn new(fold: F) -> Self {
        Self {
            fold: Arc::new(fold),
            groups: Vec::new(),
        }
    }

    fn of(&self, groups: Vec<F::Group>) -> Self {
        Self {
            fold: Arc::clone(&self.fold),
            groups,
        }
    }
}

impl<F: Fold> Clone for Folded<F> {
    fn clone(&self) -> Self {
        self.of(self.groups.clone())
    }
}

impl<F: Fold> Groups for Folded<F> {
    fn empty(&self) -> Self {
        self.of(Vec::new())
    }

    fn grow_to(&mut self, groups: usize) {
        self.groups.resize(groups, self.fold.empty());
    }

    fn update(&mut self, values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        self.fold.update(&mut self.groups, values, rows)
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        self.fold.merge(&mut self.groups, states, rows)
    }

    fn take_first(&mut self, groups: usize) -> Self {
        let rest = self.groups.split_off(groups.min(self.groups.len()));
        let first = std::mem::replace(&mut self.groups, rest);
        self.of(first)
    }

    fn states(self) -> Result<Vec<ArrayRef>> {
        self.fold.states(self.groups)
    }

    fn results(self) -> Result<ArrayRef> {
        self.fold.results(self.groups)
    }

    fn bytes(&self) -> usize {
        let held = self.groups.capacity() * size_of::<F::Group>();
        if self.fold.has_heap() {
            held + self.groups.iter().map(|g| self.fold.heap_bytes(g)).sum::<usize>()
        } else {
            held
        }
    }
}
