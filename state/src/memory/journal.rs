//! What one transaction touched: enough to write its delta and to undo it.
//!
//! Every touched key has one item, named by the entry it had when it was touched first (or the one it was added as). If
//! the row moved since, `moved` leads from entry to entry to where it is now.

use hashbrown::HashMap;

use super::arena::Address;

/// What a key had before the transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Before {
    /// Nothing: the transaction added it.
    Absent,
    /// The value that the entry still holds.
    Kept,
    /// A value that was overwritten; its bytes in the journal.
    Saved {
        /// Where they begin.
        start: usize,
        /// How many they are.
        len: u32,
    },
}

/// A touched key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched {
    pub(crate) address: Address,
    pub(crate) before: Before,
}

/// The journal of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    touched: Vec<Touched>,
    saved: Vec<u8>,
    moved: HashMap<Address, Address>,
    /// Whether the rows that are live have lost their mark of being touched.
    pub(crate) is_sealed: bool,
    /// How many puts there were.
    pub(crate) puts: u64,
    /// How many rows were removed.
    pub(crate) removes: u64,
}

impl Journal {
    /// Makes room for so many keys.
    pub(crate) fn reserve(&mut self, keys: usize) {
        self.touched.reserve(keys);
    }

    /// Notes a key that is touched for the first time.
    pub(crate) fn touch(&mut self, address: Address, before: Before) {
        debug_assert!(!self.is_sealed, "a change after the last");
        self.touched.push(Touched { address, before });
    }

    /// Notes an entry whose value is about to be overwritten, touched for the first time.
    pub(crate) fn save(&mut self, address: Address, value: &[u8]) {
        let before = Before::Saved {
            start: self.saved.len(),
            // A value's length is less than 2^31.
            len: u32::try_from(value.len()).unwrap_or_default(),
        };
        self.saved.extend_from_slice(value);
        self.touch(address, before);
    }

    /// Notes that a touched row has gone to another entry.
    pub(crate) fn moved(&mut self, from: Address, to: Address) {
        self.moved.insert(from, to);
    }

    /// The entry a touched row went to, if it moved.
    pub(crate) fn next(&self, address: Address) -> Option<Address> {
        self.moved.get(&address).copied()
    }

    /// Whether no row moved or went.
    pub(crate) fn is_in_place(&self) -> bool {
        self.moved.is_empty() && self.removes == 0
    }

    /// Where a touched row is now.
    pub(crate) fn newest(&self, address: Address) -> Address {
        let mut newest = address;
        while let Some(next) = self.next(newest) {
            newest = next;
        }
        newest
    }

    /// The value saved before it was overwritten.
    pub(crate) fn saved(&self, start: usize, len: u32) -> &[u8] {
        self.saved.get(start..start + len as usize).unwrap_or_default()
    }

    /// Every touched key once, in the order of the first touch.
    pub(crate) fn touched(&self) -> &[Touched] {
        &self.touched
    }
}
