//! Events of queries, for those who watch them.

use std::sync::Arc;

use uuid::Uuid;

use super::StreamingQueryProgress;
use crate::TidemillError;

/// A query was started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryStartedEvent {
    /// The query's id, the same in every run.
    pub id: Uuid,
    /// The id of this run.
    pub run_id: Uuid,
    /// The query's name.
    pub name: Option<String>,
    /// When, as ISO 8601 in UTC with milliseconds.
    pub timestamp: String,
}

/// A batch is done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryProgressEvent {
    /// What it did.
    pub progress: Arc<StreamingQueryProgress>,
}

/// The query has had nothing to do for a while.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryIdleEvent {
    /// The query's id.
    pub id: Uuid,
    /// The id of this run.
    pub run_id: Uuid,
    /// When, as ISO 8601 in UTC with milliseconds.
    pub timestamp: String,
}

/// The run is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryTerminatedEvent {
    /// The query's id.
    pub id: Uuid,
    /// The id of this run.
    pub run_id: Uuid,
    /// Why it failed; none when it was stopped or came to its end.
    pub exception: Option<TidemillError>,
}

/// One who watches the queries of a session.
///
/// `on_query_started` runs before `start()` returns, on the starter's thread. The others run one after the other on
/// tokio's blocking pool, in order per query, and never hold a query up; a listener that is too slow loses the oldest
/// events. A panic of a listener is swallowed.
pub trait StreamingQueryListener: Send + Sync {
    /// A query was started.
    fn on_query_started(&self, _event: &QueryStartedEvent) {}
    /// A batch is done.
    fn on_query_progress(&self, _event: &QueryProgressEvent) {}
    /// Nothing to do for `spark.sql.streaming.noDataProgressEventInterval`.
    fn on_query_idle(&self, _event: &QueryIdleEvent) {}
    /// The run is over.
    fn on_query_terminated(&self, _event: &QueryTerminatedEvent) {}
}
