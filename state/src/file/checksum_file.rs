//! Spark's own checksum files, `<file>.crc`: written beside the files of a provider with checkpoint ids.
//!
//! One JSON object on one line. The HDFS-backed provider never writes them; they are not Hadoop's hidden `.<file>.crc`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidemill_checkpoint::{CheckpointError, parse_json};

use crate::Result;

/// The only algorithm there is.
const ALGORITHM: &str = "CRC32C";
const EXPECTED: &str = "a JSON object with algorithm, value, mainFileSize, timestampMs and creator";

/// What a checksum file says about its main file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChecksumFile {
    algorithm: String,
    /// The CRC-32C, as Java's signed int.
    value: i32,
    /// The size of the main file in bytes.
    main_file_size: u64,
    /// When the file was written, milliseconds since the epoch.
    timestamp_ms: i64,
    creator: Creator,
}

/// Who wrote the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creator {
    executor_id: String,
    task_info: String,
}

impl ChecksumFile {
    /// The checksum of `content`, written at `timestamp_ms`.
    pub(crate) fn of(content: &[u8], timestamp_ms: i64, executor_id: &str, task_info: &str) -> Self {
        Self {
            algorithm: ALGORITHM.to_owned(),
            value: crc32c::crc32c(content).cast_signed(),
            main_file_size: u64::try_from(content.len()).unwrap_or(u64::MAX),
            timestamp_ms,
            creator: Creator {
                executor_id: executor_id.to_owned(),
                task_info: task_info.to_owned(),
            },
        }
    }

    /// The path of the checksum file of `path`.
    pub(crate) fn path_of(path: &str) -> String {
        format!("{path}.crc")
    }

    /// Reads a checksum file; `path` is for messages.
    pub(crate) fn parse(path: &str, content: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(content).map_err(|error| CheckpointError::NotUtf8 {
            path: path.to_owned(),
            position_bytes: u64::try_from(error.valid_up_to()).unwrap_or(u64::MAX),
        })?;
        let file: Self = parse_json(path, text, EXPECTED)?;
        if file.algorithm != ALGORITHM {
            return Err(CheckpointError::Malformed {
                path: path.to_owned(),
                expected: format!("algorithm {ALGORITHM}"),
                found: file.algorithm,
                reason: "an unknown algorithm".to_owned(),
            }
            .into());
        }
        Ok(file)
    }

    /// The bytes of the file.
    pub(crate) fn format(&self, path: &str) -> Result<Bytes> {
        let json = serde_json::to_vec(self).map_err(|error| CheckpointError::io("encode", path, error))?;
        Ok(json.into())
    }

    /// Compares the main file with its checksum; `path` is the main file's, for messages.
    pub(crate) fn verify(&self, path: &str, content: &[u8]) -> Result<()> {
        let found = Self::of(content, self.timestamp_ms, "", "");
        if (found.value, found.main_file_size) == (self.value, self.main_file_size) {
            return Ok(());
        }
        Err(CheckpointError::Malformed {
            path: path.to_owned(),
            expected: format!(
                "{} bytes with {ALGORITHM} {}, as {} says",
                self.main_file_size,
                self.value,
                Self::path_of(path)
            ),
            found: format!("{} bytes with {}", found.main_file_size, found.value),
            reason: "the checksum differs".to_owned(),
        }
        .into())
    }
}
