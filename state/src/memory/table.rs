//! Finds an entry's address by its key's hash, at a cost that does not grow with what is held.
//!
//! A hash table that doubles would stop one batch for as long as all keys take to move. This one is extendible: small
//! tables of at most [`SEGMENT_KEYS`], and a directory from hash bits to tables. A full table splits in two, and only
//! its own keys move. The directory, four bytes for thousands of keys, doubles now and then.

use super::arena::Address;
use super::slots::{KeptHash, Slot, SlotArray};

/// Keys in one table: three quarters of 8192 slots.
const SEGMENT_KEYS: usize = 6144;
/// No more hash bits than this choose the table, so that keys with one hash cannot split for ever.
const MAX_DEPTH: u32 = 22;

#[derive(Debug, Default)]
struct Segment {
    addresses: SlotArray,
    /// How many hash bits its keys have in common.
    depth: u32,
}

/// From hashes to addresses.
#[derive(Debug)]
pub(crate) struct KeyTable {
    segments: Vec<Segment>,
    /// A power of two of entries, by hash bits.
    directory: Vec<u32>,
    slot_count: usize,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self {
            segments: vec![Segment::default()],
            directory: vec![0],
            slot_count: 0,
        }
    }
}

impl KeyTable {
    fn directory_slot(&self, hash: KeptHash) -> usize {
        hash.bits() as usize & (self.directory.len() - 1)
    }

    fn segment_index(&self, hash: KeptHash) -> usize {
        let index = self.directory.get(self.directory_slot(hash));
        index.copied().unwrap_or_default() as usize
    }

    /// The slot where the search for a hash begins: often the one that is looked for.
    pub(crate) fn home_of(&self, hash: u64) -> Slot {
        let hash = KeptHash::of(hash);
        let segment = self.segments.get(self.segment_index(hash));
        segment.map_or(Slot::EMPTY, |segment| segment.addresses.home_of(hash))
    }

    /// The address with this hash that `is_it`.
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(Address) -> bool) -> Option<Address> {
        let hash = KeptHash::of(hash);
        let segment = self.segments.get(self.segment_index(hash))?;
        let found = segment
            .addresses
            .find(hash, |number| is_it(Address::of_number(number)));
        found.map(Address::of_number)
    }

    /// Adds an address that is not there.
    pub(crate) fn insert(&mut self, hash: u64, address: Address) {
        let hash = KeptHash::of(hash);
        let mut index = self.segment_index(hash);
        while let Some(segment) = self.segments.get(index)
            && segment.addresses.len() >= SEGMENT_KEYS
            && segment.depth < MAX_DEPTH
        {
            self.split(hash, index);
            index = self.segment_index(hash);
        }
        self.change(index, |addresses| addresses.insert(hash, address.number()));
    }

    /// Splits the table at `index`, to which `hash` belongs, by the next hash bit.
    fn split(&mut self, hash: KeptHash, index: usize) {
        let Ok(new_index) = u32::try_from(self.segments.len()) else {
            return;
        };
        let Some(segment) = self.segments.get_mut(index) else {
            return;
        };
        let depth = segment.depth;
        let slots = segment.addresses.slot_count();
        let half = || Segment {
            addresses: SlotArray::with_slots(slots),
            depth: depth + 1,
        };
        let old = std::mem::replace(segment, half());
        let mut new = half();
        for slot in old.addresses.into_slots() {
            let half = match slot.hash().bits() >> depth & 1 {
                0 => &mut *segment,
                _ => &mut new,
            };
            half.addresses.insert_slot(slot);
        }
        self.slot_count += slots;
        self.segments.push(new);

        if self.directory.len() == 1 << depth {
            self.directory.extend_from_within(..);
        }
        let first = (self.directory_slot(hash) & ((1 << depth) - 1)) | 1 << depth;
        for entry in self.directory.iter_mut().skip(first).step_by(2 << depth) {
            *entry = new_index;
        }
    }

    /// Puts another address in the place of one with the same hash.
    pub(crate) fn replace(&mut self, hash: u64, old: Address, new: Address) {
        let hash = KeptHash::of(hash);
        self.change(self.segment_index(hash), |addresses| {
            addresses.replace(hash, old.number(), new.number());
        });
    }

    /// Removes an address.
    pub(crate) fn remove(&mut self, hash: u64, address: Address) {
        let hash = KeptHash::of(hash);
        self.change(self.segment_index(hash), |addresses| {
            addresses.remove(hash, address.number());
        });
    }

    fn change(&mut self, index: usize, change: impl FnOnce(&mut SlotArray)) {
        if let Some(Segment { addresses, .. }) = self.segments.get_mut(index) {
            let before = addresses.slot_count();
            change(addresses);
            self.slot_count = self.slot_count + addresses.slot_count() - before;
        }
    }

    /// Memory held.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.slot_count * size_of::<Slot>()
            + self.segments.capacity() * size_of::<Segment>()
            + self.directory.capacity() * size_of::<u32>()
    }
}
