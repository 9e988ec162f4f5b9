//! What the loop of a run and the handles of its users share.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::watch;

use super::{QueryIdentity, StreamingQueryStatus};
use crate::TidemillError;
use crate::progress::ProgressReporter;

/// How a run ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// Its trigger was done.
    Finished,
    /// It was told to stop.
    Stopped,
    /// It failed.
    Failed(TidemillError),
}

/// What a run was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopRequest {
    /// Go on.
    #[default]
    None,
    /// End after the running batch.
    Finish,
    /// End at once: drop the running batch.
    Abort,
}

/// What the loop of a run and the handles of its users share.
#[derive(Debug)]
pub(crate) struct QueryShared {
    identity: QueryIdentity,
    reporter: ProgressReporter,
    state: Mutex<State>,
    stop: watch::Sender<StopRequest>,
    ended: watch::Sender<bool>,
    looks: watch::Sender<Looks>,
}

#[derive(Debug)]
struct State {
    status: StreamingQueryStatus,
    plan: Option<Arc<dyn ExecutionPlan>>,
    ending: Option<Ending>,
}

/// How often the loop has looked for data.
#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    /// Looks that have begun.
    begun: u64,
    /// The newest look that found nothing.
    in_vain: u64,
}

impl QueryShared {
    pub(crate) fn new(identity: QueryIdentity, keep_progress: usize) -> Self {
        Self {
            reporter: ProgressReporter::new(identity.clone(), keep_progress),
            identity,
            state: Mutex::new(State {
                status: StreamingQueryStatus::new("Initializing sources"),
                plan: None,
                ending: None,
            }),
            stop: watch::Sender::default(),
            ended: watch::Sender::default(),
            looks: watch::Sender::default(),
        }
    }

    pub(crate) fn identity(&self) -> &QueryIdentity {
        &self.identity
    }

    pub(crate) fn reporter(&self) -> &ProgressReporter {
        &self.reporter
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> StreamingQueryStatus {
        self.lock().status.clone()
    }

    pub(crate) fn set_message<'a>(&self, message: impl Into<Cow<'a, str>>) {
        let message = message.into();
        let status = &mut self.lock().status;
        if status.message != message {
            status.message = message.into_owned();
        }
    }

    pub(crate) fn set_trigger_active(&self, active: bool) {
        self.lock().status.is_trigger_active = active;
    }

    pub(crate) fn set_data_available(&self, available: bool) {
        self.lock().status.is_data_available = available;
    }

    pub(crate) fn set_plan(&self, plan: Arc<dyn ExecutionPlan>) {
        self.lock().plan = Some(plan);
    }

    pub(crate) fn last_plan(&self) -> Option<Arc<dyn ExecutionPlan>> {
        self.lock().plan.clone()
    }

    /// The loop looks for data; gives the number of the look.
    pub(crate) fn begin_look(&self) -> u64 {
        let mut number = 0;
        self.looks.send_modify(|looks| {
            looks.begun += 1;
            number = looks.begun;
        });
        number
    }

    /// That look found nothing.
    pub(crate) fn look_was_in_vain(&self, number: u64) {
        self.looks.send_modify(|looks| looks.in_vain = number);
    }

    /// Resolves when a look that begins after the call finds nothing, or the run is over.
    pub(crate) async fn wait_until_idle(&self) {
        let mut looks = self.looks.subscribe();
        let begun = looks.borrow().begun;
        tokio::select! {
            // The senders live in `self`.
            _ = looks.wait_for(|l| l.in_vain > begun) => {}
            () = self.wait_for_end() => {}
        }
    }

    pub(crate) fn request_stop(&self, request: StopRequest) {
        self.stop.send_modify(|now| *now = request.max(*now));
    }

    pub(crate) fn stop_requested(&self) -> StopRequest {
        *self.stop.borrow()
    }

    /// Resolves when at least this was asked for.
    pub(crate) async fn wait_for_stop(&self, request: StopRequest) {
        // The sender lives in `self`.
        let _ = self.stop.subscribe().wait_for(|now| *now >= request).await;
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.lock().ending.clone()
    }

    /// Keeps how the run ended; the first one counts.
    pub(crate) fn set_ending(&self, ending: Ending) {
        let mut state = self.lock();
        state.status.is_trigger_active = false;
        state.status.is_data_available = false;
        state.status.message = match &ending {
            Ending::Finished | Ending::Stopped => "Stopped".to_owned(),
            Ending::Failed(error) => format!("Terminated with exception: {error}"),
        };
        state.ending.get_or_insert(ending);
    }

    /// Lets those go on who wait for the end.
    pub(crate) fn announce_end(&self) {
        self.ended.send_replace(true);
    }

    /// Resolves when the run is over and everything it held is released.
    pub(crate) async fn wait_for_end(&self) {
        // The sender lives in `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}
