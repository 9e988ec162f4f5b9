//! The files of the HDFS-backed provider: deltas and snapshots.
//!
//! A delta holds the changes of one version, a snapshot the whole content of one; both are the same stream of
//! records in the checkpoint's codec. [`ChangeWriter`] and [`read_changes`] are the stream, [`lineage`] and
//! [`deletable`] decide on listings which files make up a version and which are needed no more, [`fold_snapshot`]
//! makes a snapshot of older files. Nothing here holds a store's content.

mod change;
#[cfg_attr(not(test), expect(dead_code, reason = "for a provider with checkpoint ids"))]
mod checksum_file;
mod compression;
mod fold;
mod lineage;
mod name;
mod read;
mod retention;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use change::Change;
pub(crate) use fold::fold_snapshot;
pub(crate) use lineage::{Lineage, lineage, missing};
pub(crate) use name::{StoreFiles, delta_path, snapshot_path, store_folder};
pub(crate) use read::read_changes;
pub(crate) use retention::{deletable, snapshot_due};
pub(crate) use write::ChangeWriter;
