//! Streaming plans over DataFusion, and Spark's SQL dialect.
//!
//! This crate plans: it does no I/O while planning and names no source and no sink.

#[expect(dead_code, reason = "the aggregation operator is its caller")]
mod aggregate;
mod analyze;
pub mod dialect;
mod error;
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
pub use incremental::{BatchContext, BatchInputs, IncrementalExecution, MicroBatchPlan, StateLayout};
pub use logical::StreamingDeduplicate;
pub use operators::{BatchState, MonotonicClock, StateCommit, StatefulOperator, stateful_operators};
pub use output_mode::OutputMode;
pub use query_planner::StreamingQueryPlanner;
pub use relation::{SourceId, StreamDefinition, StreamableTable, StreamingRelation};
pub use streaming_plan::StreamingPlan;
pub use streaming_view::StreamingView;
