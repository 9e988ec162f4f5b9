//! Rows in chunks of memory: a key with its value is one entry, found by its address.
//!
//! An entry is `[key length and flags: u32][value length: u32][key][value]`, padded to 8 bytes. An address counts in
//! units of 8 bytes and has 15 bits for the chunk, 17 for the place in it. Chunks never move and never grow beyond
//! their size (an entry larger than a chunk has one of its own), so that adding a row costs the same whatever is
//! held. A freed entry stays as garbage until its chunk is more than half garbage; then the chunk is on the list
//! that [`Arena::next_crowded`] hands out, and the caller moves what lives out of it.

use std::hint::black_box;

use crate::error::{Result, StateError};

/// What an address counts in.
const UNIT_BYTES: usize = 8;
/// Bits of an address for the place in a chunk.
const OFFSET_BITS: u32 = 17;
const OFFSET_MASK: u32 = (1 << OFFSET_BITS) - 1;
/// The size of a chunk.
const CHUNK_BYTES: usize = UNIT_BYTES << OFFSET_BITS;
/// How many chunks an address can name.
const MAX_CHUNKS: usize = 1 << (32 - OFFSET_BITS);
/// Chunks that only compaction may open, so that a full arena can still be compacted.
const RESERVED_CHUNKS: usize = 64;
/// The first chunk of a small arena begins with this and doubles.
const SMALL_CHUNK_BYTES: usize = 512;
const HEADER_BYTES: usize = 8;
const KEY_LENGTH_MASK: u32 = (1 << 28) - 1;
const MAX_KEY_BYTES: usize = (1 << 28) - 1;
/// Lengths are signed 32-bit numbers in state files, and a row checksum takes four more bytes.
const MAX_VALUE_BYTES: usize = (1 << 31) - 16;

/// Where an entry begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address(u32);

impl Address {
    /// None comes before it.
    pub(crate) const FIRST: Self = Self(0);

    fn new(chunk: usize, offset: usize) -> Option<Self> {
        let chunk = u32::try_from(chunk).ok()?;
        let units = u32::try_from(offset / UNIT_BYTES).ok()?;
        (units <= OFFSET_MASK).then_some(Self((chunk << OFFSET_BITS) | units))
    }

    /// The address as a number.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The address that has this number.
    pub(crate) fn of_number(number: u32) -> Self {
        Self(number)
    }

    fn chunk(self) -> usize {
        (self.0 >> OFFSET_BITS) as usize
    }

    fn offset(self) -> usize {
        (self.0 & OFFSET_MASK) as usize * UNIT_BYTES
    }
}

/// What is to be known of an entry besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u32);

impl Flags {
    /// Freed: garbage, and no longer in the table.
    const DEAD: Self = Self(1 << 31);
    /// Removed by the open transaction; still in the table.
    pub(crate) const REMOVED: Self = Self(1 << 30);
    /// The journal knows of it.
    pub(crate) const TOUCHED: Self = Self(1 << 29);
    /// The open transaction put the row elsewhere; this is what was there before.
    pub(crate) const MOVED: Self = Self(1 << 28);

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of `other` is set.
    pub(crate) fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the entry is a row of what the open transaction sees.
    pub(crate) fn is_live(self) -> bool {
        !self.any(Self(Self::DEAD.0 | Self::REMOVED.0 | Self::MOVED.0))
    }
}

/// One entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) flags: Flags,
}

#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    garbage_bytes: usize,
    /// Whether it is on the list of crowded ones.
    listed: bool,
}

impl Chunk {
    fn is_crowded(&self) -> bool {
        self.garbage_bytes * 2 > self.bytes.len()
    }
}

/// The entries of one store.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    chunks: Vec<Chunk>,
    /// The chunk that takes new entries.
    open: Option<usize>,
    /// Chunks without memory, to be used again.
    free: Vec<usize>,
    crowded: Vec<usize>,
    allocated_bytes: usize,
    used_bytes: usize,
    garbage_bytes: usize,
}

