//! Finds a number by its key's hash, at a cost that does not grow with what is held. What the number counts, and where
//! the key stands, is the caller's matter.
//!
//! A hash table that doubles would stop one batch for as long as all keys take to move. This one is extendible: small
//! tables of at most [`SEGMENT_KEYS`], and a directory from hash bits to tables. A full table splits in two, and only
//! its own keys move. The directory, four bytes for thousands of keys, doubles now and then.

use super::slots::{KeptHash, Slot, SlotArray};

/// Keys in one table: three quarters of 8192 slots.
const SEGMENT_KEYS: usize = 6144;
/// The room to ask for, for a table with all of its slots.
const SEGMENT_ROOM: usize = SEGMENT_KEYS * 4 / 5;
/// No more hash bits than this choose the table, so that keys with one hash cannot split for ever.
const MAX_DEPTH: u32 = 22;

#[derive(Debug, Default)]
struct Segment {
    numbers: SlotArray,
    /// How many hash bits its keys have in common.
    depth: u32,
}

/// From hashes to numbers.
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
    /// An empty one that is split by so many hash bits, with room for about so many keys, which come in the order of these
    /// bits: growing, it would move the keys of the first table at every split.
    pub(crate) fn split_by(depth: u32, keys: usize) -> Self {
        let tables = 1_u32 << depth.min(MAX_DEPTH);
        let room = (keys / tables as usize).min(SEGMENT_ROOM);
        let segments: Vec<Segment> = (0..tables)
            .map(|_| Segment {
                numbers: SlotArray::with_room(room),
                depth,
            })
            .collect();
        Self {
            slot_count: segments.iter().map(|s| s.numbers.slot_count()).sum(),
            segments,
            directory: (0..tables).collect(),
        }
    }

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
        segment.map_or(Slot::EMPTY, |segment| segment.numbers.home_of(hash))
    }

    /// The number with this hash that `is_it`.
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let hash = KeptHash::of(hash);
        let segment = self.segments.get(self.segment_index(hash))?;
        segment.numbers.find(hash, is_it)
    }

    /// Adds a number that is not there.
    pub(crate) fn insert(&mut self, hash: u64, number: u32) {
        let hash = KeptHash::of(hash);
        let mut index = self.segment_index(hash);
        while let Some(segment) = self.segments.get(index)
            && segment.numbers.len() >= SEGMENT_KEYS
            && segment.depth < MAX_DEPTH
        {
            self.split(hash, index);
            index = self.segment_index(hash);
        }
        self.change(index, |numbers| numbers.insert(hash, number));
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
        let old = std::mem::take(&mut segment.numbers);
        let goes_to_new = |slot: &Slot| slot.hash().bits() >> depth & 1 == 1;
        let to_new = old.slots().filter(goes_to_new).count();
        segment.numbers = SlotArray::with_room(old.len() - to_new);
        segment.depth = depth + 1;
        let mut new = Segment {
            numbers: SlotArray::with_room(to_new),
            depth: depth + 1,
        };
        for slot in old.slots() {
            let half = if goes_to_new(&slot) {
                &mut new
            } else {
                &mut *segment
            };
            half.numbers.insert_slot(slot);
        }
        self.slot_count += segment.numbers.slot_count() + new.numbers.slot_count();
        self.slot_count -= old.slot_count();
        self.segments.push(new);

        if self.directory.len() == 1 << depth {
            self.directory.extend_from_within(..);
        }
        let first = (self.directory_slot(hash) & ((1 << depth) - 1)) | 1 << depth;
        for entry in self.directory.iter_mut().skip(first).step_by(2 << depth) {
            *entry = new_index;
        }
    }

    /// Puts another number in the place of one with the same hash.
    pub(crate) fn replace(&mut self, hash: u64, old: u32, new: u32) {
        let hash = KeptHash::of(hash);
        self.change(self.segment_index(hash), |numbers| {
            numbers.replace(hash, old, new);
        });
    }

    /// Removes a number.
    pub(crate) fn remove(&mut self, hash: u64, number: u32) {
        let hash = KeptHash::of(hash);
        self.change(self.segment_index(hash), |numbers| numbers.remove(hash, number));
    }

    fn change(&mut self, index: usize, change: impl FnOnce(&mut SlotArray)) {
        if let Some(Segment { numbers, .. }) = self.segments.get_mut(index) {
            let before = numbers.slot_count();
            change(numbers);
            self.slot_count = self.slot_count + numbers.slot_count() - before;
        }
    }

    /// Memory held.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.slot_count * size_of::<Slot>()
            + self.segments.capacity() * size_of::<Segment>()
            + self.directory.capacity() * size_of::<u32>()
    }
}
