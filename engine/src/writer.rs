//! Writes a stream: sink, mode, trigger, checkpoint, and then a running query.

use std::any::Any;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use tidemill_checkpoint::BatchId;
use tidemill_sql::{StreamableTable, StreamingPlan};

use crate::execution::{AsyncProgressTracking, CheckpointRequest, SinkRequest, StartRequest, start};
use crate::reader::set_path;
use crate::session::{SessionHandle, SessionInner};
use crate::sink::{ForeachBatchSink, ForeachSink, ForeachWriter, StreamSink};
use crate::source::SourceDefinition;
use crate::{
    Conf, FileUri, Options, OutputMode, Result, StreamingQuery, StreamingSession, TidemillError, Trigger,
};

/// How a streaming DataFrame is written; made by
/// [`write_stream`](crate::DataFrameStreamingExt::write_stream).
#[derive(Debug)]
#[must_use = "a writer writes nothing until start()"]
pub struct DataStreamWriter {
    frame: DataFrame,
    sink: Option<SinkRequest>,
    mode: OutputMode,
    query_name: Option<String>,
    sink_name: Option<String>,
    triggers: Vec<Trigger>,
    partition_by: Vec<String>,
    options: Options,
}

/// What a writer writes when it is not told.
const DEFAULT_FORMAT: &str = "parquet";
const CHECKPOINT_LOCATION: &str = "checkpointLocation";
const CHECKPOINT_CONF: &str = "spark.sql.streaming.checkpointLocation";

/// Sinks that a query may write without a checkpoint of its own: there is nothing to go on with.
const WITHOUT_CHECKPOINT: [&str; 3] = ["memory", "console", "noop"];

impl DataStreamWriter {
    pub(crate) fn new(frame: DataFrame) -> Self {
        Self {
            frame,
            sink: None,
            mode: OutputMode::Append,
            query_name: None,
            sink_name: None,
            triggers: Vec::new(),
            partition_by: Vec::new(),
            options: Options::new(),
        }
    }

