//! The rows that an aggregation gives, decoded and evaluated some at a time.
//!
//! A task may close or hold more than Arrow's arrays take, so that no batch is made of all of it.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use datafusion::error::Result as DataFusionResult;
use tidemill_state::Rows;

use super::Shared;
use crate::error::state;
use crate::operators::group_table::GroupTable;

/// The most bytes of state rows that are decoded into one batch, unless a single row has more: Arrow's strings and lists
/// hold less than 2 GiB.
const MAX_DECODED_BYTES: usize = 128 << 20;

/// Cuts rows of these sizes into runs of at most so many rows, and of at most so many bytes where a run has two rows.
fn runs(sizes: impl Iterator<Item = usize>, rows: usize, bytes: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut held = 0_usize;
    for (row, size) in sizes.enumerate() {
        held = held.saturating_add(size);
        match runs.last_mut() {
            Some(run) if run.len() < rows && held <= bytes => run.end = row + 1,
            _ => {
                runs.push(row..row + 1);
                held = size;
            }
        }
    }
    runs
}

/// What a batch gives, as its task has it.
pub(super) enum Given {
    /// Groups and their states.
    Groups(GroupTable, Vec<Vec<ArrayRef>>),
    /// Keys and values of the state.
    Rows(Rows, Rows),
}

impl Given {
    /// How many rows it is.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Groups(groups, _) => groups.len(),
            Self::Rows(keys, _) => keys.len(),
        }
    }
}

impl Shared {
    /// The rows to give, in batches of so many.
    pub(super) fn output_of(
        &self,
        given: &Given,
        rows_per_batch: usize,
    ) -> DataFusionResult<Vec<RecordBatch>> {
        match given {
            Given::Groups(groups, states) => self.output_of_groups(groups, states, rows_per_batch),
            Given::Rows(keys, values) => self.output_of_rows(keys, values, rows_per_batch),
        }
    }

    /// What is given of state rows.
    fn output_of_rows(
        &self,
        keys: &Rows,
        values: &Rows,
        rows_per_batch: usize,
    ) -> DataFusionResult<Vec<RecordBatch>> {
        let sizes = keys
            .iter()
            .zip(values)
            .map(|(key, value)| key.len() + value.len());
        let runs = runs(sizes, rows_per_batch, MAX_DECODED_BYTES);
        let batch_of = |run: Range<usize>| {
            let columns = self.buffer_columns(run.clone().map(|row| values.row(row)))?;
            let states = self.buffers.states(&columns)?;
            self.output(run.map(|row| keys.row(row)), &states)
        };
        runs.into_iter().map(batch_of).collect()
    }

    /// What is given of the groups that the batch touched.
    fn output_of_groups(
        &self,
        groups: &GroupTable,
        states: &[Vec<ArrayRef>],
        rows_per_batch: usize,
    ) -> DataFusionResult<Vec<RecordBatch>> {
        let runs = runs(groups.keys().map(<[u8]>::len), rows_per_batch, MAX_DECODED_BYTES);
        let batch_of = |run: Range<usize>| {
            let slice = |column: &ArrayRef| column.slice(run.start, run.len());
            let states: Vec<Vec<ArrayRef>> = states
                .iter()
                .map(|columns| columns.iter().map(slice).collect())
                .collect();
            self.output(groups.keys().skip(run.start).take(run.len()), &states)
        };
        runs.into_iter().map(batch_of).collect()
    }

    /// The rows of groups: their keys and the results of their states.
    fn output<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        states: &[Vec<ArrayRef>],
    ) -> DataFusionResult<RecordBatch> {
        let rows = keys.len();
        let mut columns = self.key_codec.decode(keys).map_err(state)?;
        columns.extend(self.buffers.evaluate(states, rows)?);
        let columns = columns
            .into_iter()
            .zip(self.schema.fields())
            .map(|(column, field)| {
                if column.data_type() == field.data_type() {
                    return Ok(column);
                }
                Ok(cast(&column, field.data_type())?)
            })
            .collect::<DataFusionResult<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_by_their_number_and_by_their_bytes() {
        let cut = |sizes: &[usize], rows, bytes| runs(sizes.iter().copied(), rows, bytes);
        assert!(cut(&[], 2, 10).is_empty());
        assert_eq!(cut(&[1; 5], 2, 10), [0..2, 2..4, 4..5]);
        assert_eq!(cut(&[4, 6, 1, 20, 1], 9, 10), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(cut(&[1, 1], 0, 10), [0..1, 1..2]);
    }
}
