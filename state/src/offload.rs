//! Heavy work, run where blocking work belongs.

use futures::channel::oneshot;
use tidemill_checkpoint::Blocking;

use crate::error::{Result, StateError};

/// Runs `work` through `blocking` and gives its result. An error when the process ends before it ran.
pub(crate) async fn offload<T: Send + 'static>(
    blocking: &dyn Blocking,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    let run = blocking.run(Box::new(move || {
        // Nobody waits when the caller was dropped.
        let _ = sender.send(work());
    }));
    run.await;
    receiver.await.map_err(|_| StateError::WorkDropped)
}
