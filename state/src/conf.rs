//! The settings of a checkpoint's state stores.

use std::fmt;

/// How state files are compressed: `spark.sql.streaming.stateStore.compression.codec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompressionCodec {
    /// Blocks of lz4.
    #[default]
    Lz4,
    /// One zstd frame.
    Zstd,
    /// A snappy stream.
    Snappy,
    /// Chunks of lzf.
    Lzf,
}

impl CompressionCodec {
    /// The codec of this name, without regard to case; `None` for any other.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Lz4, Self::Zstd, Self::Snappy, Self::Lzf]
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The name, as Spark writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Lzf => "lzf",
        }
    }
}

impl fmt::Display for CompressionCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The settings of a checkpoint's state stores, each under Spark's name in its docstring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateStoreConf {
    /// `spark.sql.streaming.stateStore.compression.codec`, pinned by the checkpoint.
    pub compression: CompressionCodec,
    /// `spark.sql.streaming.stateStore.rowChecksum.enabled`, pinned by the checkpoint.
    pub row_checksum: bool,
    /// `spark.sql.streaming.stateStore.minDeltasForSnapshot`: more deltas than this since the last snapshot make one due.
    pub min_deltas_for_snapshot: u64,
    /// `spark.sql.streaming.minBatchesToRetain`: how many versions behind the newest stay loadable.
    pub min_versions_to_retain: u64,
}

impl Default for StateStoreConf {
    /// Spark's defaults.
    fn default() -> Self {
        Self {
            compression: CompressionCodec::default(),
            row_checksum: false,
            min_deltas_for_snapshot: 10,
            min_versions_to_retain: 100,
        }
    }
}
