//! A running query as its user sees it: [`StreamingQuery`], and the queries of a session: [`StreamingQueryManager`].
//!
//! A query ends in one of three ways: its trigger is done, it was stopped, or it failed. A failed query keeps its
//! exception; its checkpoint is as the last written file left it, so that it goes on after the cause is mended.

mod manager;
mod shared;
mod status;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::physical_plan::displayable;
use uuid::Uuid;

use crate::clock::Clock;
use crate::progress::StreamingQueryProgress;
use crate::{Result, TidemillError};

pub use manager::StreamingQueryManager;
pub(crate) use shared::{Ending, QueryShared, StopRequest};
pub use status::StreamingQueryStatus;

/// Who a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryIdentity {
    /// Kept in the checkpoint: the same in every run.
    pub(crate) id: Uuid,
    /// This run's own.
    pub(crate) run_id: Uuid,
    pub(crate) name: Option<String>,
}

impl fmt::Display for QueryIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        write!(f, "[id = {}, runId = {}]", self.id, self.run_id)
    }
}

/// A started query. Clones are handles of the same run; dropping them all does not stop it.
#[derive(Clone)]
pub struct StreamingQuery {
    shared: Arc<QueryShared>,
    clock: Arc<dyn Clock>,
    stop_timeout: Duration,
}

impl StreamingQuery {
    pub(crate) fn new(shared: Arc<QueryShared>, clock: Arc<dyn Clock>, stop_timeout: Duration) -> Self {
        Self {
            shared,
            clock,
            stop_timeout,
        }
    }

    /// The query's id, kept in the checkpoint: the same in every run.
    pub fn id(&self) -> Uuid {
        self.shared.identity().id
    }

    /// The id of this run.
    pub fn run_id(&self) -> Uuid {
        self.shared.identity().run_id
    }

    /// The query's name.
    pub fn name(&self) -> Option<&str> {
        self.shared.identity().name.as_deref()
    }

    /// Whether the run goes on.
    pub fn is_active(&self) -> bool {
        self.shared.ending().is_none()
    }

    /// What it is doing now.
    pub fn status(&self) -> StreamingQueryStatus {
        self.shared.status()
    }

    /// The newest progress; none before the first.
    pub fn last_progress(&self) -> Option<Arc<StreamingQueryProgress>> {
        self.shared.reporter().last()
    }

    /// The last progresses, oldest first; at most `spark.sql.streaming.numRecentProgressUpdates`.
    pub fn recent_progress(&self) -> Vec<Arc<StreamingQueryProgress>> {
        self.shared.reporter().recent()
    }

    /// Why the run failed; none while it runs and when it ended in peace.
    pub fn exception(&self) -> Option<TidemillError> {
        match self.shared.ending() {
            Some(Ending::Failed(error)) => Some(error),
            Some(Ending::Finished | Ending::Stopped) | None => None,
        }
    }

    /// The physical plan of the last batch.
    pub fn explain(&self) -> String {
        match self.shared.last_plan() {
            Some(plan) => format!(
                "== Physical Plan ==\n{}",
                displayable(plan.as_ref()).indent(false)
            ),
            None => "No physical plan. Waiting for data.".to_owned(),
        }
    }

    /// Resolves when all data that were there at the call are processed: for tests.
    ///
    /// # Errors
    /// The query's exception when it fails meanwhile.
    pub async fn process_all_available(&self) -> Result<()> {
        self.shared.wait_until_idle().await;
        self.exception().map_or(Ok(()), Err)
    }

    /// Resolves when the run is over, or after `timeout` on the session's clock; gives whether it is over.
    ///
    /// # Errors
    /// The query's exception.
    pub async fn await_termination(&self, timeout: Option<Duration>) -> Result<bool> {
        let over = within(&self.clock, timeout, self.shared.wait_for_end()).await;
        self.exception().map_or(Ok(over), Err)
    }

    /// Stops the run and resolves when it is over. The running batch may finish and commit; after
    /// `spark.sql.streaming.stopTimeout` (0: for ever) it is aborted, and replayed at the next start.
    ///
    /// Stopping a run that is over does nothing.
    ///
    /// # Errors
    /// None today; a failure of the last batch shows in [`exception`](Self::exception).
    pub async fn stop(&self) -> Result<()> {
        self.shared.request_stop(StopRequest::Finish);
        let limit = (!self.stop_timeout.is_zero()).then_some(self.stop_timeout);
        if !within(&self.clock, limit, self.shared.wait_for_end()).await {
            log::warn!(
                "query {} did not stop within {} ms: its running batch is aborted and replayed at the next start",
                self.shared.identity(),
                self.stop_timeout.as_millis()
            );
            self.shared.request_stop(StopRequest::Abort);
            self.shared.wait_for_end().await;
        }
        Ok(())
    }
}

impl fmt::Debug for StreamingQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingQuery")
            .field("identity", self.shared.identity())
            .field("active", &self.is_active())
            .finish_non_exhaustive()
    }
}

/// Whether `event` came within `timeout`; without one it is waited for.
async fn within(clock: &Arc<dyn Clock>, timeout: Option<Duration>, event: impl Future<Output = ()>) -> bool {
    let Some(timeout) = timeout else {
        event.await;
        return true;
    };
    tokio::select! {
        biased;
        () = event => true,
        () = clock.sleep(timeout) => false,
    }
}
