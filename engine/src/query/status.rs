//! What a query is doing, in Spark's words.

use serde::Serialize;

/// What a query is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StreamingQueryStatus {
    /// In words: `Initializing sources`, `Processing new data`, `Waiting for data to arrive`, `Stopped` …
    pub message: String,
    /// Whether the last look at the sources found new data.
    pub is_data_available: bool,
    /// Whether a trigger is at work.
    pub is_trigger_active: bool,
}

impl StreamingQueryStatus {
    pub(super) fn new(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            is_data_available: false,
            is_trigger_active: false,
        }
    }

    /// One line of JSON with Spark's keys.
    pub fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}
