//! The file of one batch in the commit log, versions 1 to 3.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::CommitLogVersion;
use crate::metadata_log::version::{json, split_version, text, to_json};
use crate::{CheckpointError, Result};

/// The newest version known.
const MAX_VERSION: u32 = 3;

/// The content of a commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct CommitMetadata {
    /// Watermark after the batch, ms since the epoch.
    pub next_batch_watermark_ms: i64,
    /// Version 2: operator id → partition → store → unique id of the state files of version N+1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_unique_ids: Option<IndexMap<String, Vec<Vec<String>>>>,
    /// Version 3: sink name → sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink_metadata_map: Option<IndexMap<String, SinkMetadata>>,
}

/// A sink in a commit of version 3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkMetadata {
    /// The name given to the sink.
    pub sink_name: String,
    /// `-` for sinks without offsets.
    pub commit_offset: String,
    /// The class name of the sink in Spark.
    pub provider_name: String,
    /// `DSv1` or `DSv2`.
    pub api_version: String,
    /// Whether the query writes to it.
    pub is_active: bool,
}

impl CommitMetadata {
    /// The commit of a batch.
    pub fn new(next_batch_watermark_ms: i64) -> Self {
        Self {
            next_batch_watermark_ms,
            ..Self::default()
        }
    }

    /// The same commit with the unique ids of its state files (version 2).
    #[must_use]
    pub fn with_state_unique_ids(mut self, ids: IndexMap<String, Vec<Vec<String>>>) -> Self {
        self.state_unique_ids = Some(ids);
        self
    }

    /// The same commit with its sinks (version 3).
    #[must_use]
    pub fn with_sinks(mut self, sinks: IndexMap<String, SinkMetadata>) -> Self {
        self.sink_metadata_map = Some(sinks);
        self
    }

    /// Reads a file of the commit log; `path` is for messages. A missing second line is an empty object.
    pub fn parse(path: &str, content: &[u8]) -> Result<(CommitLogVersion, Self)> {
        let text = text(path, content, "a version line and a JSON object")?;
        let (version, body) = split_version(path, text, MAX_VERSION)?;
        let version = match version {
            1 => CommitLogVersion::V1,
            2 => CommitLogVersion::V2,
            _ => CommitLogVersion::V3,
        };
        let entry = match body.and_then(|body| body.lines().next()) {
            None | Some("") => Self::default(),
            Some(line) => json(path, line, "a JSON object with nextBatchWatermarkMs")?,
        };
        Ok((version, entry))
    }

    /// The file of this commit, without a newline at its end; `path` is for messages.
    pub fn encode(&self, path: &str, version: CommitLogVersion) -> Result<String> {
        let not_in = |number, what: &str| CheckpointError::NotInVersion {
            path: path.to_owned(),
            version: number,
            what: what.to_owned(),
        };
        let has_ids = self.state_unique_ids.as_ref().is_some_and(|ids| !ids.is_empty());
        let has_sinks = self
            .sink_metadata_map
            .as_ref()
            .is_some_and(|sinks| !sinks.is_empty());
        let mut entry = self.clone();
        let line = match version {
            CommitLogVersion::V1 if has_ids => return Err(not_in(1, "the unique ids of state files")),
            CommitLogVersion::V1 if has_sinks => return Err(not_in(1, "named sinks")),
            CommitLogVersion::V2 if has_sinks => return Err(not_in(2, "named sinks")),
            CommitLogVersion::V1 => {
                entry.state_unique_ids = None;
                entry.sink_metadata_map = None;
                "v1\n"
            }
            CommitLogVersion::V2 => {
                entry.state_unique_ids.get_or_insert_default();
                entry.sink_metadata_map = None;
                "v2\n"
            }
            CommitLogVersion::V3 => {
                entry.sink_metadata_map.get_or_insert_default();
                "v3\n"
            }
        };
        Ok(format!("{line}{}", to_json(path, &entry)?))
    }
}
