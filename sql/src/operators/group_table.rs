//! The groups of one task and batch: every distinct key once.
//!
//! A key has a slot, its number in a set of rows, and a group, the number that accumulators know it by. Among the keys
//! that one batch of rows brings, those that the state knew get their groups first: DataFusion's accumulators take every
//! group below the total for seen, so that no total may include a group whose rows come later.

use datafusion::error::Result as DataFusionResult;
use tidemill_state::{RowHandle, RowSet, Rows};

use crate::error::state;

/// No group: not a number that an accumulator has.
const NONE: usize = usize::MAX;

/// Every distinct key once, as its state row.
#[derive(Debug, Default)]
pub(super) struct GroupTable {
    /// By slot, as the three that follow.
    keys: RowSet,
    partitions: Vec<i32>,
    /// Where the state has them.
    handles: Vec<Option<RowHandle>>,
    groups: Vec<usize>,
    /// The slot of each group.
    slots: Vec<usize>,
}

impl GroupTable {
    /// The slot of each key; a key that was not there gets one, and no group yet.
    ///
    /// `keys` and `partitions` have one entry per row.
    pub(super) fn intern(&mut self, keys: &Rows, partitions: &[i32]) -> DataFusionResult<Vec<u32>> {
        let slots = self.keys.intern(keys).map_err(state)?;
        self.partitions.resize(self.keys.rows().len(), 0);
        self.handles.resize(self.partitions.len(), None);
        for (slot, partition) in slots.iter().zip(partitions) {
            if let Some(known) = self.partitions.get_mut(*slot as usize) {
                *known = *partition;
            }
        }
        Ok(slots)
    }

    /// Notes where the state has the key of a slot.
    pub(super) fn found(&mut self, slot: usize, handle: RowHandle) {
        if let Some(known) = self.handles.get_mut(slot) {
            *known = Some(handle);
        }
    }

    /// Gives slots without a group the next groups, in this order.
    pub(super) fn number(&mut self, slots: impl Iterator<Item = usize>) {
        self.slots.reserve(self.new_slots());
        self.groups.resize(self.partitions.len(), NONE);
        for slot in slots {
            if let Some(group @ &mut NONE) = self.groups.get_mut(slot) {
                *group = self.slots.len();
                self.slots.push(slot);
            }
        }
    }

    /// The groups of slots, all of which have one.
    pub(super) fn groups_of(&self, slots: impl ExactSizeIterator<Item = usize>) -> Vec<usize> {
        slots
            .map(|slot| self.groups.get(slot).copied().unwrap_or(NONE))
            .collect()
    }

    /// How many groups have a number.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The keys, by group.
    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.slots.iter().map(|slot| self.keys.rows().row(*slot))
    }

    /// The key of a slot.
    pub(super) fn key(&self, slot: usize) -> &[u8] {
        self.keys.rows().row(slot)
    }

    /// Where the state has the key of a slot, if it does.
    pub(super) fn handle(&self, slot: usize) -> Option<RowHandle> {
        self.handles.get(slot).copied().flatten()
    }

    /// How many slots have no group yet.
    pub(super) fn new_slots(&self) -> usize {
        self.partitions.len() - self.groups.len()
    }

    /// The slots that have no group yet, gathered by state partition.
    pub(super) fn new_by_partition(&self) -> impl Iterator<Item = (i32, Vec<usize>)> + use<> {
        self.by_partition(self.groups.len())
    }

    /// All slots, gathered by state partition.
    pub(super) fn all_by_partition(&self) -> impl Iterator<Item = (i32, Vec<usize>)> + use<> {
        self.by_partition(0)
    }

    fn by_partition(&self, from: usize) -> impl Iterator<Item = (i32, Vec<usize>)> + use<> {
        let new = self.partitions.get(from..).unwrap_or_default();
        let last = new.iter().max().and_then(|p| usize::try_from(*p).ok());
        let mut gathered: Vec<Vec<usize>> = vec![Vec::new(); last.map_or(0, |last| last + 1)];
        for (slot, partition) in new.iter().enumerate() {
            if let Ok(place) = usize::try_from(*partition)
                && let Some(slots) = gathered.get_mut(place)
            {
                slots.push(from + slot);
            }
        }
        (0..).zip(gathered).filter(|(_, slots)| !slots.is_empty())
    }
}
