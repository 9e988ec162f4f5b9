//! What one batch did, with the JSON keys of Spark 4.3's StreamingQueryProgress.
//!
//! Numbers are written without exponent and rates with one decimal; a rate that is not finite, an empty map and an
//! unknown event time are left out, as Spark leaves them out.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use tidemill_checkpoint::Offset;
use uuid::Uuid;

/// What one batch did, or that there was none (`batch_id` is then the next one's).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StreamingQueryProgress {
    /// The query's id, the same in every run.
    pub id: Uuid,
    /// The id of this run.
    pub run_id: Uuid,
    /// The query's name.
    pub name: Option<String>,
    /// When the trigger fired: ISO 8601 in UTC with milliseconds.
    pub timestamp: String,
    /// The batch.
    pub batch_id: u64,
    /// How long the whole trigger took, in milliseconds.
    pub batch_duration: u64,
    /// How long each phase took, in milliseconds: `latestOffset`, `walCommit`, `getBatch`, `queryPlanning`,
    /// `addBatch`, `commitOffsets`, `triggerExecution`.
    pub duration_ms: BTreeMap<&'static str, u64>,
    /// Event times seen, and the watermark; empty without one.
    pub event_time: EventTimeProgress,
    /// The stateful operators, from the output side.
    pub state_operators: Vec<StateOperatorProgress>,
    /// The sources.
    pub sources: Vec<SourceProgress>,
    /// The sink.
    pub sink: SinkProgressReport,
}

/// Event times of a batch, as ISO 8601 in UTC with milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventTimeProgress {
    /// The mean.
    pub avg: Option<String>,
    /// The newest.
    pub max: Option<String>,
    /// The oldest.
    pub min: Option<String>,
    /// The watermark that was in force.
    pub watermark: Option<String>,
}

/// What one stateful operator did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateOperatorProgress {
    /// Spark's name of the operator.
    pub operator_name: String,
    /// Keys that its state holds.
    pub num_rows_total: u64,
    /// Keys written.
    pub num_rows_updated: u64,
    /// Time spent on rows, summed over tasks, in milliseconds.
    pub all_updates_time_ms: u64,
    /// Keys removed.
    pub num_rows_removed: u64,
    /// Time spent on removing, summed over tasks, in milliseconds.
    pub all_removals_time_ms: u64,
    /// Time spent on committing, summed over stores, in milliseconds.
    pub commit_time_ms: u64,
    /// Memory that the state takes, in bytes.
    pub memory_used_bytes: u64,
    /// Rows that came behind the watermark; of an aggregation, groups.
    pub num_rows_dropped_by_watermark: u64,
    /// State partitions.
    pub num_shuffle_partitions: u64,
    /// Stores.
    pub num_state_store_instances: u64,
    /// Figures of the operator's and the provider's own; -1 for a snapshot that there is not yet.
    pub custom_metrics: BTreeMap<String, i64>,
}

impl StateOperatorProgress {
    fn json(&self) -> String {
        let mut out = JsonObject::new();
        out.text("operatorName", Some(&self.operator_name));
        for (key, value) in [
            ("numRowsTotal", self.num_rows_total),
            ("numRowsUpdated", self.num_rows_updated),
            ("allUpdatesTimeMs", self.all_updates_time_ms),
            ("numRowsRemoved", self.num_rows_removed),
            ("allRemovalsTimeMs", self.all_removals_time_ms),
            ("commitTimeMs", self.commit_time_ms),
            ("memoryUsedBytes", self.memory_used_bytes),
            ("numRowsDroppedByWatermark", self.num_rows_dropped_by_watermark),
            ("numShufflePartitions", self.num_shuffle_partitions),
            ("numStateStoreInstances", self.num_state_store_instances),
        ] {
            out.raw(key, &value.to_string());
        }
        if !self.custom_metrics.is_empty() {
            let mut metrics = JsonObject::new();
            for (key, value) in &self.custom_metrics {
                metrics.raw(key, &value.to_string());
            }
            out.raw("customMetrics", &metrics.end());
        }
        out.end()
    }
}

