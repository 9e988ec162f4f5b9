//! The operators of a streaming plan, one `*Exec` a file.
//!
//! A stateful operator takes its stores and leaves its commits in the [`BatchState`] of the task's context. Which state
//! partition a row belongs to is a column of its own (`state_partition`), Spark's hash of the key; DataFusion's shuffle
//! only carries rows to the task that owns their state partition. A task owns state partitions whether rows come or not:
//! every store commits a version in every batch.

mod aggregate_buffers;
mod batch_limit;
mod batch_state;
mod deduplicate;
mod event_time_column;
mod event_time_watermark;
mod global_limit;
mod group_table;
mod normalize_key;
mod open_stores;
mod row_slices;
mod state_info;
mod state_partition;
mod state_store_save;
mod stateful_operator;

pub(crate) use batch_limit::BatchLimitExec;
pub use batch_state::{BatchState, MonotonicClock, StateCommit};
pub(crate) use deduplicate::StreamingDeduplicateExec;
pub(crate) use event_time_column::EventTimeColumn;
pub use event_time_watermark::EventTimeWatermarkExec;
pub(crate) use event_time_watermark::EventTimeWatermarkPlanner;
pub(crate) use global_limit::StreamingGlobalLimitExec;
pub(crate) use normalize_key::NormalizeKeyExpr;
pub(crate) use row_slices::RowSlicesExec;
pub(crate) use state_info::StateInfo;
pub(crate) use state_partition::with_state_partition;
pub(crate) use state_store_save::{StateStoreSaveExec, stored_key};
pub use stateful_operator::{StatefulOperator, stateful_operators, stateful_roots};
