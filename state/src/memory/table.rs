//! Finds an entry's address by its key's hash, at a cost that does not grow with what is held.
//!
//! A hash table that doubles would stop one batch for as long as all keys take to move. This one is extendible: small
//! tables of at most [`SEGMENT_KEYS`], and a directory from hash bits to tables. A full table splits in two, and only
//! its own keys move. The directory, four bytes for thousands of keys, doubles now and then.
//!
//! A small table is an array of slots, searched from a key's home onwards. A slot holds half of the hash beside the
//! address, so that a lookup reads no other key's entry and a split none at all; and a key is found by one look into
//! memory, which a caller with many keys can ask for ahead ([`KeyTable::slot_of`]).

use super::arena::Address;

/// Keys in one table: three quarters of 8192 slots.
const SEGMENT_KEYS: usize = 6144;
/// Slots of the smallest table that holds anything.
const MIN_SLOTS: usize = 8;
/// No more hash bits than this choose the table, so that keys with one hash cannot split for ever.
const MAX_DEPTH: u32 = 22;

/// An address with half of its key's hash, which is never 0 there; or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot(u64);

impl Slot {
    const EMPTY: Self = Self(0);

    fn new(hash: KeptHash, address: Address) -> Self {
        Self(u64::from(hash.0) << 32 | u64::from(address.number()))
    }

    fn hash(self) -> KeptHash {
        KeptHash(high_half(self.0))
    }

    /// The address, if the slot has this hash: most likely that of the key with the hash.
    pub(crate) fn address(self, hash: u64) -> Option<Address> {
        (self.hash() == KeptHash::of(hash)).then(|| self.any_address())
    }

    fn any_address(self) -> Address {
        Address::of_number(high_half(self.0 << 32))
    }
}

fn high_half(number: u64) -> u32 {
    // The shift leaves 32 bits.
    u32::try_from(number >> 32).unwrap_or_default()
}

/// What the table keeps of a key's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeptHash(u32);

impl KeptHash {
    fn of(hash: u64) -> Self {
        Self(high_half(hash) | 1 << 31)
    }

    /// The bits that choose the table: the low ones.
    fn directory_bits(self) -> usize {
        self.0 as usize
    }

    /// The slot, of a power of two of them, where the search begins: by all bits.
    fn home(self, slots: usize) -> usize {
        let spread = u64::from(self.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        high_half(spread) as usize >> (u32::BITS - slots.trailing_zeros().clamp(1, u32::BITS))
    }
}

#[derive(Debug, Default)]
struct Segment {
    /// None, or a power of two, at least a quarter of them empty.
    slots: Vec<Slot>,
    len: usize,
    /// How many hash bits its keys have in common.
    depth: u32,
}

impl Segment {
    fn with_slots(slots: usize, depth: u32) -> Self {
        Self {
            slots: vec![Slot::EMPTY; slots],
            len: 0,
            depth,
        }
    }

    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    fn slot(&self, place: usize) -> Slot {
        self.slots.get(place).copied().unwrap_or(Slot::EMPTY)
    }

    fn set(&mut self, place: usize, slot: Slot) {
        if let Some(old) = self.slots.get_mut(place) {
            *old = slot;
        }
    }

    /// Where the slot is that has the hash and `is_it`.
    fn place(&self, hash: KeptHash, mut is_it: impl FnMut(Address) -> bool) -> Option<usize> {
        let mut place = hash.home(self.slots.len());
        loop {
            let slot = self.slot(place);
            if slot == Slot::EMPTY {
                return None;
            }
            if slot.hash() == hash && is_it(slot.any_address()) {
                return Some(place);
            }
            place = (place + 1) & self.mask();
        }
    }

    fn insert(&mut self, slot: Slot) {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.resize((self.slots.len() * 2).max(MIN_SLOTS));
        }
        let mut place = slot.hash().home(self.slots.len());
        while self.slot(place) != Slot::EMPTY {
            place = (place + 1) & self.mask();
        }
        self.set(place, slot);
        self.len += 1;
    }

