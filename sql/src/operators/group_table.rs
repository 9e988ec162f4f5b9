//! The groups of one task and batch: every distinct key once, numbered in the order of its first row.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use tidemill_state::Rows;

/// Every distinct key once, as its state row.
#[derive(Debug, Default)]
pub(super) struct GroupTable {
    keys: Rows,
    /// The state partition of each group.
    partitions: Vec<i32>,
    places: HashTable<(u64, usize)>,
    hasher: DefaultHashBuilder,
}

impl GroupTable {
    /// The group of each key; a key that was not there gets the next number.
    ///
    /// `keys` and `partitions` have one entry per row.
    pub(super) fn intern(&mut self, keys: &Rows, partitions: &[i32]) -> Vec<usize> {
        let mut groups = Vec::with_capacity(partitions.len());
        for (key, partition) in keys.iter().zip(partitions) {
            let hash = self.hasher.hash_one(key);
            let known = self
                .places
                .find(hash, |(h, group)| *h == hash && self.keys.row(*group) == key);
            let group = match known {
                Some((_, group)) => *group,
                None => {
                    let group = self.partitions.len();
                    self.keys.push(key);
                    self.partitions.push(*partition);
                    self.places.insert_unique(hash, (hash, group), |(h, _)| *h);
                    group
                }
            };
            groups.push(group);
        }
        groups
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    /// The keys, by group.
    pub(super) fn keys(&self) -> &Rows {
        &self.keys
    }

    /// The groups from `from` on, gathered by state partition.
    pub(super) fn by_partition(&self, from: usize) -> impl Iterator<Item = (i32, Vec<usize>)> {
        let new = self.partitions.get(from..).unwrap_or_default();
        let last = new.iter().max().and_then(|p| usize::try_from(*p).ok());
        let mut gathered: Vec<Vec<usize>> = vec![Vec::new(); last.map_or(0, |last| last + 1)];
        for (group, partition) in new.iter().enumerate() {
            if let Ok(place) = usize::try_from(*partition)
                && let Some(groups) = gathered.get_mut(place)
            {
                groups.push(from + group);
            }
        }
        (0..).zip(gathered).filter(|(_, groups)| !groups.is_empty())
    }
}
