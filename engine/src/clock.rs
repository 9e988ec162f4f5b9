//! The only place with a wall clock and random ids: everything below takes them as arguments.
#![allow(clippy::disallowed_methods)]

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use tokio::sync::watch;
use uuid::Uuid;

/// Time and ids for an engine; tests bring their own.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
    /// A monotonic reading, for durations only.
    fn monotonic(&self) -> Duration;
    /// A new random id.
    fn new_id(&self) -> Uuid;
    /// Resolves when this clock has gone on by `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn new_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// A clock that stands still until it is told to go on: for tests of anything that depends on time.
///
/// Ids are random all the same.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: watch::Sender<i64>,
    sleepers: watch::Sender<usize>,
}

impl ManualClock {
    /// A clock that shows this time, in milliseconds since the epoch.
    pub fn new(now_ms: i64) -> Self {
        Self {
            now_ms: watch::Sender::new(now_ms),
            sleepers: watch::Sender::new(0),
        }
    }

    /// Moves the clock on, and wakes who slept until then.
    pub fn advance(&self, duration: Duration) {
        self.now_ms
            .send_modify(|now| *now = now.saturating_add(millis(duration)));
    }

    /// Resolves when someone sleeps on this clock.
    pub async fn wait_for_sleeper(&self) {
        // The sender lives in `self`.
        let _ = self.sleepers.subscribe().wait_for(|n| *n > 0).await;
    }
}

/// Counts a sleeper for as long as it sleeps.
struct Sleeping(watch::Sender<usize>);

impl Sleeping {
    fn new(sleepers: &watch::Sender<usize>) -> Self {
        sleepers.send_modify(|n| *n += 1);
        Self(sleepers.clone())
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        *self.now_ms.borrow()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now_ms()).unwrap_or(0))
    }

    fn new_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.now_ms().saturating_add(millis(duration));
        let mut now = self.now_ms.subscribe();
        let sleepers = self.sleepers.clone();
        Box::pin(async move {
            let _sleeping = Sleeping::new(&sleepers);
            if now.wait_for(|now| *now >= until).await.is_err() {
                // The clock is gone: it will never go on.
                std::future::pending().await
            }
        })
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