    /// Empties a slot, and closes the gap for those whose search would stop there.
    fn remove(&mut self, place: usize) {
        let mask = self.mask();
        let (mut gap, mut next) = (place, place);
        loop {
            next = (next + 1) & mask;
            let slot = self.slot(next);
            if slot == Slot::EMPTY {
                break;
            }
            let home = slot.hash().home(self.slots.len());
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(gap) & mask {
                self.set(gap, slot);
                gap = next;
            }
        }
        self.set(gap, Slot::EMPTY);
        self.len -= 1;
    }

    fn resize(&mut self, slots: usize) {
        let old = std::mem::replace(self, Self::with_slots(slots, self.depth));
        for slot in old.slots.into_iter().filter(|slot| *slot != Slot::EMPTY) {
            self.insert(slot);
        }
    }
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
        hash.directory_bits() & (self.directory.len() - 1)
    }

    fn segment_index(&self, hash: KeptHash) -> usize {
        self.directory
            .get(self.directory_slot(hash))
            .copied()
            .unwrap_or_default() as usize
    }

    /// The slot where the search for a hash begins: often the one that is looked for.
    pub(crate) fn slot_of(&self, hash: u64) -> Slot {
        let hash = KeptHash::of(hash);
        let segment = self.segments.get(self.segment_index(hash));
        segment.map_or(Slot::EMPTY, |segment| {
            segment.slot(hash.home(segment.slots.len()))
        })
    }

    /// The address with this hash that `is_it`.
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(Address) -> bool) -> Option<Address> {
        let hash = KeptHash::of(hash);
        let segment = self.segments.get(self.segment_index(hash))?;
        let place = segment.place(hash, is_it)?;
        Some(segment.slot(place).any_address())
    }

    /// Adds an address that is not there.
    pub(crate) fn insert(&mut self, hash: u64, address: Address) {
        let hash = KeptHash::of(hash);
        let mut index = self.segment_index(hash);
        while let Some(segment) = self.segments.get(index)
            && segment.len >= SEGMENT_KEYS
            && segment.depth < MAX_DEPTH
        {
            self.split(hash, index);
            index = self.segment_index(hash);
        }
        if let Some(segment) = self.segments.get_mut(index) {
            let before = segment.slots.len();
            segment.insert(Slot::new(hash, address));
            self.slot_count += segment.slots.len() - before;
        }
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
        let slots = segment.slots.len();
        let old = std::mem::replace(segment, Segment::with_slots(slots, depth + 1));
        let mut new = Segment::with_slots(slots, depth + 1);
        for slot in old.slots.into_iter().filter(|slot| *slot != Slot::EMPTY) {
            match slot.hash().directory_bits() >> depth & 1 {
                0 => segment.insert(slot),
                _ => new.insert(slot),
            }
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
        let index = self.segment_index(hash);
        if let Some(segment) = self.segments.get_mut(index)
            && let Some(place) = segment.place(hash, |address| address == old)
        {
            segment.set(place, Slot::new(hash, new));
        }
    }

    /// Removes an address. A table that is left nearly empty gives back its memory.
    pub(crate) fn remove(&mut self, hash: u64, address: Address) {
        let hash = KeptHash::of(hash);
        let index = self.segment_index(hash);
        let Some(segment) = self.segments.get_mut(index) else {
            return;
        };
        if let Some(place) = segment.place(hash, |found| found == address) {
            segment.remove(place);
            let slots = segment.slots.len();
            if segment.len * 8 < slots && slots > MIN_SLOTS {
                segment.resize(slots / 4);
                self.slot_count -= slots - segment.slots.len();
            }
        }
    }

    /// Memory held.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.slot_count * size_of::<Slot>()
            + self.segments.capacity() * size_of::<Segment>()
            + self.directory.capacity() * size_of::<u32>()
    }
}
