//! How much a source may add to one batch.

/// How much a source may add to one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadLimit {
    /// Everything there is.
    #[default]
    AllAvailable,
    /// At most so many files.
    MaxFiles(u64),
    /// Files of at most so many bytes together, but at least one.
    MaxBytes(u64),
    /// At most so many rows.
    MaxRows(u64),
}
