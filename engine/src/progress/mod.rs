//! What a query tells about itself: one [`StreamingQueryProgress`] a batch, and events for listeners.
//!
//! Listeners never hold a query up: events go through a bounded queue that drops the oldest and counts what it dropped.

mod bus;
mod listener;
#[expect(
    clippy::module_inception,
    reason = "the record is called progress, as Spark calls it"
)]
mod progress;
mod reporter;

pub(crate) use bus::{Event, ListenerBus};
pub use listener::{
    QueryIdleEvent, QueryProgressEvent, QueryStartedEvent, QueryTerminatedEvent, StreamingQueryListener,
};
pub use progress::{
    EventTimeProgress, SinkProgressReport, SourceProgress, StateOperatorProgress, StreamingQueryProgress,
};
pub(crate) use reporter::{BatchTimer, Phase, ProgressReporter, SourceReading, iso_8601};