    /// The sink: `parquet` (the default), `json`, `csv`, `text`, `console`, `memory`, `noop`, or one of the user's own.
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.sink = Some(SinkRequest::Format(format.into()));
        self
    }

    /// Append (the default), update or complete.
    pub fn output_mode(mut self, mode: OutputMode) -> Self {
        self.mode = mode;
        self
    }

    /// The query's name: unique among the running queries of the session.
    pub fn query_name(mut self, name: impl Into<String>) -> Self {
        self.query_name = Some(name.into());
        self
    }

    /// The sink's name in the commit log, where `spark.sql.streaming.queryEvolution.enableSinkEvolution` is on.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.sink_name = Some(name.into());
        self
    }

    /// When the query looks for data; at most one.
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.triggers.push(trigger);
        self
    }

    /// Columns whose values become folders.
    pub fn partition_by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.partition_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// One option; names compare without regard to case, a later value replaces an earlier one.
    pub fn option(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.options.set(name, value.to_string());
        self
    }

    /// Several options.
    pub fn options<K: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in options {
            self.options.set(name, value);
        }
        self
    }

    /// Hands each batch to a closure `async |df, batch_id| { … Ok(()) }`; the DataFrame is an ordinary one.
    pub fn foreach_batch<F, Fut, E>(mut self, function: F) -> Self
    where
        F: Fn(DataFrame, BatchId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.sink = Some(SinkRequest::Open(Arc::new(ForeachBatchSink::new(function))));
        self
    }

    /// Hands each row to a writer that `factory` makes, a new one for each partition of each batch.
    pub fn foreach<W, F>(mut self, factory: F) -> Self
    where
        W: ForeachWriter + 'static,
        F: Fn() -> W + Send + Sync + 'static,
    {
        self.sink = Some(SinkRequest::Open(Arc::new(ForeachSink::new(factory))));
        self
    }

    /// Writes into a sink that the caller made.
    pub fn sink(mut self, sink: Arc<dyn StreamSink>) -> Self {
        self.sink = Some(SinkRequest::Open(sink));
        self
    }

    /// Starts the query.
    ///
    /// # Errors
    /// What is wrong with the plan, the options, the checkpoint or the sink. What is wrong with a source or a batch
    /// ends the started query instead, and shows in [`StreamingQuery::exception`].
    pub async fn start(self) -> Result<StreamingQuery> {
        let Self {
            frame,
            sink,
            mode,
            query_name,
            sink_name,
            triggers,
            partition_by,
            mut options,
        } = self;
        let (state, plan) = frame.into_parts();
        if !StreamingPlan::is_streaming(&plan) {
            return Err(TidemillError::invalid(
                "WRITE_STREAM_NOT_ALLOWED",
                "`writeStream` can be called only on streaming Dataset/DataFrame.",
            ));
        }
        let session = session_of(&state)?;
        let conf = session.conf();
        let sink = sink.unwrap_or_else(|| SinkRequest::Format(DEFAULT_FORMAT.to_owned()));
        if let SinkRequest::Format(format) = &sink {
            session.sinks().check_format(format)?;
        }
        check_sink_name(sink_name.as_deref(), &conf)?;
        let checkpoint = checkpoint_request(&mut options, query_name.as_deref(), &sink, &session, &conf)?;
        let trigger = single_trigger(&triggers)?;
        start(StartRequest {
            mode,
            async_progress: AsyncProgressTracking::take(&mut options, trigger, &sink)?,
            trigger,
            session,
            state,
            plan,
            name: query_name,
            sink_name,
            sink,
            options,
            partition_by,
            checkpoint,
        })
        .await
    }

    /// [`start`](Self::start), writing to this path.
    ///
    /// # Errors
    /// As `start`; a path that is also given as an option.
    pub async fn start_path(mut self, path: impl Into<String>) -> Result<StreamingQuery> {
        set_path(&mut self.options, path.into())?;
        self.start().await
    }

    /// [`start`](Self::start), appending to the table of this name.
    ///
    /// A table made with `CREATE TABLE … USING` a file format gets the rows in its folder and format. Without such a
    /// table one is made, over option `path` or else the table's name in `spark.sql.warehouse.dir`
    /// (`spark-warehouse`); it lives as long as the session's catalog.
    ///
    /// # Errors
    /// As `start`; a view, or a table that is not over files; a format or path other than the table's.
    pub async fn to_table(mut self, name: &str) -> Result<StreamingQuery> {
        let (state, plan) = self.frame.clone().into_parts();
        let session = StreamingSession::of_inner(session_of(&state)?);
        let asked = match &self.sink {
            Some(SinkRequest::Format(format)) => Some(format.clone()),
            Some(SinkRequest::Open(_)) => return Err(no_file_table(name)),
            None => None,
        };
        let reference = TableReference::from(name);
        if session.context().table_exist(reference.clone())? {
            let provider = session.context().table_provider(reference).await?;
            let (format, path) = files_of(name, provider.as_ref())?;
            check_same(name, "format", asked.as_deref(), &format)?;
            check_same(name, "path", self.options.get("path"), &path)?;
            self.options.set("path", path);
            return self.format(format).start().await;
        }
        let format = asked.unwrap_or_else(|| DEFAULT_FORMAT.to_owned());
        if self.options.get("path").is_none() {
            let conf = session.conf();
            let warehouse = conf.get("spark.sql.warehouse.dir").unwrap_or("spark-warehouse");
            self.options
                .set("path", format!("{warehouse}/{}", reference.table()));
        }
        let (options, partition_by) = (self.options.clone(), self.partition_by.clone());
        let query = self.format(format.clone()).start().await?;
        let schema = Arc::clone(plan.schema().inner());
        session
            .register_output(&reference, &format, &options, &schema, &partition_by)
            .await?;
        Ok(query)
    }
}

/// Format and path of a table over files.
fn files_of(name: &str, table: &dyn TableProvider) -> Result<(String, String)> {
    let table = (table as &dyn Any).downcast_ref::<StreamableTable>();
    let stream = table.map(|t| t.stream().as_ref() as &dyn Any);
    let definition = stream.and_then(|s| s.downcast_ref::<SourceDefinition>());
    let path = definition.and_then(|d| d.options().get("path"));
    match (definition, path) {
        (Some(definition), Some(path)) => Ok((definition.format().to_owned(), path.to_owned())),
        _ => Err(no_file_table(name)),
    }
}

