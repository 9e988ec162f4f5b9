//! The marks of event time in a field's metadata, under Spark's keys.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, TimeUnit};

/// Marks the event-time column of a watermark; the value is the delay in ms as decimal text.
pub const WATERMARK_DELAY_KEY: &str = "spark.watermarkDelayMs";

/// Marks a window column; the value is `true`.
pub const TIME_WINDOW_KEY: &str = "spark.timeWindow";

/// The delay (ms) of the watermark on this column; `None` for a column without one.
///
/// A cast may carry the mark on to a value that is no time any more: only a timestamp or a struct that ends in one counts.
pub fn delay_ms_of(field: &Field) -> Option<i64> {
    if !is_event_time_type(field.data_type()) {
        return None;
    }
    field.metadata().get(WATERMARK_DELAY_KEY)?.parse().ok()
}

/// Whether this column holds windows made by `window(…)`.
pub fn is_time_window(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Struct(_))
        && field
            .metadata()
            .get(TIME_WINDOW_KEY)
            .is_some_and(|mark| mark == "true")
}

/// Whether Spark lets a watermark stand on this type: TIMESTAMP, or a struct whose field `end` is one.
pub(crate) fn is_event_time_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => true,
        DataType::Struct(fields) => fields
            .iter()
            .find(|field| field.name() == "end")
            .is_some_and(|field| {
                matches!(
                    field.data_type(),
                    DataType::Timestamp(TimeUnit::Microsecond, Some(_))
                )
            }),
        _ => false,
    }
}

/// The metadata of a column that becomes event time with this delay.
pub(crate) fn with_delay(metadata: &HashMap<String, String>, delay_ms: i64) -> HashMap<String, String> {
    let mut metadata = metadata.clone();
    metadata.insert(WATERMARK_DELAY_KEY.to_owned(), delay_ms.to_string());
    metadata
}

/// The metadata of a window over a time with this metadata.
pub(crate) fn window_metadata(time: &HashMap<String, String>) -> HashMap<String, String> {
    let mut metadata = time.clone();
    metadata.insert(TIME_WINDOW_KEY.to_owned(), "true".to_owned());
    metadata
}

/// The metadata of the time of a window with this metadata.
pub(crate) fn without_window(window: &HashMap<String, String>) -> HashMap<String, String> {
    let mut metadata = window.clone();
    metadata.remove(TIME_WINDOW_KEY);
    metadata
}
