//! An array of slots: a hash table of numbers whose keys stand elsewhere.
//!
//! A slot holds half of the hash beside the number, and a search goes on from a hash's home. Growing and removing read no
//! key, and a caller with many keys can ask memory for their homes ahead ([`SlotArray::home_of`]).

/// Slots of the smallest array that holds anything.
const MIN_SLOTS: usize = 8;

/// A number with half of its key's hash, which is never 0 there; or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot(u64);

impl Slot {
    pub(crate) const EMPTY: Self = Self(0);

    fn new(hash: KeptHash, number: u32) -> Self {
        Self(u64::from(hash.0) << 32 | u64::from(number))
    }

    /// The hash that the slot keeps.
    pub(crate) fn hash(self) -> KeptHash {
        KeptHash(high_half(self.0))
    }

    /// The number, if the slot has this hash: most likely that of the key with the hash.
    pub(crate) fn number(self, hash: KeptHash) -> Option<u32> {
        (self.hash() == hash).then(|| self.any_number())
    }

    fn any_number(self) -> u32 {
        high_half(self.0 << 32)
    }
}

fn high_half(number: u64) -> u32 {
    // The shift leaves 32 bits.
    u32::try_from(number >> 32).unwrap_or_default()
}

/// What a slot keeps of a key's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptHash(u32);

impl KeptHash {
    pub(crate) fn of(hash: u64) -> Self {
        Self(high_half(hash) | 1 << 31)
    }

    /// Its bits; the highest is always set.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// The slot, of a power of two of them, where the search begins: by all bits.
    fn home(self, slots: usize) -> usize {
        let spread = u64::from(self.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        high_half(spread) as usize >> (u32::BITS - slots.trailing_zeros().clamp(1, u32::BITS))
    }
}

/// Numbers by hash.
#[derive(Debug, Default)]
pub(crate) struct SlotArray {
    /// None, or a power of two, at least a quarter of them empty.
    slots: Vec<Slot>,
    len: usize,
}

impl SlotArray {
    fn with_slots(slots: usize) -> Self {
        Self {
            slots: vec![Slot::EMPTY; slots],
            len: 0,
        }
    }

    /// An empty array with room for so many numbers and some more.
    pub(crate) fn with_room(len: usize) -> Self {
        match len {
            0 => Self::default(),
            len => Self::with_slots((len * 5 / 3).next_power_of_two().max(MIN_SLOTS)),
        }
    }

    /// How many numbers there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many slots there are.
    pub(crate) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The slots that hold something.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().copied().filter(|slot| *slot != Slot::EMPTY)
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

    /// The slot where the search for a hash begins: often the one that is looked for.
    pub(crate) fn home_of(&self, hash: KeptHash) -> Slot {
        self.slot(hash.home(self.slots.len()))
    }

    /// The number with this hash that `is_it`.
    pub(crate) fn find(&self, hash: KeptHash, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        Some(self.slot(self.place(hash, is_it)?).any_number())
    }

    fn place(&self, hash: KeptHash, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
        let mut place = hash.home(self.slots.len());
        loop {
            let slot = self.slot(place);
            if slot == Slot::EMPTY {
                return None;
            }
            if slot.hash() == hash && is_it(slot.any_number()) {
                return Some(place);
            }
            place = (place + 1) & self.mask();
        }
    }

    /// Adds a number that is not there.
    pub(crate) fn insert(&mut self, hash: KeptHash, number: u32) {
        self.insert_slot(Slot::new(hash, number));
    }

    /// Adds what a slot of another array holds.
    pub(crate) fn insert_slot(&mut self, slot: Slot) {
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

    /// Puts another number in the place of one.
    pub(crate) fn replace(&mut self, hash: KeptHash, old: u32, new: u32) {
        if let Some(place) = self.place(hash, |number| number == old) {
            self.set(place, Slot::new(hash, new));
        }
    }

    /// Removes a number. An array that is left nearly empty gives back its memory.
    pub(crate) fn remove(&mut self, hash: KeptHash, number: u32) {
        let Some(place) = self.place(hash, |found| found == number) else {
            return;
        };
        self.empty(place);
        if self.len * 8 < self.slots.len() && self.slots.len() > MIN_SLOTS {
            self.resize(self.slots.len() / 4);
        }
    }

    /// Empties a slot, and closes the gap for those whose search would stop there.
    fn empty(&mut self, place: usize) {
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
        let old = std::mem::replace(self, Self::with_slots(slots));
        for slot in old.slots() {
            self.insert_slot(slot);
        }
    }
}
