//! Brings the rows of a batch to their groups, and to the groups what the state holds of them.
//!
//! Rows wait until all are there, or many: the stores are then asked for the new keys in their own order, in which keys
//! that are near one another in memory come one after the other. In the order of the rows each key would cost a wait.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::common::internal_err;
use datafusion::error::Result as DataFusionResult;
use tidemill_state::Rows;

use super::Shared;
use crate::aggregate::bytes_of;
use crate::error::state;
use crate::operators::aggregate_buffers::Accumulators;
use crate::operators::group_table::GroupTable;
use crate::operators::open_stores::OpenStores;
use crate::operators::state_partition::state_partitions_of;

/// How many bytes of partial aggregates may wait; few where tests run, so that they see more than one round.
const MAX_WAITING_BYTES: usize = if cfg!(debug_assertions) { 1 << 10 } else { 64 << 20 };

/// The groups of one task and their accumulators.
pub(super) struct Merged {
    pub(super) groups: GroupTable,
    pub(super) accumulators: Accumulators,
    waiting: Waiting,
    /// The keys of the groups that came behind the watermark.
    pub(super) late: HashSet<Box<[u8]>>,
}

/// Rows of partial aggregates that are not merged yet.
#[derive(Default)]
struct Waiting {
    keys: Rows,
    partitions: Vec<i32>,
    /// The states of each aggregate, batch by batch.
    states: Vec<Vec<Vec<ArrayRef>>>,
    bytes: usize,
}

impl Merged {
    /// No groups.
    pub(super) fn new(accumulators: Accumulators) -> Self {
        Self {
            groups: GroupTable::default(),
            accumulators,
            waiting: Waiting::default(),
            late: HashSet::new(),
        }
    }
}

impl Shared {
    /// Has rows of partial aggregates wait, and merges when enough do.
    pub(super) fn gather(
        &self,
        rows: RecordBatch,
        merged: &mut Merged,
        stores: &mut OpenStores,
    ) -> DataFusionResult<()> {
        let rows = self.in_time(rows, &mut merged.late)?;
        let waiting = &mut merged.waiting;
        let (_, rest) = rows.columns().split_at(self.keys.len().min(rows.num_columns()));
        let Some((partitions, states)) = rest.split_last() else {
            return internal_err!("a partial aggregation without a state partition");
        };
        self.push_key_rows(&rows, &mut waiting.keys)?;
        waiting
            .partitions
            .extend_from_slice(state_partitions_of(partitions)?.values());
        waiting.states.push(self.buffers.partial_states(states)?);
        waiting.bytes += rows.columns().iter().map(bytes_of).sum::<usize>();
        if waiting.bytes > MAX_WAITING_BYTES {
            self.merge(merged, stores)?;
        }
        Ok(())
    }

    /// Merges the rows that wait into their groups.
    pub(super) fn merge(&self, merged: &mut Merged, stores: &mut OpenStores) -> DataFusionResult<()> {
        let waiting = std::mem::take(&mut merged.waiting);
        let slots = merged.groups.intern(&waiting.keys, &waiting.partitions)?;
        self.restore(merged, stores)?;
        let groups = merged.groups.groups_of(slots.iter().map(|slot| *slot as usize));
        let mut rest = groups.as_slice();
        for states in waiting.states {
            let rows = states.iter().flatten().next().map_or(0, |column| column.len());
            let (groups, others) = rest.split_at(rows.min(rest.len()));
            rest = others;
            merged.accumulators.merge(&states, groups, merged.groups.len())?;
        }
        Ok(())
    }

    /// Drops the groups that come behind the watermark, and notes which they are: partial aggregations over several inputs,
    /// or ones that gave up aggregating, bring a group more than once.
    fn in_time(&self, rows: RecordBatch, late: &mut HashSet<Box<[u8]>>) -> DataFusionResult<RecordBatch> {
        let Some(column) = self.event_time else {
            return Ok(rows);
        };
        let (kept, dropped) = column.in_time(rows, self.info.late_watermark_us)?;
        if let Some(dropped) = dropped {
            let mut keys = Rows::default();
            self.push_key_rows(&dropped, &mut keys)?;
            late.extend(keys.iter().map(Box::from));
        }
        Ok(kept)
    }

    /// Adds the keys of partial aggregates, as state rows.
    fn push_key_rows(&self, rows: &RecordBatch, out: &mut Rows) -> DataFusionResult<()> {
        let (keys, _) = rows.columns().split_at(self.keys.len().min(rows.num_columns()));
        self.key_codec.encode(keys, rows.num_rows(), out).map_err(state)
    }

    /// Numbers the new groups, and merges what the stores hold of them.
    fn restore(&self, merged: &mut Merged, stores: &mut OpenStores) -> DataFusionResult<()> {
        let known = merged.groups.len();
        let new = merged.groups.new_slots();
        let mut values = Rows::with_capacity(new, new * 16);
        let (mut in_state, mut others) = (Vec::with_capacity(new), Vec::new());
        for (partition, slots) in merged.groups.new_by_partition() {
            let mut keys = slots.iter().map(|slot| merged.groups.key(*slot));
            let mut handles = vec![None; slots.len()];
            stores
                .of(partition)?
                .get_batch(&mut keys, &mut |place, handle, value| {
                    if let Some(found) = handles.get_mut(place) {
                        *found = Some(handle);
                        values.push(value);
                    }
                });
            for (slot, handle) in slots.into_iter().zip(handles) {
                match handle {
                    Some(handle) => {
                        merged.groups.found(slot, handle);
                        in_state.push(slot);
                    }
                    None => others.push(slot),
                }
            }
        }
        let found = in_state.len();
        merged.groups.number(in_state.into_iter().chain(others));
        if found == 0 {
            return Ok(());
        }
        let states = self.buffers.states(&self.buffer_columns(values.iter())?)?;
        let groups: Vec<usize> = (known..known + found).collect();
        merged.accumulators.merge(&states, &groups, known + found)
    }
}
