//! Streaming sources: what a source promises, and the ones built in.
//!
//! A [`SourceDefinition`] is what a reader or a `CREATE TABLE … USING` made of a format, a schema and options: checked,
//! but not open. A run of a query opens it with its own folder of the checkpoint and gets a [`StreamSource`].
//! Formats beyond the built-in ones come in through a [`SourceRegistry`].

mod file;
mod memory;
mod offset;
mod rate;
mod read_limit;
mod registry;

#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::runtime_env::RuntimeEnv;
use tidemill_checkpoint::{CheckpointFileManager, Offset};

use crate::clock::Clock;
use crate::{Conf, Result};

pub use memory::MemoryStream;
pub use read_limit::ReadLimit;
pub(crate) use registry::definition;
pub use registry::{SourceDefinition, SourceRegistry, StreamSourceProvider};

/// What a source gets when a run of a query opens it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceContext {
    /// The files of the checkpoint.
    pub checkpoint: Arc<dyn CheckpointFileManager>,
    /// The source's own folder there: `sources/0`.
    pub folder: String,
    /// The query's confs.
    pub conf: Arc<Conf>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Object stores.
    pub runtime: Arc<RuntimeEnv>,
}

/// A replayable stream. Offsets are opaque to the engine: it compares their text and hands them back.
#[async_trait]
pub trait StreamSource: Debug + Send + Sync {
    /// As Spark describes it in progress: `FileStreamSource[file:/in]`.
    fn description(&self) -> String;

    /// The limit that the source's options set for ordinary triggers.
    fn default_read_limit(&self) -> ReadLimit {
        ReadLimit::AllAvailable
    }

    /// The newest offset to read up to from `start` under `limit`; `start` itself when there is nothing new,
    /// `None` when there was never anything.
    async fn latest_offset(&self, start: Option<&Offset>, limit: ReadLimit) -> Result<Option<Offset>>;

    /// The newest offset without any limit, for the progress' `latestOffset`; `None` when not reported.
    fn reported_latest_offset(&self) -> Option<Offset> {
        None
    }

    /// The rows after `start` (all when `None`) up to and with `end`: the same rows however often it is asked.
    async fn batch(&self, start: Option<&Offset>, end: &Offset) -> Result<Arc<dyn TableProvider>>;

    /// Everything up to `end` is durably processed and will not be asked for again.
    async fn commit(&self, _end: &Offset) -> Result<()> {
        Ok(())
    }

    /// Freezes the end of the stream for trigger available-now: later `latest_offset` calls never pass it.
    /// Gives false when the source cannot, and the query then runs a single batch.
    async fn prepare_for_available_now(&self) -> Result<bool> {
        Ok(false)
    }

    /// Resolves when there may be more than the last [`latest_offset`](Self::latest_offset) saw: a hint that spares
    /// the loop its pause. A source that cannot tell never resolves, and is asked again after the polling delay.
    async fn wait_for_data(&self) {
        std::future::pending().await
    }

    /// Extra figures for progress.
    fn metrics(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// The run is over.
    async fn stop(&self) {}
}
