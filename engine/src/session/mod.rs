//! The entry to everything: a DataFusion session with streams, Spark's confs, and queries that run.
//!
//! A session owns a DataFusion [`SessionContext`], the confs, the clock and the formats of its user. DataFrames find
//! their session through an extension of DataFusion's configuration, so `df.write_stream()` needs no argument.

mod builder;
mod sql;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use tidemill_checkpoint::CheckpointFileManager;
use tidemill_sql::StreamingRelation;

use crate::clock::Clock;
use crate::sink::SinkRegistry;
use crate::source::MemoryStream;
use crate::{Conf, DataStreamReader, FileUri, Result, StreamingQueryManager, TidemillError};

pub use builder::StreamingSessionBuilder;
pub use sql::{RowFormat, Script, SqlStatement, StatementResult};

/// Puts something between the engine and the files of a checkpoint: for tests of crashes and for measuring.
pub type FileManagerHook =
    Arc<dyn Fn(&FileUri, Arc<dyn CheckpointFileManager>) -> Arc<dyn CheckpointFileManager> + Send + Sync>;

/// A session; clones are handles of the same one. Queries go on when the last handle is dropped.
#[derive(Clone)]
pub struct StreamingSession {
    inner: Arc<SessionInner>,
}

/// What a session is made of.
pub(crate) struct SessionInner {
    context: SessionContext,
    conf: RwLock<Conf>,
    /// Keys that a notice was given for.
    noticed: Mutex<BTreeSet<String>>,
    clock: Arc<dyn Clock>,
    manager: StreamingQueryManager,
    sinks: SinkRegistry,
    hook: Option<FileManagerHook>,
}

/// How a DataFrame finds its session: an extension of DataFusion's configuration.
#[derive(Debug, Default)]
pub(crate) struct SessionHandle {
    /// Weak: the session owns the context that owns this.
    session: OnceLock<WeakSession>,
}

struct WeakSession(Weak<SessionInner>);

impl fmt::Debug for WeakSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakSession")
    }
}

impl SessionHandle {
    fn bind(&self, session: &Arc<SessionInner>) {
        // A second session cannot share the handle: each builder makes its own.
        let _ = self.session.set(WeakSession(Arc::downgrade(session)));
    }

    /// The session, while it lives.
    pub(crate) fn session(&self) -> Option<Arc<SessionInner>> {
        self.session.get().and_then(|weak| weak.0.upgrade())
    }
}

impl StreamingSession {
    /// A session with everything by default.
    ///
    /// # Errors
    /// As [`StreamingSessionBuilder::build`].
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    pub(crate) fn of_inner(inner: Arc<SessionInner>) -> Self {
        Self { inner }
    }

    /// Sets a session up.
    pub fn builder() -> StreamingSessionBuilder {
        StreamingSessionBuilder::default()
    }

    /// DataFusion's session: tables, functions, batch queries.
    pub fn context(&self) -> &SessionContext {
        &self.inner.context
    }

    /// The confs as they are now. A query keeps those of its start.
    pub fn conf(&self) -> Conf {
        self.inner.conf()
    }

    /// `SET key=value`. A known `spark.` or `tidemill.` key is checked, a `datafusion.` key goes to DataFusion; any
    /// other `spark.` key is kept without effect, and gives a notice the first time.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE`, `CANNOT_MODIFY_STATIC_CONFIG`, `UNKNOWN_CONF`.
    pub fn set_conf(&self, key: &str, value: &str) -> Result<Option<String>> {
        self.inner.set_conf(key, value)
    }

    /// `RESET key`: the default is in force again. Nothing happens for a `datafusion.` key.
    ///
    /// # Errors
    /// As [`set_conf`](Self::set_conf).
    pub fn reset_conf(&self, key: &str) -> Result<()> {
        self.inner.reset_conf(key)
    }

    /// Reads a stream.
    pub fn read_stream(&self) -> DataStreamReader {
        DataStreamReader::new(self.clone())
    }

    /// The DataFrame of a stream that code feeds.
    ///
    /// # Errors
    /// When DataFusion refuses the schema.
    pub fn read_memory(&self, stream: &MemoryStream) -> Result<DataFrame> {
        let relation = StreamingRelation::new(stream.definition(), None);
        Ok(self.inner.context.read_table(Arc::new(relation))?)
    }

    /// A table of the catalog, read as a batch; [`DataStreamReader::table`] reads it as a stream.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`.
    pub async fn table(&self, name: &str) -> Result<DataFrame> {
        self.inner
            .context
            .table(name)
            .await
            .map_err(|e| table_not_found(name).with_source(e))
    }

