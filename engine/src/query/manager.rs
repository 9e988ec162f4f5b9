//! The queries of a session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::{QueryIdentity, StreamingQuery, within};
use crate::clock::Clock;
use crate::progress::{ListenerBus, StreamingQueryListener};
use crate::{ErrorKind, Result, TidemillError};

/// The queries of a session: which run, who watches them, when one ends.
///
/// Names are unique among the running queries; so are checkpoints: a second start on the same one stops the older
/// query (or is refused, when `spark.sql.streaming.stopActiveRunOnRestart` is false).
#[derive(Clone, Debug)]
pub struct StreamingQueryManager {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// One start at a time: names and checkpoints are checked and taken in one go.
    starting: tokio::sync::Mutex<()>,
    terminated: watch::Sender<bool>,
    bus: ListenerBus,
}

#[derive(Debug, Default)]
struct State {
    active: BTreeMap<Uuid, StreamingQuery>,
    /// The first failure since the last reset.
    failure: Option<TidemillError>,
}

impl StreamingQueryManager {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock,
                state: Mutex::default(),
                starting: tokio::sync::Mutex::default(),
                terminated: watch::Sender::default(),
                bus: ListenerBus::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The running queries.
    pub fn active(&self) -> Vec<StreamingQuery> {
        self.lock().active.values().cloned().collect()
    }

    /// The running query of this id.
    pub fn get(&self, id: Uuid) -> Option<StreamingQuery> {
        self.lock().active.get(&id).cloned()
    }

    /// Resolves when any query has ended since the start of the session or the last
    /// [`reset_terminated`](Self::reset_terminated), or after `timeout` on the session's clock; gives whether one has.
    ///
    /// # Errors
    /// The exception of the first that failed.
    pub async fn await_any_termination(&self, timeout: Option<Duration>) -> Result<bool> {
        let mut terminated = self.shared.terminated.subscribe();
        let any = async {
            // The sender lives in `self`.
            let _ = terminated.wait_for(|any| *any).await;
        };
        let any = within(&self.shared.clock, timeout, any).await;
        self.lock().failure.clone().map_or(Ok(any), Err)
    }

    /// Forgets which queries have ended.
    pub fn reset_terminated(&self) {
        let mut state = self.lock();
        state.failure = None;
        self.shared.terminated.send_replace(false);
    }

    /// Adds one who watches all queries of the session.
    pub fn add_listener(&self, listener: Arc<dyn StreamingQueryListener>) {
        self.shared.bus.add(listener);
    }

    /// Removes a listener (the same `Arc`); gives whether it was there.
    pub fn remove_listener(&self, listener: &Arc<dyn StreamingQueryListener>) -> bool {
        self.shared.bus.remove(listener)
    }

    /// All listeners.
    pub fn list_listeners(&self) -> Vec<Arc<dyn StreamingQueryListener>> {
        self.shared.bus.list()
    }

    /// Resolves when the listeners have heard everything posted so far: before a process ends.
    pub async fn flush_listeners(&self) {
        self.shared.bus.flush().await;
    }

    /// Stops all queries, side by side.
    ///
    /// # Errors
    /// As [`StreamingQuery::stop`].
    pub async fn stop_all(&self) -> Result<()> {
        let stops = self.active().into_iter().map(|q| async move { q.stop().await });
        futures::future::try_join_all(stops).await.map(drop)
    }

    pub(crate) fn bus(&self) -> &ListenerBus {
        &self.shared.bus
    }

    /// Held from the checks of a start until the query is registered.
    pub(crate) async fn starting(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.starting.lock().await
    }

    /// Refuses a name that a running query has.
    pub(crate) fn check_name(&self, name: Option<&str>) -> Result<()> {
        let Some(name) = name else { return Ok(()) };
        if self.active().iter().any(|q| q.name() == Some(name)) {
            return Err(TidemillError::invalid(
                "QUERY_NAME_ALREADY_ACTIVE",
                format!(
                    "Cannot start query with name {name} as a query with that name is already active in this session"
                ),
            ));
        }
        Ok(())
    }

    /// Makes room for a run of the query `id`: stops an older run, or refuses.
    pub(crate) async fn check_id(&self, id: Uuid, stop_older: bool) -> Result<()> {
        let Some(older) = self.get(id) else { return Ok(()) };
        if !stop_older {
            return Err(TidemillError::new(
                ErrorKind::Concurrent,
                "QUERY_ALREADY_ACTIVE",
                format!(
                    "Cannot start query with id {id} as another query with same id is already active (run {}). Perhaps \
                     you are attempting to restart a query from checkpoint that is already active. Stop the other \
                     query, or set spark.sql.streaming.stopActiveRunOnRestart to true",
                    older.run_id()
                ),
            ));
        }
        log::warn!(
            "stopping run {} of query {id}: it is started again",
            older.run_id()
        );
        older.stop().await
    }

    pub(crate) fn register(&self, query: StreamingQuery) {
        self.lock().active.insert(query.id(), query);
    }

    /// Takes a run out that is over.
    pub(crate) fn terminated(&self, identity: &QueryIdentity, failure: Option<TidemillError>) {
        let mut state = self.lock();
        if state
            .active
            .get(&identity.id)
            .is_some_and(|q| q.run_id() == identity.run_id)
        {
            state.active.remove(&identity.id);
        }
        if state.failure.is_none() {
            state.failure = failure;
        }
        self.shared.terminated.send_replace(true);
    }
}
