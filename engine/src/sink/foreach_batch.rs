//! Hands each batch to the user's closure as an ordinary DataFusion DataFrame.

use std::error::Error;
use std::fmt;
use std::future::Future;

use async_trait::async_trait;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use futures::FutureExt;
use futures::future::BoxFuture;
use tidemill_checkpoint::BatchId;

use super::{SinkBatch, SinkProgress, StreamSink};
use crate::{ErrorKind, Result, TidemillError};

/// What a user's function may fail with.
pub(super) type BoxedError = Box<dyn Error + Send + Sync>;
type Function = dyn Fn(DataFrame, BatchId) -> BoxFuture<'static, Result<(), BoxedError>> + Send + Sync;

/// A sink made of a closure.
///
/// At least once: after a crash the closure sees the same id with the same rows again; it may use the id to
/// recognise what it did already. Every action on the DataFrame runs the batch's plan anew, unless the closure caches it.
pub struct ForeachBatchSink {
    function: Box<Function>,
}

impl ForeachBatchSink {
    /// `async |df, batch_id| { ... Ok(()) }`; an error stops the query and leaves the batch uncommitted. It becomes
    /// `FOREACH_BATCH_USER_FUNCTION_ERROR`, except that an error of the batch's own plan or state keeps its name.
    pub fn new<F, Fut, E>(function: F) -> Self
    where
        F: Fn(DataFrame, BatchId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxedError> + 'static,
    {
        let function = move |df, id| function(df, id).map(|done| done.map_err(Into::into)).boxed();
        Self {
            function: Box::new(function),
        }
    }
}

impl fmt::Debug for ForeachBatchSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeachBatchSink").finish_non_exhaustive()
    }
}

#[async_trait]
impl StreamSink for ForeachBatchSink {
    fn description(&self) -> String {
        "ForeachBatchSink".to_owned()
    }

    /// The closure's DataFrame is planned anew.
    fn pulls_plan(&self) -> bool {
        false
    }

    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress> {
        (self.function)(batch.dataframe(), batch.batch_id)
            .await
            .map_err(|e| user_error(batch.batch_id, e))?;
        Ok(SinkProgress::rows(-1))
    }
}

/// What the batch itself failed with keeps its name, so that a start again can mend it; the rest is the user's.
fn user_error(id: BatchId, error: BoxedError) -> TidemillError {
    if let Some(ours) = error.downcast_ref::<TidemillError>() {
        return ours.clone();
    }
    let of_batch = error
        .downcast_ref::<DataFusionError>()
        .and_then(TidemillError::carried_by);
    if let Some(ours) = of_batch {
        return ours.with_source(UserError(error));
    }
    TidemillError::new(
        ErrorKind::Invalid,
        "FOREACH_BATCH_USER_FUNCTION_ERROR",
        format!("An error occurred in the user provided function in foreach batch sink, batch {id}. Reason: {error}"),
    )
    .with_source(UserError(error))
}

/// Makes a boxed error one that can be a source.
#[derive(Debug)]
pub(super) struct UserError(pub(super) BoxedError);

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for UserError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
