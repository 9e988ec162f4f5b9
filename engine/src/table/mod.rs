//! Files as tables: what a path stands for, and how files of each format are scanned.
//!
//! A [`FileListing`] finds the files of a path; a [`FileTable`] scans a given list of files. The file source makes one
//! [`FileTable`] per batch, a [`BatchFileTable`] lists its path at every scan.

mod batch_table;
mod blocking_stream;
mod compression;
mod file_table;
mod format;
mod glob;
mod guard;
mod infer;
mod listing;
mod merge_schema;
mod modified;
mod orc;
mod parquet_types;
mod partition;
mod partition_type;
mod path_files;
mod record_source;
mod transcode;

#[cfg(test)]
mod tests;

use crate::{FileUri, Result};

pub(crate) use batch_table::BatchFileTable;
pub(crate) use file_table::{FileTable, TableLayout};
pub(crate) use format::{FileFormat, FileFormatKind};
pub(crate) use infer::{infer_schema, nullable};
pub(crate) use listing::{FileListing, Skip};
pub(crate) use modified::ModifiedRange;
pub(crate) use path_files::{PathFiles, present_files};

/// Whether a name matches one element of a path pattern.
pub(crate) fn matches_element(pattern: &str, name: &str) -> Result<bool> {
    Ok(glob::element(pattern)?.is_match(name))
}

/// One file with data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableFile {
    /// Its name.
    pub(crate) uri: FileUri,
    /// Its size in bytes.
    pub(crate) size_bytes: u64,
    /// When it was last changed, milliseconds since the epoch.
    pub(crate) modified_ms: i64,
}