/// What one source brought.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SourceProgress {
    /// As Spark describes the source.
    pub description: String,
    /// Where the batch began; none when it began at the beginning.
    pub start_offset: Option<Offset>,
    /// Where it ended.
    pub end_offset: Option<Offset>,
    /// The newest offset there is, where the source reports it.
    pub latest_offset: Option<Offset>,
    /// Rows read.
    pub num_input_rows: u64,
    /// Rows read per second between the starts of this trigger and the one before.
    pub input_rows_per_second: f64,
    /// Rows read per second of the batch's duration.
    pub processed_rows_per_second: f64,
    /// Figures of the source's own.
    pub metrics: BTreeMap<String, String>,
}

/// What the sink took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkProgressReport {
    /// As Spark describes the sink.
    pub description: String,
    /// Rows written; -1 where Spark's sink does not count them.
    pub num_output_rows: i64,
}

impl StreamingQueryProgress {
    /// Rows read from all sources.
    pub fn num_input_rows(&self) -> u64 {
        self.sources.iter().map(|s| s.num_input_rows).sum()
    }

    /// Rows read per second between the starts of this trigger and the one before, over all sources.
    pub fn input_rows_per_second(&self) -> f64 {
        self.sources.iter().map(|s| s.input_rows_per_second).sum()
    }

    /// Rows read per second of the batch's duration, over all sources.
    pub fn processed_rows_per_second(&self) -> f64 {
        self.sources.iter().map(|s| s.processed_rows_per_second).sum()
    }

    /// One line of JSON with Spark's keys.
    pub fn json(&self) -> String {
        let mut out = JsonObject::new();
        out.text("id", Some(&self.id.to_string()));
        out.text("runId", Some(&self.run_id.to_string()));
        out.text("name", self.name.as_deref());
        out.text("timestamp", Some(&self.timestamp));
        out.raw("batchId", &self.batch_id.to_string());
        out.raw("batchDuration", &self.batch_duration.to_string());
        out.raw("numInputRows", &self.num_input_rows().to_string());
        out.rate("inputRowsPerSecond", self.input_rows_per_second());
        out.rate("processedRowsPerSecond", self.processed_rows_per_second());
        if !self.duration_ms.is_empty() {
            let mut durations = JsonObject::new();
            for (name, ms) in &self.duration_ms {
                durations.raw(name, &ms.to_string());
            }
            out.raw("durationMs", &durations.end());
        }
        if let Some(event_time) = self.event_time.json() {
            out.raw("eventTime", &event_time);
        }
        let operators: Vec<_> = self
            .state_operators
            .iter()
            .map(StateOperatorProgress::json)
            .collect();
        out.raw("stateOperators", &format!("[{}]", operators.join(",")));
        let sources: Vec<_> = self.sources.iter().map(SourceProgress::json).collect();
        out.raw("sources", &format!("[{}]", sources.join(",")));
        out.raw("sink", &self.sink.json());
        out.end()
    }
}

impl fmt::Display for StreamingQueryProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json())
    }
}

impl EventTimeProgress {
    fn json(&self) -> Option<String> {
        let mut out = JsonObject::new();
        let all = [
            ("avg", &self.avg),
            ("max", &self.max),
            ("min", &self.min),
            ("watermark", &self.watermark),
        ];
        for (key, value) in all {
            if let Some(value) = value {
                out.text(key, Some(value));
            }
        }
        (!out.is_empty()).then(|| out.end())
    }
}

