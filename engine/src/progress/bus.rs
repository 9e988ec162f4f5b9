//! The queue between queries and listeners: bounded, ordered, and never waited for.
//!
//! A thread of the blocking pool drains the queue and goes away when it is empty, so an idle session holds none.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{
    QueryIdleEvent, QueryProgressEvent, QueryStartedEvent, QueryTerminatedEvent, StreamingQueryListener,
};

/// How many events wait at most; beyond it the oldest is dropped.
const MAX_QUEUED_EVENTS: usize = 10_000;

/// An event that is told in the background.
#[derive(Debug)]
pub(crate) enum Event {
    Progress(QueryProgressEvent),
    Idle(QueryIdleEvent),
    Terminated(QueryTerminatedEvent),
}

/// The listeners of a session, and what they have yet to hear.
#[derive(Clone)]
pub(crate) struct ListenerBus {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// How many events were posted and are not told yet.
    pending: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    listeners: Vec<Arc<dyn StreamingQueryListener>>,
    queue: VecDeque<Event>,
    draining: bool,
    dropped: u64,
}

impl std::fmt::Debug for ListenerBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListenerBus").finish_non_exhaustive()
    }
}

impl Default for ListenerBus {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                pending: watch::Sender::new(0),
            }),
        }
    }
}

impl ListenerBus {
    pub(crate) fn add(&self, listener: Arc<dyn StreamingQueryListener>) {
        self.shared.lock().listeners.push(listener);
    }

    /// Gives whether it was there.
    pub(crate) fn remove(&self, listener: &Arc<dyn StreamingQueryListener>) -> bool {
        let mut state = self.shared.lock();
        let before = state.listeners.len();
        state.listeners.retain(|l| !Arc::ptr_eq(l, listener));
        state.listeners.len() < before
    }

    pub(crate) fn list(&self) -> Vec<Arc<dyn StreamingQueryListener>> {
        self.shared.lock().listeners.clone()
    }

    /// Tells a start where it stands: before `start()` returns.
    pub(crate) fn started(&self, event: &QueryStartedEvent) {
        for listener in self.list() {
            swallow(|| listener.on_query_started(event));
        }
    }

    /// Queues an event; without listeners it is gone. Must be called inside a tokio runtime.
    pub(crate) fn post(&self, event: Event) {
        let mut state = self.shared.lock();
        if state.listeners.is_empty() {
            return;
        }
        if state.queue.len() >= MAX_QUEUED_EVENTS {
            state.queue.pop_front();
            state.dropped += 1;
            if state.dropped.is_power_of_two() {
                log::warn!(
                    "query listeners are too slow: {} event(s) dropped so far, the oldest first",
                    state.dropped
                );
            }
        } else {
            self.shared.pending.send_modify(|n| *n += 1);
        }
        state.queue.push_back(event);
        if !state.draining {
            state.draining = true;
            let shared = Arc::clone(&self.shared);
            drop(tokio::task::spawn_blocking(move || shared.drain()));
        }
    }

    /// Resolves when everything posted so far has been told.
    pub(crate) async fn flush(&self) {
        // The sender lives in `self`.
        let _ = self.shared.pending.subscribe().wait_for(|n| *n == 0).await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self) {
        loop {
            let (event, listeners) = {
                let mut state = self.lock();
                let Some(event) = state.queue.pop_front() else {
                    state.draining = false;
                    return;
                };
                (event, state.listeners.clone())
            };
            for listener in listeners {
                swallow(|| match &event {
                    Event::Progress(e) => listener.on_query_progress(e),
                    Event::Idle(e) => listener.on_query_idle(e),
                    Event::Terminated(e) => listener.on_query_terminated(e),
                });
            }
            self.pending.send_modify(|n| *n = n.saturating_sub(1));
        }
    }
}

/// A listener's panic is its own affair.
fn swallow(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        log::warn!("a query listener panicked; the query goes on");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use uuid::Uuid;

    fn idle(n: u128) -> Event {
        Event::Idle(QueryIdleEvent {
            id: Uuid::from_u128(n),
            run_id: Uuid::nil(),
            timestamp: String::new(),
        })
    }

    /// Hears ids, and waits for the gate before each.
    struct Slow {
        gate: Mutex<mpsc::Receiver<()>>,
        heard: Mutex<Vec<u128>>,
    }

    impl StreamingQueryListener for Slow {
        fn on_query_idle(&self, event: &QueryIdleEvent) {
            let _ = self.gate.lock().unwrap().recv();
            self.heard.lock().unwrap().push(event.id.as_u128());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_slow_listener_loses_the_oldest_events_and_holds_nobody_up() {
        let bus = ListenerBus::default();
        let (open, gate) = mpsc::channel();
        let slow = Arc::new(Slow {
            gate: Mutex::new(gate),
            heard: Mutex::default(),
        });
        bus.add(slow.clone());
        let all = MAX_QUEUED_EVENTS as u128 + 100;
        for n in 0..all {
            bus.post(idle(n));
        }
        drop(open);
        bus.flush().await;
        let heard = slow.heard.lock().unwrap();
        assert!(heard.len() <= MAX_QUEUED_EVENTS + 1 && heard.len() >= MAX_QUEUED_EVENTS);
        assert!(heard.is_sorted());
        assert_eq!(heard.last(), Some(&(all - 1)));
    }

    struct Panics;
    impl StreamingQueryListener for Panics {
        fn on_query_idle(&self, _: &QueryIdleEvent) {
            panic!("listener");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panicking_listener_does_not_keep_others_from_hearing() {
        let bus = ListenerBus::default();
        let (open, gate) = mpsc::channel();
        drop(open);
        let other = Arc::new(Slow {
            gate: Mutex::new(gate),
            heard: Mutex::default(),
        });
        bus.add(Arc::new(Panics));
        bus.add(other.clone());
        bus.post(idle(7));
        bus.flush().await;
        assert_eq!(*other.heard.lock().unwrap(), [7]);
    }
}
