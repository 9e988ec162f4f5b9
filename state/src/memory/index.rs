//! What finds rows by other things than their whole key: their time, and the first columns of their key.
//!
//! Both are ordered sets of (what to look for, address), kept only when the store's spec asks for them and rebuilt
//! from the rows on load; nothing of them is on disk. The prefix index holds a hash of the prefix columns' contents, and
//! a scan compares the contents themselves.

use std::collections::BTreeSet;

use super::arena::Address;
use super::key::hash;
use super::row_reader::RowReader;
use crate::error::{Result, StateError};
use crate::store::{ExpiryIndex, StateStoreSpec, TimeField};

/// The indexes of one store.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    expiry: Option<ExpiryIndex>,
    by_time: BTreeSet<(i64, Address)>,
    prefix: Option<Prefix>,
    by_prefix: BTreeSet<(u64, Address)>,
}

impl Indexes {
    /// What `spec` asks for, empty.
    pub(crate) fn new(spec: &StateStoreSpec) -> Self {
        Self {
            expiry: spec.expiry,
            prefix: (spec.prefix_columns > 0).then(|| Prefix::new(spec)),
            ..Self::default()
        }
    }

    /// Rebuilds everything from the rows, in one go.
    pub(crate) fn rebuild<'a>(
        &mut self,
        rows: impl Iterator<Item = (Address, &'a [u8], &'a [u8])>,
    ) -> Result<()> {
        self.by_time.clear();
        self.by_prefix.clear();
        if self.expiry.is_none() && self.prefix.is_none() {
            return Ok(());
        }
        let mut times = Vec::new();
        let mut prefixes = Vec::new();
        for (address, key, value) in rows {
            let entry = self.entry(key, value)?;
            times.extend(entry.time.map(|time| (time, address)));
            prefixes.extend(entry.prefix.map(|prefix| (prefix, address)));
        }
        self.by_time = times.into_iter().collect();
        self.by_prefix = prefixes.into_iter().collect();
        Ok(())
    }

    /// Where a row belongs; an error when the row is not of the shape the spec gives.
    pub(crate) fn entry(&self, key: &[u8], value: &[u8]) -> Result<IndexEntry> {
        let time = match &self.expiry {
            None => None,
            Some(ExpiryIndex::Key(field)) => time(key, field)?,
            Some(ExpiryIndex::Value(field)) => time(value, field)?,
        };
        let prefix = match &self.prefix {
            None => None,
            Some(prefix) => Some(prefix.hash_of_key(key)?),
        };
        Ok(IndexEntry { time, prefix })
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, address: Address, entry: IndexEntry) {
        if let Some(time) = entry.time {
            self.by_time.insert((time, address));
        }
        if let Some(prefix) = entry.prefix {
            self.by_prefix.insert((prefix, address));
        }
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, address: Address, entry: IndexEntry) {
        if let Some(time) = entry.time {
            self.by_time.remove(&(time, address));
        }
        if let Some(prefix) = entry.prefix {
            self.by_prefix.remove(&(prefix, address));
        }
    }

    /// Whether a change of value alone can move a row.
    pub(crate) fn depends_on_value(&self) -> bool {
        matches!(self.expiry, Some(ExpiryIndex::Value(_)))
    }

    /// Whether rows can be found by time.
    pub(crate) fn has_times(&self) -> bool {
        self.expiry.is_some()
    }

    /// The row with the earliest time, if that is at or before a time.
    pub(crate) fn earliest(&self, at_or_before_micros: i64) -> Option<Address> {
        let (time, address) = self.by_time.first()?;
        (*time <= at_or_before_micros).then_some(*address)
    }

    /// How rows are found by prefix.
    pub(crate) fn prefix(&self) -> Option<&Prefix> {
        self.prefix.as_ref()
    }

    /// The rows whose prefix has this hash.
    pub(crate) fn with_prefix_hash(&self, hash: u64) -> impl Iterator<Item = Address> {
        let from = self.by_prefix.range((hash, Address::FIRST)..);
        from.take_while(move |(found, _)| *found == hash)
            .map(|(_, address)| *address)
    }

    /// Memory held, by the usual filling of the sets' nodes.
    pub(crate) fn allocated_bytes(&self) -> usize {
        (self.by_time.len() + self.by_prefix.len()) * BYTES_PER_INDEX_ENTRY
    }
}

