//! Every path of a checkpoint is formed here.

/// The folder of a checkpoint; its paths are relative to the root.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckpointLocation;

impl CheckpointLocation {
    /// The query id.
    pub const METADATA: &str = "metadata";
    /// The offset log.
    pub const OFFSETS: &str = "offsets";
    /// The commit log.
    pub const COMMITS: &str = "commits";
    /// The sources' own logs.
    pub const SOURCES: &str = "sources";
    /// The state stores.
    pub const STATE: &str = "state";

    /// The folders that hold a query's files, and whether each is a log that names batches.
    pub(crate) const FOLDERS: [(&str, bool); 4] = [
        (Self::OFFSETS, true),
        (Self::COMMITS, true),
        (Self::SOURCES, false),
        (Self::STATE, false),
    ];

    /// The folder of one source: by ordinal, or by name where it has one.
    pub fn source(id: &str) -> String {
        format!("{}/{id}", Self::SOURCES)
    }
}
