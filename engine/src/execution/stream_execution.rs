//! One run of a query, from `start()` to its end.
//!
//! `start()` itself checks the plan, opens the checkpoint and the sink, and takes the query's place among the running
//! ones: what is wrong there is its error. Sources are opened and the loop runs in a task; what goes wrong there ends
//! the query in state failed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::LogicalPlan;
use futures::FutureExt;
use tempfile::TempDir;
use tidemill_checkpoint::{
    CheckpointFileManager, CheckpointLocation, CheckpointOptions, CommitLogVersion, SinkMetadata,
    StreamMetadata, StreamingCheckpoint,
};
use tidemill_sql::{IncrementalExecution, OutputMode, StreamingPlan};

use super::async_progress::AsyncProgressTracking;
use super::connect::{SinkRequest, open_source};
use super::input_rows::InputRows;
use super::micro_batch::{MicroBatchExecution, OpenSource};
use super::recover::{
    Recovered, SourceLayout, commit_log_version, offset_log_version, recover, refuse_state, source_layout,
};
use super::state_check::order_keys;
use super::state_conf::state_layout;
use super::stateful::StatefulRun;
use crate::progress::{Event, QueryStartedEvent, QueryTerminatedEvent, iso_8601};
use crate::query::{Ending, QueryIdentity, QueryShared, StopRequest, StreamingQuery};
use crate::session::SessionInner;
use crate::sink::{SinkContext, SinkStart, StreamSink};
use crate::source::SourceContext;
use crate::{Conf, FileUri, Options, Result, TidemillError, Trigger};

/// Where a query keeps its checkpoint.
#[derive(Clone, Debug)]
pub(crate) enum CheckpointRequest {
    /// In this folder.
    At(FileUri),
    /// In a folder of its own that is deleted after a clean end.
    Temporary,
}

/// What a writer wants started.
pub(crate) struct StartRequest {
    pub(crate) session: Arc<SessionInner>,
    pub(crate) state: SessionState,
    pub(crate) plan: LogicalPlan,
    pub(crate) mode: OutputMode,
    pub(crate) name: Option<String>,
    pub(crate) sink_name: Option<String>,
    pub(crate) trigger: Trigger,
    pub(crate) sink: SinkRequest,
    pub(crate) options: Options,
    pub(crate) partition_by: Vec<String>,
    pub(crate) checkpoint: CheckpointRequest,
    pub(crate) async_progress: Option<AsyncProgressTracking>,
}

/// Starts a run; gives its handle when it has its place among the running queries.
pub(crate) async fn start(request: StartRequest) -> Result<StreamingQuery> {
    let session = Arc::clone(&request.session);
    let conf = Arc::new(session.conf());
    let check_correctness = conf.get_bool("spark.sql.streaming.statefulOperator.checkCorrectness.enabled")?;
    let plan = StreamingPlan::analyze_with(request.plan.clone(), request.mode, check_correctness)?;
    let manager = session.manager();
    let starting = manager.starting().await;
    manager.check_name(request.name.as_deref())?;
    let (files, temporary) = checkpoint_files(&request, &session)?;
    if let Some(id) = existing_id(files.as_ref()).await? {
        let stop_older = conf.get_bool("spark.sql.streaming.stopActiveRunOnRestart")?;
        manager.check_id(id, stop_older).await?;
    }
    let checkpoint = StreamingCheckpoint::open(
        files,
        session.clock().new_id(),
        checkpoint_options(&request, &conf)?,
    )
    .await?;
    let sink = request
        .sink
        .open(session.sinks(), sink_context(&request, &plan, &conf))
        .await?;
    let identity = QueryIdentity {
        id: checkpoint.metadata().id,
        run_id: session.clock().new_id(),
        name: request.name.clone(),
    };
    let keep = conf.get_u64("spark.sql.streaming.numRecentProgressUpdates")?;
    let shared = Arc::new(QueryShared::new(
        identity,
        usize::try_from(keep).unwrap_or(usize::MAX),
    ));
    let stop_timeout = Duration::from_millis(conf.get_duration_ms("spark.sql.streaming.stopTimeout")?);
    let query = StreamingQuery::new(Arc::clone(&shared), Arc::clone(session.clock()), stop_timeout);
    manager.register(query.clone());
    drop(starting);
    let run = Run {
        request,
        conf,
        plan,
        checkpoint: Arc::new(checkpoint),
        sink,
        shared,
        temporary,
    };
    run.announce_start();
    drop(tokio::spawn(run.run()));
    Ok(query)
}

fn checkpoint_files(
    request: &StartRequest,
    session: &SessionInner,
) -> Result<(Arc<dyn CheckpointFileManager>, Option<TempDir>)> {
    let (uri, temporary) = match &request.checkpoint {
        CheckpointRequest::At(uri) => (uri.clone(), None),
        CheckpointRequest::Temporary => {
            let folder = tempfile::Builder::new()
                .prefix("temporary-")
                .tempdir()
                .map_err(|e| cannot_make_temporary(&e))?;
            let path = folder.path().to_str().ok_or_else(|| {
                TidemillError::invalid(
                    "INVALID_TEMPORARY_FOLDER",
                    "the system's temporary folder has no UTF-8 name",
                )
            })?;
            (FileUri::parse(path)?, Some(folder))
        }
    };
    Ok((
        session.file_manager(&uri, request.state.runtime_env())?,
        temporary,
    ))
}

