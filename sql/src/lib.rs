//! Streaming plans over DataFusion, and Spark's SQL dialect.
//!
//! This crate plans: it does no I/O while planning and names no source and no sink.

mod aggregate;
mod analyze;
pub mod dialect;
mod error;
mod event_time;
mod functions;
mod incremental;
mod logical;
mod operators;
mod output_mode;
mod query_planner;
pub mod record;
mod relation;
mod streaming_plan;
mod streaming_view;
#[cfg(test)]
mod test_streams;

pub use analyze::mark_statement_repeats;
pub use error::{Result, SqlError};
pub use event_time::{
    EventTimeCollector, EventTimeStats, MultipleWatermarkPolicy, TIME_WINDOW_KEY, WATERMARK_DELAY_KEY,
    WatermarkTracker, delay_ms_of, delay_ms_of_interval, is_time_window, parse_delay_ms, with_watermark,
};
pub use functions::{window, window_time, window_with};
pub use incremental::{BatchContext, BatchInputs, IncrementalExecution, MicroBatchPlan, StateLayout};
pub use logical::StreamingDeduplicate;
pub use operators::EventTimeWatermarkExec;
pub use operators::{
    BatchState, MonotonicClock, StateCommit, StatefulOperator, stateful_operators, stateful_roots,
};
pub use output_mode::OutputMode;
pub use query_planner::StreamingQueryPlanner;
pub use relation::{SourceId, StreamDefinition, StreamableTable, StreamingRelation};
pub use streaming_plan::StreamingPlan;
pub use streaming_view::StreamingView;
