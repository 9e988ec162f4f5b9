//! Event time: which column carries it, how late rows may be, how far it has come.
//!
//! A watermark operator marks one column of its input as the event time, with the delay, in the field's metadata; the mark
//! travels with the column through projections and aliases, into `window(…)` and out of `window_time(…)`, under the keys that
//! Spark writes into the schema files of its state. Each batch collects [`EventTimeStats`] per operator, and the
//! [`WatermarkTracker`] makes the next batch's watermark of them.

mod collector;
mod delay;
mod metadata;
mod stats;
mod tracker;
mod watermark;

pub use collector::EventTimeCollector;
pub use delay::{delay_ms_of_interval, parse_delay_ms};
pub use metadata::{TIME_WINDOW_KEY, WATERMARK_DELAY_KEY, delay_ms_of, is_time_window};
pub(crate) use metadata::{is_event_time_type, window_metadata, with_delay, without_window};
pub use stats::EventTimeStats;
pub use tracker::{MultipleWatermarkPolicy, WatermarkTracker};
pub(crate) use watermark::watermark_of_path;
pub use watermark::with_watermark;