impl SourceProgress {
    fn json(&self) -> String {
        let mut out = JsonObject::new();
        out.text("description", Some(&self.description));
        out.raw("startOffset", &offset_json(self.start_offset.as_ref()));
        out.raw("endOffset", &offset_json(self.end_offset.as_ref()));
        out.raw("latestOffset", &offset_json(self.latest_offset.as_ref()));
        out.raw("numInputRows", &self.num_input_rows.to_string());
        out.rate("inputRowsPerSecond", self.input_rows_per_second);
        out.rate("processedRowsPerSecond", self.processed_rows_per_second);
        if !self.metrics.is_empty() {
            let mut metrics = JsonObject::new();
            for (key, value) in &self.metrics {
                metrics.text(key, Some(value));
            }
            out.raw("metrics", &metrics.end());
        }
        out.end()
    }
}

impl SinkProgressReport {
    fn json(&self) -> String {
        let mut out = JsonObject::new();
        out.text("description", Some(&self.description));
        out.raw("numOutputRows", &self.num_output_rows.to_string());
        out.end()
    }
}

/// An offset's own JSON; its text as a string when it is not JSON.
fn offset_json(offset: Option<&Offset>) -> String {
    let Some(offset) = offset else {
        return "null".to_owned();
    };
    match serde_json::from_str::<serde::de::IgnoredAny>(offset.json()) {
        Ok(_) => offset.json().to_owned(),
        Err(_) => quoted(offset.json()),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A JSON object under way: serde_json would write large rates with an exponent.
struct JsonObject {
    text: String,
}

impl JsonObject {
    fn new() -> Self {
        Self { text: "{".to_owned() }
    }

    fn is_empty(&self) -> bool {
        self.text.len() == 1
    }

    fn raw(&mut self, key: &str, value: &str) {
        let comma = if self.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{comma}{}:{value}", quoted(key));
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        self.raw(key, &value.map_or_else(|| "null".to_owned(), quoted));
    }

    fn rate(&mut self, key: &str, value: f64) {
        if value.is_finite() {
            self.raw(key, &format!("{value:.1}"));
        }
    }

    fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> StreamingQueryProgress {
        StreamingQueryProgress {
            id: Uuid::from_u128(1),
            run_id: Uuid::from_u128(2),
            name: None,
            timestamp: "2024-01-01T00:00:00.000Z".to_owned(),
            batch_id: 3,
            batch_duration: 7,
            duration_ms: BTreeMap::from([("addBatch", 4), ("triggerExecution", 7)]),
            event_time: EventTimeProgress::default(),
            state_operators: Vec::new(),
            sources: vec![SourceProgress {
                description: "FileStreamSource[file:/in]".to_owned(),
                start_offset: None,
                end_offset: Some(Offset::new(r#"{"logOffset":0}"#)),
                latest_offset: None,
                num_input_rows: 30_000_000_000,
                input_rows_per_second: f64::INFINITY,
                processed_rows_per_second: 3e20,
                metrics: BTreeMap::new(),
            }],
            sink: SinkProgressReport {
                description: "noop".to_owned(),
                num_output_rows: -1,
            },
        }
    }

    #[test]
    fn the_json_has_sparks_keys_in_sparks_order() {
        let json: serde_json::Map<_, _> = serde_json::from_str(&progress().json()).unwrap();
        let keys: Vec<_> = json.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "id",
                "runId",
                "name",
                "timestamp",
                "batchId",
                "batchDuration",
                "numInputRows",
                "processedRowsPerSecond",
                "durationMs",
                "stateOperators",
                "sources",
                "sink"
            ]
        );
        assert_eq!(json["sources"][0]["endOffset"]["logOffset"], 0);
        assert!(json["sources"][0]["startOffset"].is_null());
    }

    #[test]
    fn rates_have_no_exponent_and_infinite_ones_are_left_out() {
        let json = progress().json();
        assert!(
            json.contains(r#""processedRowsPerSecond":300000000000000000000.0"#),
            "{json}"
        );
        assert!(!json.contains("inputRowsPerSecond\":inf"), "{json}");
        assert!(!json.contains(r#""inputRowsPerSecond""#), "{json}");
    }
}
