//! What every state store promises, whatever holds it.
//!
//! A store is one transaction: the loaded version plus this batch's changes, which only this transaction sees until
//! it commits. Reading and changing rows is synchronous and in memory; loading and committing are asynchronous.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;
use crate::id::{StateStoreId, StateStoreVersion};
use crate::metrics::StateStoreMetrics;

/// Takes one row: its key and its value.
pub type RowVisitor<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<()>;

/// Where a store found a row: what [`StateStore::get_batch`] gives and [`StateStore::put_batch`] takes, in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowHandle(pub(crate) u32);

/// What a store must know beyond its id.
///
/// It does not shape the files, only what is built in memory beside the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateStoreSpec {
    /// Where the time stands by which rows expire; `None`: [`StateStore::expire`] is an error.
    pub expiry: Option<ExpiryIndex>,
    /// How many leading key columns [`StateStore::prefix_scan`] goes by; 0: it is an error.
    pub prefix_columns: u32,
    /// How many columns a key has. Only needed with `prefix_columns`.
    pub key_columns: u32,
    /// Which of the prefix columns (from 0) keep their bytes in the row's variable part: strings, binary, decimals of
    /// more than 18 digits, calendar intervals, structs, arrays, maps. The bytes of a row alone do not tell.
    pub prefix_variable_columns: Vec<u32>,
}

/// Where a row holds the time by which it expires, in microseconds: read straight from the UnsafeRow bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryIndex {
    /// In the key.
    Key(TimeField),
    /// In the value.
    Value(TimeField),
}

/// A column of eight bytes that holds a time. A null time, or one in a null struct, never expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeField {
    /// The column, from 0.
    pub column: u32,
    /// How many columns the row has.
    pub column_count: u32,
    /// A field of a struct column, from 0, and how many fields the struct has: `window.end` is field 1 of 2.
    pub nested: Option<(u32, u32)>,
}

/// One transaction: the loaded version plus this batch's changes. Dropped without [`commit`](Self::commit) it is
/// aborted, and the committed version stays in memory as it was.
#[async_trait]
pub trait StateStore: Send + Debug {
    /// Which store this is.
    fn id(&self) -> &StateStoreId;

    /// The version that was loaded.
    fn version(&self) -> StateStoreVersion;

    /// The value of a key.
    fn get(&self, key: &[u8]) -> Option<&[u8]>;

    /// Hands out the value of each of `keys` that exists, with the key's position and where the row is; in order. Cheaper
    /// than one by one.
    fn get_batch<'k>(
        &self,
        keys: &mut dyn Iterator<Item = &'k [u8]>,
        each: &mut dyn FnMut(usize, RowHandle, &[u8]),
    );

    /// Sets the value of a key. Fails only when a row or the store is too large for the format or the memory layout,
    /// or when a row does not hold the time the store was told of.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Sets the values of keys, in order; a key that occurs twice keeps the last. Cheaper than one by one, and more so with
    /// the handles of rows that this transaction has found.
    fn put_batch<'r>(
        &mut self,
        rows: &mut dyn Iterator<Item = (Option<RowHandle>, &'r [u8], &'r [u8])>,
    ) -> Result<()>;

    /// Removes a key; whether it existed.
    fn remove(&mut self, key: &[u8]) -> bool;

    /// Every row whose key begins with the columns of `prefix`, which is a row of the first
    /// [`prefix_columns`](StateStoreSpec::prefix_columns) columns alone; in no particular order.
    fn prefix_scan(&self, prefix: &[u8], each: RowVisitor<'_>) -> Result<()>;

    /// Every row, in no particular order.
    fn for_each(&self, each: RowVisitor<'_>) -> Result<()>;

    /// Removes every row whose time is at or before `at_or_before_micros`, earliest first, and hands each out before
    /// it goes; rows of this transaction included. The cost grows with the rows removed, not with the rows held.
    /// When `each` fails, that row and the later ones stay.
    fn expire(&mut self, at_or_before_micros: i64, each: RowVisitor<'_>) -> Result<()>;

    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the next version durably, also when nothing changed, and makes it the loaded one. When that fails the
    /// transaction is aborted; the next version is then to be written anew from the loaded one.
    async fn commit(self: Box<Self>) -> Result<StateStoreMetrics>;

    /// Forgets the changes.
    fn abort(self: Box<Self>);
}