impl Arena {
    /// Adds an entry.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8], flags: Flags) -> Result<Address> {
        self.insert_within(key, value, flags, MAX_CHUNKS - RESERVED_CHUNKS)
    }

    /// Adds a copy of an entry, without its flags. Only compaction has the last chunks to itself.
    pub(crate) fn copy(&mut self, address: Address, scratch: &mut Vec<u8>) -> Result<Address> {
        let entry = self.entry(address);
        scratch.clear();
        scratch.extend_from_slice(entry.key);
        scratch.extend_from_slice(entry.value);
        let key_bytes = entry.key.len();
        let (key, value) = scratch.split_at_checked(key_bytes).unwrap_or_default();
        self.insert_within(key, value, Flags::default(), MAX_CHUNKS)
    }

    fn insert_within(
        &mut self,
        key: &[u8],
        value: &[u8],
        flags: Flags,
        max_chunks: usize,
    ) -> Result<Address> {
        let (Ok(key_length), Ok(value_length)) = (u32::try_from(key.len()), u32::try_from(value.len()))
        else {
            return Err(too_large(key, value));
        };
        if key.len() > MAX_KEY_BYTES || value.len() > MAX_VALUE_BYTES {
            return Err(too_large(key, value));
        }
        let extent = extent(key.len(), value.len());
        let full = StateError::StoreTooLarge {
            limit_bytes: MAX_CHUNKS * CHUNK_BYTES,
        };
        let Some(index) = self.room(extent, max_chunks) else {
            return Err(full);
        };
        let Some(chunk) = self.chunks.get_mut(index) else {
            return Err(full);
        };
        let start = chunk.bytes.len();
        let Some(address) = Address::new(index, start) else {
            return Err(full);
        };
        chunk
            .bytes
            .extend_from_slice(&(key_length | flags.0).to_le_bytes());
        chunk.bytes.extend_from_slice(&value_length.to_le_bytes());
        chunk.bytes.extend_from_slice(key);
        chunk.bytes.extend_from_slice(value);
        chunk.bytes.resize(start + extent, 0);
        self.used_bytes += extent;
        Ok(address)
    }

    /// The open chunk, with room for `extent` bytes more.
    fn room(&mut self, extent: usize, max_chunks: usize) -> Option<usize> {
        if let Some(index) = self.open
            && let Some(chunk) = self.chunks.get_mut(index)
        {
            let needed = chunk.bytes.len() + extent;
            if needed <= chunk.bytes.capacity() && chunk.bytes.len() < CHUNK_BYTES {
                return Some(index);
            }
            if needed <= CHUNK_BYTES {
                let before = chunk.bytes.capacity();
                let capacity = (before * 2).clamp(needed, CHUNK_BYTES);
                chunk.bytes.reserve_exact(capacity - chunk.bytes.len());
                self.allocated_bytes += chunk.bytes.capacity() - before;
                return Some(index);
            }
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.chunks.len() < max_chunks => {
                self.chunks.push(Chunk::default());
                self.chunks.len() - 1
            }
            None => return None,
        };
        let chunk = self.chunks.get_mut(index)?;
        let capacity = self.used_bytes.clamp(SMALL_CHUNK_BYTES, CHUNK_BYTES).max(extent);
        chunk.bytes.reserve_exact(capacity);
        self.allocated_bytes += chunk.bytes.capacity();
        self.open = Some(index);
        Some(index)
    }

    /// Reads the beginning of the entries at these addresses, so that they are near when their turn comes.
    ///
    /// One read does not wait for another, as it would between an entry's use and the next entry.
    pub(crate) fn warm(&self, addresses: impl Iterator<Item = Address>) {
        let mut sum = 0_u8;
        for address in addresses {
            let chunk = self.chunks.get(address.chunk());
            let byte = chunk.and_then(|chunk| chunk.bytes.get(address.offset()));
            sum ^= byte.copied().unwrap_or_default();
        }
        black_box(sum);
    }

    /// The entry at an address; an empty one where there is none.
    pub(crate) fn entry(&self, address: Address) -> Entry<'_> {
        let chunk = self.chunks.get(address.chunk());
        chunk
            .and_then(|chunk| read(&chunk.bytes, address.offset()))
            .unwrap_or_default()
    }

    /// Replaces the flags of an entry.
    pub(crate) fn set_flags(&mut self, address: Address, flags: Flags) {
        let header = self
            .chunks
            .get_mut(address.chunk())
            .and_then(|chunk| chunk.bytes.get_mut(address.offset()..)?.first_chunk_mut::<4>());
        if let Some(header) = header {
            *header = ((u32::from_le_bytes(*header) & KEY_LENGTH_MASK) | flags.0).to_le_bytes();
        }
    }

    /// Writes a value in place; `false`, and nothing done, when it does not take the room of the one before.
    pub(crate) fn overwrite(&mut self, address: Address, value: &[u8]) -> bool {
        let entry = self.entry(address);
        let key_bytes = entry.key.len();
        let room = extent(key_bytes, entry.value.len());
        if extent(key_bytes, value.len()) != room {
            return false;
        }
        let Ok(value_length) = u32::try_from(value.len()) else {
            return false;
        };
        let start = address.offset();
        let Some(bytes) = self
            .chunks
            .get_mut(address.chunk())
            .and_then(|chunk| chunk.bytes.get_mut(start..start + room))
        else {
            return false;
        };
        let Some((header, rest)) = bytes.split_at_mut_checked(HEADER_BYTES) else {
            return false;
        };
        if let Some(length) = header.last_chunk_mut::<4>() {
            *length = value_length.to_le_bytes();
        }
        let Some(place) = rest.get_mut(key_bytes..key_bytes + value.len()) else {
            return false;
        };
        place.copy_from_slice(value);
        true
    }

    /// Makes an entry garbage.
    pub(crate) fn free(&mut self, address: Address) {
        let entry = self.entry(address);
        if entry.flags.any(Flags::DEAD) {
            return;
        }
        let extent = extent(entry.key.len(), entry.value.len());
        self.set_flags(address, Flags::DEAD);
        let index = address.chunk();
        if let Some(chunk) = self.chunks.get_mut(index) {
            chunk.garbage_bytes += extent;
            self.garbage_bytes += extent;
            if chunk.is_crowded() && !chunk.listed {
                chunk.listed = true;
                self.crowded.push(index);
            }
        }
    }

    /// A chunk that is more than half garbage, closed to new entries, whose live entries are to be moved by
    /// [`copy`](Self::copy) and [`free`](Self::free) before [`release`](Self::release).
    pub(crate) fn next_crowded(&mut self) -> Option<usize> {
        while let Some(index) = self.crowded.pop() {
            let Some(chunk) = self.chunks.get_mut(index) else {
                continue;
            };
            chunk.listed = false;
            if chunk.is_crowded() {
                // Freeing the entries that move must not list it again.
                chunk.listed = true;
                if self.open == Some(index) {
                    self.open = None;
                }
                return Some(index);
            }
        }
        None
    }

    /// The entry of a chunk at or after a place, live or not, and the place after it.
    pub(crate) fn next_in_chunk(&self, index: usize, offset: usize) -> Option<(Address, Entry<'_>, usize)> {
        let chunk = self.chunks.get(index)?;
        if chunk.garbage_bytes == chunk.bytes.len() {
            return None;
        }
        let entry = read(&chunk.bytes, offset)?;
        let next = offset + extent(entry.key.len(), entry.value.len());
        Some((Address::new(index, offset)?, entry, next))
    }

    /// Gives back the memory of a chunk without live entries.
    pub(crate) fn release(&mut self, index: usize) {
        let Some(chunk) = self.chunks.get_mut(index) else {
            return;
        };
        if chunk.garbage_bytes < chunk.bytes.len() {
            chunk.listed = false;
            return;
        }
        let chunk = std::mem::take(chunk);
        self.allocated_bytes -= chunk.bytes.capacity();
        self.used_bytes -= chunk.bytes.len();
        self.garbage_bytes -= chunk.garbage_bytes;
        self.free.push(index);
    }

    /// Every live entry, chunk by chunk.
    pub(crate) fn live(&self) -> impl Iterator<Item = (Address, Entry<'_>)> {
        let chunks = self.chunks.iter().enumerate();
        chunks.flat_map(|(index, chunk)| {
            let mut offset = 0;
            std::iter::from_fn(move || {
                let entry = read(&chunk.bytes, offset)?;
                let address = Address::new(index, offset)?;
                offset += extent(entry.key.len(), entry.value.len());
                Some((address, entry))
            })
            .filter(|(_, entry)| entry.flags.is_live())
        })
    }

    /// Memory held.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.allocated_bytes + self.chunks.capacity() * size_of::<Chunk>()
    }

    /// What the entries that are not garbage take.
    pub(crate) fn live_bytes(&self) -> usize {
        self.used_bytes - self.garbage_bytes
    }
}

fn extent(key_bytes: usize, value_bytes: usize) -> usize {
    HEADER_BYTES + (key_bytes + value_bytes).next_multiple_of(UNIT_BYTES)
}

fn read(chunk: &[u8], offset: usize) -> Option<Entry<'_>> {
    let (header, rest) = chunk.get(offset..)?.split_first_chunk::<HEADER_BYTES>()?;
    let [k0, k1, k2, k3, v0, v1, v2, v3] = *header;
    let key_and_flags = u32::from_le_bytes([k0, k1, k2, k3]);
    let value_bytes = u32::from_le_bytes([v0, v1, v2, v3]) as usize;
    let (key, rest) = rest.split_at_checked((key_and_flags & KEY_LENGTH_MASK) as usize)?;
    Some(Entry {
        key,
        value: rest.get(..value_bytes)?,
        flags: Flags(key_and_flags & !KEY_LENGTH_MASK),
    })
}

fn too_large(key: &[u8], value: &[u8]) -> StateError {
    StateError::RowTooLarge {
        key_bytes: key.len(),
        value_bytes: value.len(),
        max_key_bytes: MAX_KEY_BYTES,
        max_value_bytes: MAX_VALUE_BYTES,
    }
}
