//! Finds an entry's address by its key's hash, at a cost that does not grow with what is held.
//!
//! A hash table that doubles would stop one batch for as long as all keys take to move. This one is extendible: small
//! tables of at most [`SEGMENT_KEYS`], and a directory from hash bits to tables. A full table splits in two, and only
//! its own keys move. The directory, four bytes for thousands of keys, doubles now and then.

use hashbrown::HashTable;

use super::arena::Address;

/// Keys in one table; what fits in 8192 buckets.
const SEGMENT_KEYS: usize = 7168;
/// No more hash bits than this choose the table, so that keys with one hash cannot split for ever.
const MAX_DEPTH: u32 = 22;
/// The hash bits that choose the table: apart from the low and the highest ones, which choose the bucket.
const DIRECTORY_SHIFT: u32 = 32;

#[derive(Debug, Default)]
struct Segment {
    addresses: HashTable<Address>,
    /// How many hash bits its keys have in common.
    depth: u32,
}

/// From hashes to addresses.
#[derive(Debug)]
pub(crate) struct KeyTable {
    segments: Vec<Segment>,
    /// A power of two of entries, by hash bits.
    directory: Vec<u32>,
    segment_bytes: usize,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self {
            segments: vec![Segment::default()],
            directory: vec![0],
            segment_bytes: 0,
        }
    }
}

impl KeyTable {
    fn slot(&self, hash: u64) -> usize {
        usize::try_from(hash >> DIRECTORY_SHIFT).unwrap_or_default() & (self.directory.len() - 1)
    }

    fn segment_index(&self, hash: u64) -> usize {
        self.directory.get(self.slot(hash)).copied().unwrap_or_default() as usize
    }

    /// The address with this hash that `is_it`.
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(Address) -> bool) -> Option<Address> {
        let segment = self.segments.get(self.segment_index(hash))?;
        segment.addresses.find(hash, |address| is_it(*address)).copied()
    }

    /// Adds an address that is not there. `hash_of` gives the hash of those that are.
    pub(crate) fn insert(&mut self, hash: u64, address: Address, hash_of: impl Fn(Address) -> u64) {
        let mut index = self.segment_index(hash);
        while let Some(segment) = self.segments.get(index)
            && segment.addresses.len() >= SEGMENT_KEYS
            && segment.depth < MAX_DEPTH
        {
            self.split(hash, index, &hash_of);
            index = self.segment_index(hash);
        }
        if let Some(Segment { addresses, .. }) = self.segments.get_mut(index) {
            let before = addresses.allocation_size();
            addresses.insert_unique(hash, address, |address| hash_of(*address));
            self.segment_bytes += addresses.allocation_size() - before;
        }
    }

    /// Splits the table at `index`, to which `hash` belongs, by the next hash bit.
    fn split(&mut self, hash: u64, index: usize, hash_of: impl Fn(Address) -> u64) {
        let Ok(new_index) = u32::try_from(self.segments.len()) else {
            return;
        };
        let Some(segment) = self.segments.get_mut(index) else {
            return;
        };
        let depth = segment.depth;
        let old = std::mem::take(&mut segment.addresses);
        self.segment_bytes -= old.allocation_size();
        let mut halves = [
            HashTable::with_capacity(SEGMENT_KEYS),
            HashTable::with_capacity(SEGMENT_KEYS),
        ];
        let [zero, one] = &mut halves;
        for address in old {
            let hash = hash_of(address);
            let half = match (hash >> DIRECTORY_SHIFT) >> depth & 1 {
                0 => &mut *zero,
                _ => &mut *one,
            };
            half.insert_unique(hash, address, |address| hash_of(*address));
        }
        let [zero, one] = halves;
        self.segment_bytes += zero.allocation_size() + one.allocation_size();
        *segment = Segment {
            addresses: zero,
            depth: depth + 1,
        };
        self.segments.push(Segment {
            addresses: one,
            depth: depth + 1,
        });

        if self.directory.len() == 1 << depth {
            self.directory.extend_from_within(..);
        }
        let first = (self.slot(hash) & ((1 << depth) - 1)) | 1 << depth;
        for slot in self.directory.iter_mut().skip(first).step_by(2 << depth) {
            *slot = new_index;
        }
    }

    /// Puts another address in the place of one with the same hash.
    pub(crate) fn replace(&mut self, hash: u64, old: Address, new: Address) {
        let index = self.segment_index(hash);
        if let Some(segment) = self.segments.get_mut(index)
            && let Some(address) = segment.addresses.find_mut(hash, |address| *address == old)
        {
            *address = new;
        }
    }

    /// Removes an address. A table that is left nearly empty gives back its memory.
    pub(crate) fn remove(&mut self, hash: u64, address: Address, hash_of: impl Fn(Address) -> u64) {
        let index = self.segment_index(hash);
        let Some(Segment { addresses, .. }) = self.segments.get_mut(index) else {
            return;
        };
        if let Ok(entry) = addresses.find_entry(hash, |found| *found == address) {
            entry.remove();
            if addresses.len() * 8 < addresses.capacity() {
                let before = addresses.allocation_size();
                addresses.shrink_to(addresses.len() * 2, |address| hash_of(*address));
                self.segment_bytes -= before - addresses.allocation_size();
            }
        }
    }

    /// Memory held.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.segment_bytes
            + self.segments.capacity() * size_of::<Segment>()
            + self.directory.capacity() * size_of::<u32>()
    }
}