fn cannot_make_temporary(error: &std::io::Error) -> TidemillError {
    TidemillError::invalid(
        "INVALID_TEMPORARY_FOLDER",
        format!("cannot make a temporary checkpoint folder: {error}; set option checkpointLocation"),
    )
}

/// The id of the query that a checkpoint belongs to, without opening it: a run of this process may hold its lock.
async fn existing_id(files: &dyn CheckpointFileManager) -> Result<Option<uuid::Uuid>> {
    let Some(content) = files.read(CheckpointLocation::METADATA).await? else {
        return Ok(None);
    };
    // A damaged file is an error of the opening that follows.
    Ok(serde_json::from_slice::<StreamMetadata>(&content)
        .ok()
        .map(|m| m.id))
}

fn checkpoint_options(request: &StartRequest, conf: &Conf) -> Result<CheckpointOptions> {
    let mut options = CheckpointOptions::default();
    options.offset_log_version = offset_log_version(conf)?;
    options.commit_log_version = commit_log_version(conf)?;
    options.verify_metadata_exists =
        conf.get_bool("spark.sql.streaming.checkpoint.verifyMetadataExists.enabled")?;
    options.verify_empty_on_start =
        conf.get_bool("spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart")?;
    options.asynchronous = request.async_progress.is_some();
    Ok(options)
}

fn sink_context(request: &StartRequest, plan: &StreamingPlan, conf: &Arc<Conf>) -> SinkContext {
    SinkContext {
        options: request.options.clone(),
        partition_by: request.partition_by.clone(),
        mode: request.mode,
        schema: Arc::new(plan.logical_plan().schema().as_arrow().clone()),
        query_name: request.name.clone(),
        conf: Arc::clone(conf),
        clock: Arc::clone(request.session.clock()),
        session: request.session.context().clone(),
    }
}

/// A run that has its place, and has yet to open its sources.
struct Run {
    request: StartRequest,
    conf: Arc<Conf>,
    plan: StreamingPlan,
    checkpoint: Arc<StreamingCheckpoint>,
    sink: Arc<dyn StreamSink>,
    shared: Arc<QueryShared>,
    temporary: Option<TempDir>,
}

impl Run {
    fn announce_start(&self) {
        let identity = self.shared.identity();
        self.request.session.manager().bus().started(&QueryStartedEvent {
            id: identity.id,
            run_id: identity.run_id,
            name: identity.name.clone(),
            timestamp: iso_8601(self.request.session.clock().now_ms()),
        });
    }

    /// The task of the run: whatever happens, the end is announced, and after everything is released.
    async fn run(mut self) {
        let temporary = self.temporary.take();
        let conf = Arc::clone(&self.conf);
        let shared = Arc::clone(&self.shared);
        let session = Arc::clone(&self.request.session);
        let ending = match AssertUnwindSafe(Box::pin(self.execute())).catch_unwind().await {
            Ok(Ok(ending)) => ending,
            Ok(Err(error)) => Ending::Failed(error),
            Err(panic) => Ending::Failed(TidemillError::internal(format!(
                "the query's loop panicked: {}",
                panic_text(panic.as_ref())
            ))),
        };
        if let Some(folder) = temporary {
            remove_temporary(folder, &ending, &conf);
        }
        let failure = match &ending {
            Ending::Failed(error) => Some(error.clone()),
            Ending::Finished | Ending::Stopped => None,
        };
        if let Some(error) = &failure {
            log::error!("query {} terminated with exception: {error}", shared.identity());
        }
        shared.set_ending(ending);
        let manager = session.manager();
        manager.terminated(shared.identity(), failure.clone());
        manager.bus().post(Event::Terminated(QueryTerminatedEvent {
            id: shared.identity().id,
            run_id: shared.identity().run_id,
            exception: failure,
        }));
        shared.announce_end();
    }

    /// Recovers, opens the sources and runs the trigger; everything is released when this returns.
    async fn execute(self) -> Result<Ending> {
        let trigger = self.request.trigger;
        let shared = Arc::clone(&self.shared);
        let mut batches = tokio::select! {
            biased;
            () = shared.wait_for_stop(StopRequest::Abort) => return Ok(Ending::Stopped),
            opened = self.open() => opened?,
        };
        let ending = batches.run_to_end(trigger).await;
        let ending = batches.close_async_log(ending).await;
        for open in &batches.sources {
            open.source.stop().await;
        }
        if let Some(purge) = batches.purge.take() {
            // It only logs; a panic of it is no fault of the query.
            let _ = purge.await;
        }
        if let Some(stateful) = &mut batches.stateful {
            let aborted = shared.stop_requested() == StopRequest::Abort;
            stateful.close(ending.is_ok() && !aborted).await;
        }
        ending
    }

