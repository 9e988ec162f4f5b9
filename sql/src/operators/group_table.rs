//! The groups of one task and batch: every distinct key once.
//!
//! A key has a slot, in the order of its first row, and a group, the number that accumulators know it by. Among the keys
//! that one batch of rows brings, those that the state knew get their groups first: DataFusion's accumulators take every
//! group below the total for seen, so that no total may include a group whose rows come later.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use tidemill_state::Rows;

/// Every distinct key once, as its state row.
#[derive(Debug, Default)]
pub(super) struct GroupTable {
    /// By slot, as the two that follow.
    keys: Rows,
    partitions: Vec<i32>,
    groups: Vec<usize>,
    /// The slot of each group.
    slots: Vec<usize>,
    places: HashTable<(u64, usize)>,
    hasher: DefaultHashBuilder,
}

impl GroupTable {
    /// The slot of each key; a key that was not there gets the next one, and no group yet.
    ///
    /// `keys` and `partitions` have one entry per row.
    pub(super) fn intern(&mut self, keys: &Rows, partitions: &[i32]) -> Vec<usize> {
        let mut slots = Vec::with_capacity(partitions.len());
        let hashes: Vec<u64> = keys.iter().map(|key| self.hasher.hash_one(key)).collect();
        for ((key, partition), hash) in keys.iter().zip(partitions).zip(hashes) {
            let known = self
                .places
                .find(hash, |(h, slot)| *h == hash && self.keys.row(*slot) == key);
            let slot = match known {
                Some((_, slot)) => *slot,
                None => {
                    let slot = self.partitions.len();
                    self.keys.push(key);
                    self.partitions.push(*partition);
                    self.places.insert_unique(hash, (hash, slot), |(h, _)| *h);
                    slot
                }
            };
            slots.push(slot);
        }
        slots
    }

    /// Gives the slots without a group their groups: first `found`, in this order, then the others.
    pub(super) fn number(&mut self, found: &[usize]) {
        let first = self.groups.len();
        const NONE: usize = usize::MAX;
        self.groups.resize(self.partitions.len(), NONE);
        for slot in found.iter().copied().chain(first..self.partitions.len()) {
            if let Some(group @ &mut NONE) = self.groups.get_mut(slot) {
                *group = self.slots.len();
                self.slots.push(slot);
            }
        }
    }

    /// The groups of slots.
    pub(super) fn groups_of(&self, slots: &[usize]) -> Vec<usize> {
        slots
            .iter()
            .filter_map(|slot| self.groups.get(*slot).copied())
            .collect()
    }

    /// How many groups have a number.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The keys, by group.
    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.slots.iter().map(|slot| self.keys.row(*slot))
    }

    /// The key of a slot.
    pub(super) fn key(&self, slot: usize) -> &[u8] {
        self.keys.row(slot)
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
