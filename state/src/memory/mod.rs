//! Rows in memory: what a loaded store is made of.
//!
//! [`VersionedMap`] holds one version and the changes of one open transaction. A batch costs what it touches, whatever is held: rows stand in chunks that never move ([`arena`]), are found through hash
//! tables that grow a few thousand keys at a time ([`table`]) and through ordered indexes where the operator wants
//! them ([`index`]), and a transaction is a journal of what it touched ([`journal`]).

mod arena;
mod index;
mod journal;
mod key;
mod row_reader;
mod row_set;
mod slots;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod versioned_map;

pub use row_set::RowSet;
pub(crate) use versioned_map::VersionedMap;

/// How many keys are looked up side by side: the processor waits for the memory of many at a time.
const BLOCK_ROWS: usize = 64;
