//! Sets a session up.

use std::fmt;
use std::sync::{Arc, Mutex, RwLock};

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionConfig;
use tidemill_sql::StreamingQueryPlanner;
use tidemill_sql::dialect::{SqlDialect, configure};

use super::{FileManagerHook, SessionHandle, SessionInner, StreamingSession};
use crate::clock::{Clock, SystemClock};
use crate::sink::{SinkRegistry, StreamSinkProvider};
use crate::source::{SourceRegistry, StreamSourceProvider};
use crate::{Conf, Result, StreamingQueryManager};

/// Sets a [`StreamingSession`] up.
#[derive(Default)]
pub struct StreamingSessionBuilder {
    clock: Option<Arc<dyn Clock>>,
    confs: Vec<(String, String)>,
    config: Option<SessionConfig>,
    runtime: Option<Arc<RuntimeEnv>>,
    sources: SourceRegistry,
    sinks: Vec<Arc<dyn StreamSinkProvider>>,
    hook: Option<FileManagerHook>,
}

impl fmt::Debug for StreamingSessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingSessionBuilder")
            .field("confs", &self.confs)
            .finish_non_exhaustive()
    }
}

impl StreamingSessionBuilder {
    /// Another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// A conf from the start.
    #[must_use]
    pub fn conf(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.confs.push((key.into(), value.into()));
        self
    }

    /// Whose words and meaning SQL text has: conf `tidemill.sql.dialect`.
    #[must_use]
    pub fn dialect(self, dialect: SqlDialect) -> Self {
        self.conf("tidemill.sql.dialect", dialect.to_string())
    }

    /// DataFusion's configuration to begin with.
    #[must_use]
    pub fn session_config(mut self, config: SessionConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// DataFusion's runtime: memory limits, object stores.
    #[must_use]
    pub fn runtime_env(mut self, runtime: Arc<RuntimeEnv>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// A source format of the user's own.
    #[must_use]
    pub fn source(self, provider: Arc<dyn StreamSourceProvider>) -> Self {
        self.sources.register(provider);
        self
    }

    /// A sink format of the user's own.
    #[must_use]
    pub fn sink(mut self, provider: Arc<dyn StreamSinkProvider>) -> Self {
        self.sinks.push(provider);
        self
    }

    /// Puts something between the engine and the files of every checkpoint.
    #[must_use]
    pub fn with_file_manager(mut self, hook: FileManagerHook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// The session.
    ///
    /// # Errors
    /// A conf as in [`StreamingSession::set_conf`]; a sink format with a built-in name.
    pub fn build(self) -> Result<StreamingSession> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::default()));
        let mut conf = Conf::new();
        let (datafusion, confs): (Vec<_>, Vec<_>) = self
            .confs
            .into_iter()
            .partition(|(key, _)| key.starts_with("datafusion."));
        for (key, value) in &confs {
            conf.set_checked(key, value)?;
        }
        let handle = Arc::new(SessionHandle::default());
        let config = self
            .config
            .unwrap_or_default()
            .with_extension(Arc::clone(&handle))
            .with_extension(Arc::new(self.sources));
        let mut sinks = SinkRegistry::new();
        for provider in self.sinks {
            sinks.register(provider)?;
        }
        let inner = Arc::new(SessionInner {
            context: context(config, self.runtime.unwrap_or_default(), &conf)?,
            conf: RwLock::new(conf),
            noticed: Mutex::default(),
            manager: StreamingQueryManager::new(Arc::clone(&clock)),
            clock,
            sinks,
            hook: self.hook,
        });
        handle.bind(&inner);
        let session = StreamingSession { inner };
        session.inner.follow("spark.sql.session.timeZone")?;
        for (key, value) in datafusion {
            session.set_conf(&key, &value)?;
        }
        Ok(session)
    }
}

/// DataFusion's session with the functions and planners of the dialect.
fn context(config: SessionConfig, runtime: Arc<RuntimeEnv>, conf: &Conf) -> Result<SessionContext> {
    let builder = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_query_planner(Arc::new(StreamingQueryPlanner));
    let builder = configure(builder, &conf.sql_settings()?);
    Ok(SessionContext::new_with_state(builder.build()))
}
