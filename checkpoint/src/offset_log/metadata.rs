//! The metadata line of an offset log entry: watermark, clock and frozen confs of the batch.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The metadata line of an offset log entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct OffsetSeqMetadata {
    /// Event-time watermark in force for the batch, ms since the epoch; 0 = none yet.
    pub batch_watermark_ms: i64,
    /// The batch's clock, ms since the epoch: what `current_timestamp()` answers in every run of the batch.
    pub batch_timestamp_ms: i64,
    /// Confs frozen with the batch, in the order written.
    pub conf: IndexMap<String, String>,
    /// Keys that this crate gives no meaning, kept as they are: `sourceMetadataInfo`, `controlBatchInfo`, newer ones.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl OffsetSeqMetadata {
    const SOURCE_METADATA_INFO: &str = "sourceMetadataInfo";
    const CONTROL_BATCH_INFO: &str = "controlBatchInfo";

    /// The line of one batch.
    pub fn new(batch_watermark_ms: i64, batch_timestamp_ms: i64, conf: IndexMap<String, String>) -> Self {
        Self {
            batch_watermark_ms,
            batch_timestamp_ms,
            conf,
            extra: Map::new(),
        }
    }

    /// The operation of a control batch (one that changes the checkpoint and processes no data); none for others.
    pub fn control_operation(&self) -> Option<String> {
        let info = self
            .extra
            .get(Self::CONTROL_BATCH_INFO)
            .filter(|info| !info.is_null())?;
        Some(match info.get("operationType").and_then(Value::as_str) {
            Some(operation) => operation.to_owned(),
            None => info.to_string(),
        })
    }

    /// The same line with the key that version 2 always has.
    pub(super) fn for_version_2(&self) -> Self {
        let mut line = self.clone();
        line.extra
            .entry(Self::SOURCE_METADATA_INFO)
            .or_insert_with(|| Value::Object(Map::new()));
        line
    }
}
