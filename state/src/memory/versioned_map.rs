//! The rows of one store, and the changes of the one transaction that may be open on them.
//!
//! Changes are made in place and noted in the journal, so a transaction costs what it touches: a value of the same
//! size is overwritten (and the old one saved), any other goes to a new entry; a removed row is only marked.
//! [`settle`](VersionedMap::settle) makes the changes the committed version, [`roll_back`](VersionedMap::roll_back)
//! undoes them; either then moves the rows out of chunks that became mostly garbage, which costs no more than what
//! was freed.

use std::fmt;

use super::BLOCK_ROWS;
use super::arena::{Address, Arena, Entry, Flags};
use super::index::{IndexEntry, Indexes};
use super::journal::{Before, Journal};
use super::key::{hash, is_same};
use super::slots::{KeptHash, Slot};
use super::table::KeyTable;
use crate::error::{Result, StateError};
use crate::store::{RowHandle, RowVisitor, StateStoreSpec};

/// Takes the keys that a transaction changed, with their values now, or `None` for one that is gone.
pub(crate) type ChangeVisitor<'a> = &'a mut dyn FnMut(&[u8], Option<&[u8]>) -> Result<()>;

/// A key's hash and the entry that the table has for it.
#[derive(Clone, Copy, Default)]
struct Located {
    hash: u64,
    address: Option<Address>,
}

/// A map from keys to values with one open transaction.
#[derive(Default)]
pub(crate) struct VersionedMap {
    arena: Arena,
    table: KeyTable,
    indexes: Indexes,
    journal: Journal,
    len: usize,
}

impl fmt::Debug for VersionedMap {
    /// Not the rows: there may be millions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionedMap")
            .field("len", &self.len)
            .field("touched", &self.touched_len())
            .finish_non_exhaustive()
    }
}

impl VersionedMap {
    /// An empty map with the indexes that `spec` asks for.
    pub(crate) fn new(spec: &StateStoreSpec) -> Self {
        Self {
            indexes: Indexes::new(spec),
            ..Self::default()
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.value_at(self.find(hash(key), key)?)
    }

    /// The value of each key that exists, with the key's position and where it is.
    pub(crate) fn get_batch<'k>(
        &self,
        keys: &mut dyn Iterator<Item = &'k [u8]>,
        each: &mut dyn FnMut(usize, RowHandle, &[u8]),
    ) {
        let mut block = Vec::with_capacity(BLOCK_ROWS);
        let mut first = 0;
        loop {
            block.clear();
            block.extend((&mut *keys).take(BLOCK_ROWS).map(|key| (None, key)));
            if block.is_empty() {
                return;
            }
            for (place, located) in self.locate(&block).into_iter().take(block.len()).enumerate() {
                if let Some(address) = located.address
                    && let Some(value) = self.value_at(address)
                {
                    each(first + place, RowHandle(address.number()), value);
                }
            }
            first += block.len();
        }
    }

    fn value_at(&self, address: Address) -> Option<&[u8]> {
        let entry = self.arena.entry(address);
        entry.flags.is_live().then_some(entry.value)
    }