    /// The queries of the session.
    pub fn streams(&self) -> &StreamingQueryManager {
        &self.inner.manager
    }

    /// The clock that everything in the session goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Stops all queries and lets the listeners hear everything.
    ///
    /// # Errors
    /// As [`StreamingQuery::stop`](crate::StreamingQuery::stop).
    pub async fn stop(&self) -> Result<()> {
        self.inner.manager.stop_all().await?;
        self.inner.manager.flush_listeners().await;
        Ok(())
    }
}

impl fmt::Debug for StreamingSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingSession")
            .field("id", &self.inner.context.session_id())
            .finish_non_exhaustive()
    }
}

impl SessionInner {
    pub(crate) fn context(&self) -> &SessionContext {
        &self.context
    }

    pub(crate) fn conf(&self) -> Conf {
        self.conf.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn manager(&self) -> &StreamingQueryManager {
        &self.manager
    }

    pub(crate) fn sinks(&self) -> &SinkRegistry {
        &self.sinks
    }

    /// The files under a folder, behind the session's hook if it has one.
    pub(crate) fn file_manager(
        &self,
        folder: &FileUri,
        runtime: &RuntimeEnv,
    ) -> Result<Arc<dyn CheckpointFileManager>> {
        let files = folder.file_manager(runtime, self.conf().fsync())?;
        Ok(match &self.hook {
            Some(hook) => hook(folder, files),
            None => files,
        })
    }

    fn set_conf(&self, key: &str, value: &str) -> Result<Option<String>> {
        if key.starts_with("datafusion.") {
            self.set_datafusion(key, value)?;
            return Ok(None);
        }
        let known = Conf::check(key, value)?;
        self.conf
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .set(key, value);
        self.follow(key)?;
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        let notice = known == crate::ConfKey::Ignored && noticed.insert(key.to_owned());
        Ok(notice.then(|| format!("conf '{key}' means nothing to Tidemill: it is kept, and has no effect")))
    }

    fn reset_conf(&self, key: &str) -> Result<()> {
        if let Some(default) = Conf::new().get(key) {
            Conf::check(key, default)?;
        }
        self.conf
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .reset(key);
        self.follow(key)
    }

    /// Lets DataFusion's own options follow the conf that governs them.
    fn follow(&self, key: &str) -> Result<()> {
        if key == "spark.sql.session.timeZone" {
            let conf = self.conf();
            let zone = conf.get(key).unwrap_or("UTC");
            self.set_datafusion("datafusion.execution.time_zone", zone)?;
        }
        Ok(())
    }

    fn set_datafusion(&self, key: &str, value: &str) -> Result<()> {
        let state = self.context.state_ref();
        let mut state = state.write();
        state
            .config_mut()
            .options_mut()
            .set(key, value)
            .map_err(|e| TidemillError::invalid("INVALID_CONF_VALUE", e.strip_backtrace()).with_source(e))
    }
}

/// The error for a name that the catalog does not have.
pub(crate) fn table_not_found(name: &str) -> TidemillError {
    TidemillError::invalid(
        "TABLE_OR_VIEW_NOT_FOUND",
        format!("The table or view {name} cannot be found. Verify the spelling, or create it first."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unknown_spark_conf_is_kept_with_one_notice() {
        let session = StreamingSession::new().unwrap();
        assert!(session.set_conf("spark.foo", "1").unwrap().is_some());
        assert!(session.set_conf("spark.foo", "2").unwrap().is_none());
        assert_eq!(session.conf().get("spark.foo"), Some("2"));
    }

    #[tokio::test]
    async fn a_datafusion_key_and_the_time_zone_reach_datafusion() {
        let session = StreamingSession::new().unwrap();
        session.set_conf("datafusion.execution.batch_size", "7").unwrap();
        session
            .set_conf("spark.sql.session.timeZone", "Europe/Oslo")
            .unwrap();
        let config = session.context().copied_config();
        assert_eq!(config.batch_size(), 7);
        assert_eq!(
            config.options().execution.time_zone.as_deref(),
            Some("Europe/Oslo")
        );
        assert!(session.set_conf("datafusion.no.such", "1").is_err());
    }

    #[tokio::test]
    async fn a_missing_table_is_named() {
        let session = StreamingSession::new().unwrap();
        let error = session.table("nowhere").await.unwrap_err();
        assert_eq!(error.condition(), "TABLE_OR_VIEW_NOT_FOUND");
        assert!(error.message().contains("nowhere"));
    }
}