/// Sixteen bytes in leaves that are two thirds full, as insertion in random order leaves them.
const BYTES_PER_INDEX_ENTRY: usize = 24;

/// Where a row belongs in the indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    time: Option<i64>,
    prefix: Option<u64>,
}

/// The time a row expires by; `None` when it is null.
fn time(row: &[u8], field: &TimeField) -> Result<Option<i64>> {
    read_time(row, field).ok_or_else(|| StateError::RowWithoutIndexColumns {
        row_bytes: row.len(),
        expected: format!(
            "{} columns, with a time in column {}{}",
            field.column_count,
            field.column,
            match field.nested {
                Some((field, count)) => format!(" (field {field} of {count})"),
                None => String::new(),
            }
        ),
    })
}

fn read_time(row: &[u8], field: &TimeField) -> Option<Option<i64>> {
    let mut row = RowReader::new(row, field.column_count)?;
    let mut column = field.column;
    if row.is_null(column)? {
        return Some(None);
    }
    if let Some((nested, count)) = field.nested {
        row = RowReader::new(row.variable(column)?, count)?;
        column = nested;
        if row.is_null(column)? {
            return Some(None);
        }
    }
    Some(Some(i64::from_le_bytes(row.slot(column)?)))
}

/// The leading key columns that rows are found by.
///
/// A row of the prefix columns alone and a row of the whole key hold the same contents at other offsets, so what is
/// compared is neither row's bytes but the contents: for each column whether it is null, then its eight bytes, or
/// the size and the bytes of a variable one. Within a variable column offsets count from its own start.
#[derive(Debug)]
pub(crate) struct Prefix {
    columns: u32,
    key_columns: u32,
    variable: Vec<bool>,
}

impl Prefix {
    fn new(spec: &StateStoreSpec) -> Self {
        Self {
            columns: spec.prefix_columns,
            key_columns: spec.key_columns,
            variable: (0..spec.prefix_columns)
                .map(|column| spec.prefix_variable_columns.contains(&column))
                .collect(),
        }
    }

    /// The contents of the prefix columns of a key.
    pub(crate) fn of_key(&self, key: &[u8]) -> Result<Vec<u8>> {
        self.contents(key, self.key_columns)
    }

    /// The contents of a row of the prefix columns alone.
    pub(crate) fn of_prefix(&self, prefix: &[u8]) -> Result<Vec<u8>> {
        self.contents(prefix, self.columns)
    }

    fn hash_of_key(&self, key: &[u8]) -> Result<u64> {
        Ok(hash(&self.of_key(key)?))
    }

    fn contents(&self, row: &[u8], column_count: u32) -> Result<Vec<u8>> {
        self.read(row, column_count)
            .ok_or_else(|| StateError::RowWithoutIndexColumns {
                row_bytes: row.len(),
                expected: format!(
                    "{column_count} columns, to be found by the first {}",
                    self.columns
                ),
            })
    }

    fn read(&self, row: &[u8], column_count: u32) -> Option<Vec<u8>> {
        let mut contents = Vec::with_capacity(row.len());
        let row = RowReader::new(row, column_count)?;
        for (column, is_variable) in (0..self.columns).zip(&self.variable) {
            let is_null = row.is_null(column)?;
            contents.push(u8::from(is_null));
            match is_variable {
                _ if is_null => {}
                false => contents.extend_from_slice(&row.slot(column)?),
                true => {
                    let bytes = row.variable(column)?;
                    contents.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
                    contents.extend_from_slice(bytes);
                }
            }
        }
        Some(contents)
    }
}