    /// Every row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Entry<'_>> {
        self.arena.live().map(|(_, entry)| entry)
    }

    /// Every row whose key begins with the columns of `prefix`.
    pub(crate) fn prefix_scan(&self, prefix: &[u8], each: RowVisitor<'_>) -> Result<()> {
        let Some(columns) = self.indexes.prefix() else {
            return Err(StateError::NoIndex {
                what: "a key's prefix",
            });
        };
        let wanted = columns.of_prefix(prefix)?;
        for address in self.indexes.with_prefix_hash(hash(&wanted)) {
            let entry = self.arena.entry(address);
            if columns.of_key(entry.key)? == wanted {
                each(entry.key, entry.value)?;
            }
        }
        Ok(())
    }

    /// Sets the values of keys, in order. A handle of this transaction saves the search.
    pub(crate) fn put_batch<'r>(
        &mut self,
        rows: &mut dyn Iterator<Item = (Option<RowHandle>, &'r [u8], &'r [u8])>,
    ) -> Result<()> {
        self.journal.reserve(rows.size_hint().0);
        let (mut keys, mut values) = (Vec::with_capacity(BLOCK_ROWS), Vec::with_capacity(BLOCK_ROWS));
        loop {
            keys.clear();
            values.clear();
            for (handle, key, value) in (&mut *rows).take(BLOCK_ROWS) {
                keys.push((handle, key));
                values.push(value);
            }
            if keys.is_empty() {
                return Ok(());
            }
            let located = self.locate(&keys);
            for (((_, key), value), located) in keys.iter().zip(&values).zip(located) {
                // A row before it may have added the key, or moved its entry.
                let known = located
                    .address
                    .filter(|address| !self.arena.entry(*address).flags.any(Flags::MOVED));
                let address = known.or_else(|| self.find(located.hash, key));
                self.put_at(located.hash, address, key, value)?;
            }
        }
    }

    /// Sets the value of a key.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let hash = hash(key);
        self.put_at(hash, self.find(hash, key), key, value)
    }

    fn put_at(&mut self, hash: u64, address: Option<Address>, key: &[u8], value: &[u8]) -> Result<()> {
        let index_entry = self.indexes.entry(key, value)?;
        match address {
            None => {
                let address = self.arena.insert(key, value, Flags::TOUCHED)?;
                self.table.insert(hash, address.number());
                self.indexes.add(address, index_entry);
                self.journal.touch(address, Before::Absent);
                self.len += 1;
            }
            Some(address) => self.update(hash, address, key, value, index_entry)?,
        }
        self.journal.puts += 1;
        Ok(())
    }

    fn update(
        &mut self,
        hash: u64,
        address: Address,
        key: &[u8],
        value: &[u8],
        index_entry: IndexEntry,
    ) -> Result<()> {
        let entry = self.arena.entry(address);
        let is_touched = entry.flags.any(Flags::TOUCHED);
        let is_live = entry.flags.is_live();
        if is_live && entry.key.len() + entry.value.len() == key.len() + value.len() {
            if self.indexes.depends_on_value() {
                let before = self.indexes.entry(entry.key, entry.value)?;
                if before != index_entry {
                    self.indexes.remove(address, before);
                    self.indexes.add(address, index_entry);
                }
            }
            if !is_touched {
                self.journal.save(address, entry.value);
                self.arena.set_flags(address, Flags::TOUCHED);
            }
            self.arena.overwrite(address, value);
            return Ok(());
        }
        let before = is_live
            .then(|| self.indexes.entry(entry.key, entry.value))
            .transpose()?;
        let newer = self.arena.insert(key, value, Flags::TOUCHED)?;
        match before {
            Some(before) => self.indexes.remove(address, before),
            None => self.len += 1,
        }
        self.indexes.add(newer, index_entry);
        self.table.replace(hash, address.number(), newer.number());
        if !is_touched {
            self.journal.touch(address, Before::Kept);
        }
        self.journal.moved(address, newer);
        self.arena.set_flags(address, Flags::TOUCHED.and(Flags::MOVED));
        Ok(())
    }

    /// Removes a key; whether it existed.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        match self.find(hash(key), key) {
            Some(address) if self.arena.entry(address).flags.is_live() => {
                self.remove_at(address);
                true
            }
            _ => false,
        }
    }

    fn remove_at(&mut self, address: Address) {
        let entry = self.arena.entry(address);
        // A row in the map has been indexed, so it has the shape that an index needs.
        let index_entry = self.indexes.entry(entry.key, entry.value).unwrap_or_default();
        if !entry.flags.any(Flags::TOUCHED) {
            self.journal.touch(address, Before::Kept);
        }
        self.indexes.remove(address, index_entry);
        self.arena.set_flags(address, Flags::TOUCHED.and(Flags::REMOVED));
        self.len -= 1;
        self.journal.removes += 1;
    }

    /// Removes the rows whose time is at or before a time, and hands each out before it goes.
    pub(crate) fn expire(&mut self, at_or_before_micros: i64, each: RowVisitor<'_>) -> Result<()> {
        if !self.indexes.has_times() {
            return Err(StateError::NoIndex { what: "time" });
        }
        while let Some(address) = self.indexes.earliest(at_or_before_micros) {
            let entry = self.arena.entry(address);
            each(entry.key, entry.value)?;
            self.remove_at(address);
        }
        Ok(())
    }

    /// How many keys the transaction touched.
    pub(crate) fn touched_len(&self) -> usize {
        self.journal.touched().len()
    }

    /// How many puts and removes there were.
    pub(crate) fn operations(&self) -> (u64, u64) {
        (self.journal.puts, self.journal.removes)
    }

    /// Hands out what the transaction changed: every touched key once, with its value now, or `None` when it is gone. The
    /// transaction takes no changes after it, and rows that did not move are settled on the way, while they are near.
    pub(crate) fn seal(&mut self, each: ChangeVisitor<'_>) -> Result<()> {
        let mut journal = std::mem::take(&mut self.journal);
        let handed_out = self.hand_out(&journal, each);
        journal.is_sealed = handed_out.is_ok();
        self.journal = journal;
        handed_out
    }

    fn hand_out(&mut self, journal: &Journal, each: ChangeVisitor<'_>) -> Result<()> {
        for block in journal.touched().chunks(BLOCK_ROWS) {
            self.arena.warm(block.iter().map(|touched| touched.address));
            for touched in block {
                let address = journal.newest(touched.address);
                let entry = self.arena.entry(address);
                match (entry.flags.is_live(), touched.before) {
                    (true, _) => {
                        each(entry.key, Some(entry.value))?;
                        self.arena.set_flags(address, Flags::default());
                    }
                    (false, Before::Absent) => {}
                    (false, Before::Kept | Before::Saved { .. }) => each(entry.key, None)?,
                }
            }
        }
        Ok(())
    }

    /// Makes the changes the committed version.
    pub(crate) fn settle(&mut self) {
        let journal = std::mem::take(&mut self.journal);
        if journal.is_sealed && journal.is_in_place() {
            return;
        }
        for touched in journal.touched() {
            let mut address = touched.address;
            while let Some(next) = journal.next(address) {
                self.arena.free(address);
                address = next;
            }
            if self.arena.entry(address).flags.is_live() {
                self.arena.set_flags(address, Flags::default());
            } else {
                self.forget(address);
            }
        }
        self.compact();
    }

    /// Undoes the changes.
    pub(crate) fn roll_back(&mut self) {
        let journal = std::mem::take(&mut self.journal);
        for touched in journal.touched() {
            let newest = journal.newest(touched.address);
            self.take_from_index(newest);
            if matches!(touched.before, Before::Absent) {
                let hash = self.hash_at(newest);
                self.table.remove(hash, newest.number());
                self.arena.free(touched.address);
            } else if newest != touched.address {
                let hash = self.hash_at(newest);
                self.table
                    .replace(hash, newest.number(), touched.address.number());
            }
            let mut address = touched.address;
            while let Some(next) = journal.next(address) {
                self.arena.free(next);
                address = next;
            }
            match touched.before {
                Before::Absent => continue,
                Before::Kept => {}
                Before::Saved { start, len } => {
                    self.arena.overwrite(touched.address, journal.saved(start, len));
                }
            }
            self.arena.set_flags(touched.address, Flags::default());
            self.add_to_index(touched.address);
        }
        self.compact();
    }

    /// Sets the value of a key while loading: no transaction, no indexes.
    pub(crate) fn load_put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let hash = hash(key);
        let Some(address) = self.find(hash, key) else {
            let address = self.arena.insert(key, value, Flags::default())?;
            self.table.insert(hash, address.number());
            self.len += 1;
            return Ok(());
        };
        if !self.arena.overwrite(address, value) {
            let newer = self.arena.insert(key, value, Flags::default())?;
            self.table.replace(hash, address.number(), newer.number());
            self.arena.free(address);
        }
        Ok(())
    }

    /// Removes a key while loading.
    pub(crate) fn load_remove(&mut self, key: &[u8]) {
        if let Some(address) = self.find(hash(key), key) {
            self.forget(address);
            self.len -= 1;
        }
    }

    /// Builds the indexes when everything is loaded.
    pub(crate) fn finish_load(&mut self) -> Result<()> {
        self.compact();
        let rows = self.arena.live();
        self.indexes
            .rebuild(rows.map(|(address, entry)| (address, entry.key, entry.value)))
    }

    /// Memory held.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.arena.allocated_bytes() + self.table.allocated_bytes() + self.indexes.allocated_bytes()
    }

    /// What the rows that are not garbage take.
    pub(crate) fn live_bytes(&self) -> usize {
        self.arena.live_bytes() + self.table.allocated_bytes() + self.indexes.allocated_bytes()
    }

    /// Moves the live rows out of chunks that are mostly garbage. Not while a transaction is open: its journal names
    /// entries.
    fn compact(&mut self) {
        let mut scratch = Vec::new();
        while let Some(chunk) = self.arena.next_crowded() {
            let mut offset = 0;
            while let Some((address, entry, next)) = self.arena.next_in_chunk(chunk, offset) {
                offset = next;
                if !entry.flags.is_live() {
                    continue;
                }
                let index_entry = self.indexes.entry(entry.key, entry.value).unwrap_or_default();
                let hash = hash(entry.key);
                // Without room the rest stays where it is, which is only a waste of memory.
                let Ok(newer) = self.arena.copy(address, &mut scratch) else {
                    break;
                };
                self.table.replace(hash, address.number(), newer.number());
                self.indexes.remove(address, index_entry);
                self.indexes.add(newer, index_entry);
                self.arena.free(address);
            }
            self.arena.release(chunk);
        }
    }

    /// Finds a block of keys, at most [`BLOCK_ROWS`], some of which were found before.
    ///
    /// Each loop asks memory for places that do not depend on one another, so that the processor waits for many at a
    /// time: key by key it would wait for the table, then for the entry, then for the next key's table.
    fn locate(&self, keys: &[(Option<RowHandle>, &[u8])]) -> [Located; BLOCK_ROWS] {
        let mut block = [Located::default(); BLOCK_ROWS];
        let mut homes = [Slot::EMPTY; BLOCK_ROWS];
        for (located, (handle, key)) in block.iter_mut().zip(keys) {
            located.hash = hash(key);
            located.address = handle.map(|handle| Address::of_number(handle.0));
        }
        for (home, located) in homes.iter_mut().zip(&block).take(keys.len()) {
            if located.address.is_none() {
                *home = self.table.home_of(located.hash);
            }
        }
        for (located, home) in block.iter_mut().zip(homes).take(keys.len()) {
            if located.address.is_none() {
                let near = home.number(KeptHash::of(located.hash)).map(Address::of_number);
                let any = || self.table.find(located.hash, |_| true).map(Address::of_number);
                located.address = near.or_else(any);
            }
        }
        self.arena
            .warm(block.iter().filter_map(|located| located.address));
        for (located, (_, key)) in block.iter_mut().zip(keys) {
            if let Some(address) = located.address
                && !is_same(self.arena.entry(address).key, key)
            {
                located.address = self.find(located.hash, key);
            }
        }
        block
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<Address> {
        let arena = &self.arena;
        let found = self.table.find(hash, |number| {
            is_same(arena.entry(Address::of_number(number)).key, key)
        });
        found.map(Address::of_number)
    }

    fn hash_at(&self, address: Address) -> u64 {
        hash(self.arena.entry(address).key)
    }

    /// Takes an entry out of the table and makes it garbage.
    fn forget(&mut self, address: Address) {
        self.table.remove(self.hash_at(address), address.number());
        self.arena.free(address);
    }

    /// Takes a row out of the indexes and the count, if it is there.
    fn take_from_index(&mut self, address: Address) {
        let entry = self.arena.entry(address);
        if entry.flags.is_live() {
            let index_entry = self.indexes.entry(entry.key, entry.value).unwrap_or_default();
            self.indexes.remove(address, index_entry);
            self.len -= 1;
        }
    }

    fn add_to_index(&mut self, address: Address) {
        let entry = self.arena.entry(address);
        let index_entry = self.indexes.entry(entry.key, entry.value).unwrap_or_default();
        self.indexes.add(address, index_entry);
        self.len += 1;
    }
}