    /// Everything before the first batch.
    async fn open(self) -> Result<MicroBatchExecution> {
        let version = self.checkpoint.offset_log().version();
        let layout = source_layout(&self.plan, version, &self.conf)?;
        let recovered = recover(&self.checkpoint, &layout, &self.conf).await?;
        let conf = Arc::new(recovered.pinned.apply(&self.conf));
        let mut incremental =
            IncrementalExecution::try_new(self.plan.clone(), &self.request.state, state_layout(&conf)?)?;
        order_keys(&mut incremental, self.checkpoint.manager(), &conf).await?;
        if recovered.resumed && incremental.stateful_operators() == 0 {
            refuse_state(&self.checkpoint).await?;
        }
        let stateful = self.stateful(&incremental, &recovered, &conf)?;
        let sources = self.open_sources(&layout, &conf).await?;
        let pending = recovered.position.pending.as_ref();
        self.sink
            .start(SinkStart {
                query_id: self.shared.identity().id,
                first_batch: pending.map_or(recovered.position.next, |p| p.facts().id),
                rerun: pending.is_some(),
                resumed: recovered.resumed,
            })
            .await?;
        let async_progress = self.request.async_progress;
        let mut batches = self.batches(layout, recovered, sources, conf, incremental, stateful);
        if let Some(tracking) = async_progress {
            batches.log_beside_batches(tracking)?;
        }
        Ok(batches)
    }

    /// What the run has besides, if it keeps state or has a watermark.
    fn stateful(
        &self,
        incremental: &IncrementalExecution,
        recovered: &Recovered,
        conf: &Conf,
    ) -> Result<Option<StatefulRun>> {
        if incremental.stateful_operators() == 0 && incremental.watermark_delays_ms().is_empty() {
            return Ok(None);
        }
        StatefulRun::open(
            incremental,
            Arc::clone(self.checkpoint.manager()),
            Arc::clone(self.request.session.clock()),
            conf,
            recovered.position.watermark_ms,
        )
        .map(Some)
    }

    async fn open_sources(&self, layout: &SourceLayout, conf: &Arc<Conf>) -> Result<Vec<OpenSource>> {
        let mut sources = Vec::with_capacity(layout.folders.len());
        for (relation, folder) in self.plan.sources().iter().zip(&layout.folders) {
            let context = SourceContext {
                checkpoint: Arc::clone(self.checkpoint.manager()),
                folder: CheckpointLocation::source(folder),
                conf: Arc::clone(conf),
                clock: Arc::clone(self.request.session.clock()),
                runtime: Arc::clone(self.request.state.runtime_env()),
            };
            sources.push(OpenSource {
                relation: Arc::clone(relation),
                source: open_source(relation, context).await?,
            });
        }
        Ok(sources)
    }

    fn batches(
        self,
        layout: SourceLayout,
        recovered: Recovered,
        sources: Vec<OpenSource>,
        conf: Arc<Conf>,
        incremental: IncrementalExecution,
        stateful: Option<StatefulRun>,
    ) -> MicroBatchExecution {
        let input_rows = Arc::new(InputRows::new(sources.len()));
        let sink_metadata = sink_metadata(&self.request, self.checkpoint.commit_log().version());
        let mut state = self.request.state;
        state.config_mut().set_extension(Arc::clone(&input_rows));
        let session = SessionContext::new_with_state(state);
        MicroBatchExecution {
            query: self.shared,
            bus: self.request.session.manager().bus().clone(),
            clock: Arc::clone(self.request.session.clock()),
            conf,
            pinned: recovered.pinned,
            checkpoint: self.checkpoint,
            sources,
            lines: layout.lines,
            sink: self.sink,
            incremental,
            stateful,
            task: session.task_ctx(),
            session,
            input_rows,
            position: recovered.position,
            sink_metadata,
            looks_ahead: false,
            ahead: None,
            async_log: None,
            purge: None,
            last_report_ms: None,
        }
    }
}

/// What a commit log that knows sinks says of this one.
fn sink_metadata(request: &StartRequest, version: CommitLogVersion) -> Option<SinkMetadata> {
    let name = request.sink_name.as_ref()?;
    (version == CommitLogVersion::V3).then(|| {
        let (provider, api) = request.sink.spark_provider();
        SinkMetadata {
            sink_name: name.clone(),
            commit_offset: "-".to_owned(),
            provider_name: provider.to_owned(),
            api_version: api.to_owned(),
            is_active: true,
        }
    })
}

/// A temporary checkpoint goes with a clean end; after a failure it stays for a look, unless
/// `forceDeleteTempCheckpointLocation` is set.
fn remove_temporary(folder: TempDir, ending: &Ending, conf: &Conf) {
    let force = conf
        .get_bool("spark.sql.streaming.forceDeleteTempCheckpointLocation")
        .unwrap_or(false);
    if matches!(ending, Ending::Failed(_)) && !force {
        let path = folder.keep();
        log::warn!(
            "the failed query's temporary checkpoint stays in {}",
            path.display()
        );
        return;
    }
    if let Err(e) = folder.close() {
        log::warn!("a temporary checkpoint could not be deleted: {e}");
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