fn no_file_table(name: &str) -> TidemillError {
    TidemillError::unsupported(
        "UNSUPPORTED_TABLE_WRITE",
        format!(
            "table {name} cannot be written as a stream: only tables over files can, made with CREATE TABLE … USING"
        ),
    )
}

fn check_same(table: &str, what: &str, asked: Option<&str>, has: &str) -> Result<()> {
    match asked {
        Some(asked) if !asked.eq_ignore_ascii_case(has) => Err(TidemillError::invalid(
            "TABLE_DOES_NOT_MATCH",
            format!("table {table} has {what} '{has}', but the writer asks for '{asked}'; leave it out"),
        )),
        _ => Ok(()),
    }
}

fn session_of(state: &datafusion::execution::context::SessionState) -> Result<Arc<SessionInner>> {
    let handle = state.config().get_extension::<SessionHandle>();
    handle.and_then(|h| h.session()).ok_or_else(|| {
        TidemillError::invalid(
            "NO_STREAMING_SESSION",
            "the DataFrame belongs to no living StreamingSession: make it with one, and keep the session until start()",
        )
    })
}

fn single_trigger(triggers: &[Trigger]) -> Result<Trigger> {
    match triggers {
        [] => Ok(Trigger::default()),
        [one] => Ok(*one),
        _ => Err(TidemillError::invalid(
            "ONLY_ALLOW_SINGLE_TRIGGER",
            "Only a single trigger can be set for a query.",
        )),
    }
}

/// Option, else conf and name (or a new id), else a temporary folder where the sink keeps nothing, else an error.
fn checkpoint_request(
    options: &mut Options,
    query_name: Option<&str>,
    sink: &SinkRequest,
    session: &SessionInner,
    conf: &Conf,
) -> Result<CheckpointRequest> {
    if let Some(folder) = options.remove(CHECKPOINT_LOCATION) {
        return Ok(CheckpointRequest::At(FileUri::parse(&folder)?));
    }
    if let Some(root) = conf.get(CHECKPOINT_CONF) {
        let name = query_name.map_or_else(|| session.clock().new_id().to_string(), str::to_owned);
        return Ok(CheckpointRequest::At(FileUri::parse(root)?.join(&name)));
    }
    let temporary = match sink {
        SinkRequest::Open(_) => true,
        SinkRequest::Format(format) => WITHOUT_CHECKPOINT
            .iter()
            .any(|s| s.eq_ignore_ascii_case(format.trim())),
    };
    if temporary {
        return Ok(CheckpointRequest::Temporary);
    }
    Err(TidemillError::invalid(
        "CHECKPOINT_LOCATION_NOT_SPECIFIED",
        format!(
            "checkpointLocation must be specified either through option(\"{CHECKPOINT_LOCATION}\", ...) or SET \
             {CHECKPOINT_CONF}"
        ),
    ))
}

fn check_sink_name(name: Option<&str>, conf: &Conf) -> Result<()> {
    match name {
        Some(name) if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            Err(TidemillError::invalid(
                "STREAMING_QUERY_EVOLUTION_ERROR.INVALID_SINK_NAME",
                format!(
                    "Invalid streaming sink name: '{name}'. Sink names must only contain ASCII letters ('a'-'z', \
                     'A'-'Z'), digits ('0'-'9'), and underscores ('_')."
                ),
            ))
        }
        None if conf.get_bool("spark.sql.streaming.queryEvolution.enableSinkEvolution")? => {
            Err(TidemillError::invalid(
                "STREAMING_QUERY_EVOLUTION_ERROR.UNNAMED_STREAMING_SINKS_WITH_ENFORCEMENT",
                "Streaming sink must be named when spark.sql.streaming.queryEvolution.enableSinkEvolution is enabled. \
                 Use the name() method on DataStreamWriter to assign a name to the streaming sink.",
            ))
        }
        _ => Ok(()),
    }
}
