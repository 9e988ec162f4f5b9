//! Blocking work on tokio's blocking pool.

use futures::future::BoxFuture;
use tidemill_checkpoint::Blocking;

/// Runs blocking work (fsync, compression, listings) on tokio's blocking pool; outside a runtime, where it stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokioBlocking;

impl Blocking for TokioBlocking {
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        match tokio::runtime::Handle::try_current() {
            Ok(handle) => {
                let task = handle.spawn_blocking(work);
                // A panic of the work has dropped its result, which its caller notices.
                Box::pin(async move {
                    let _ = task.await;
                })
            }
            Err(_) => {
                work();
                Box::pin(std::future::ready(()))
            }
        }
    }
}

/// Runs `work` on the blocking pool and gives its value.
///
/// # Errors
/// An internal error when the work panicked.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> crate::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| crate::TidemillError::internal(format!("a blocking task failed: {e}")))
}
