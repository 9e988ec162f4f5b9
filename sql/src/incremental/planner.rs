//! Plans the batches of one run of a query.

use std::sync::Arc;

use datafusion::common::alias::AliasGenerator;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::OptimizerRule;

use super::bind_sources::bind_sources;
use super::bind_state::{StateLayout, bind_state};
use super::bind_timestamp::{BatchClock, bind_timestamp};
use super::hold_filters::hold_filters;
use super::rewrite_stateful::rewrite_stateful;
use super::{BatchContext, BatchInputs, MicroBatchPlan};
use crate::analyze::{mark_unions, resolve_watermarks};
use crate::functions::resolve_time_windows;
use crate::{Result, StreamingPlan};

/// Rules that drop what can give no rows: a stateful operator or a watermark below must run all the same.
const PRUNING_RULES: [&str; 4] = [
    "propagate_empty_relation",
    "eliminate_filter",
    "eliminate_join",
    "eliminate_limit",
];

/// Plans the batches of one run of a query.
#[derive(Debug)]
pub struct IncrementalExecution {
    plan: StreamingPlan,
    /// The plan with its stateful nodes, before a batch is bound to it.
    pub(super) prepared: LogicalPlan,
    state: SessionState,
    layout: StateLayout,
    watermark_delays_ms: Vec<i64>,
    stateful_operators: u32,
}

impl IncrementalExecution {
    /// Prepares the plan for a run: types are resolved, filters go below the watermarks, stateful nodes get numbers.
    ///
    /// The session gives rules, functions and settings, as they are now; its clock is not read.
    ///
    /// # Errors
    /// What DataFusion's analysis refuses; a watermark that Spark refuses.
    pub fn try_new(plan: StreamingPlan, state: &SessionState, layout: StateLayout) -> Result<Self> {
        let config = state.config_options();
        let resolved = resolve_time_windows(plan.logical_plan().clone())?;
        let analysed = state.analyzer().execute_and_check(resolved, config, |_, _| {})?;
        // Coercing the types of a union lets a mark of a later branch through.
        let analysed = mark_unions(analysed)?;
        let (watermarked, watermark_delays_ms) = resolve_watermarks(analysed, config)?;
        let (prepared, stateful_operators) = rewrite_stateful(watermarked, plan.output_mode())?;
        let state = if stateful_operators == 0 && watermark_delays_ms.is_empty() {
            state.clone()
        } else {
            with_rules(state, |rule| !PRUNING_RULES.contains(&rule))
        };
        Ok(Self {
            plan,
            prepared,
            state,
            layout,
            watermark_delays_ms,
            stateful_operators,
        })
    }

    /// The analysed plan.
    pub fn streaming_plan(&self) -> &StreamingPlan {
        &self.plan
    }

    /// The delay of each watermark, ms, in the order of their numbers in
    /// [`EventTimeCollector`](crate::EventTimeCollector).
    pub fn watermark_delays_ms(&self) -> &[i64] {
        &self.watermark_delays_ms
    }

    /// How many stateful operators the plan has.
    pub fn stateful_operators(&self) -> u32 {
        self.stateful_operators
    }

    /// The plan of one batch: same inputs, same plan.
    ///
    /// The physical plan has the partitions that the session's settings and the inputs make.
    ///
    /// # Errors
    /// An input that has not the source's schema, or what DataFusion cannot plan.
    pub async fn plan(&self, inputs: &BatchInputs, context: &BatchContext) -> Result<MicroBatchPlan> {
        let clock = BatchClock::new(context.timestamp_ms, self.state.config_options())?;
        let logical = bind_sources(self.prepared.clone(), inputs)?;
        let logical = bind_timestamp(logical, &clock)?;
        let logical = bind_state(logical, context, &self.layout)?;

        let mut state = self.state.clone();
        let properties = state.execution_props_mut();
        properties.query_execution_start_time = Some(clock.now());
        // Names that the optimiser makes up count from one in every batch.
        properties.alias_generator = Arc::new(AliasGenerator::new());
        let optimised = state.optimizer().optimize(logical.clone(), &state, |_, _| {})?;
        let physical = state
            .query_planner()
            .create_physical_plan(&optimised, &state)
            .await?;
        Ok(MicroBatchPlan { logical, physical })
    }
}

/// The session with the rules of these names, none of which moves a filter where it must not go.
fn with_rules(state: &SessionState, keeps: impl Fn(&str) -> bool) -> SessionState {
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = state
        .optimizers()
        .iter()
        .filter(|rule| keeps(rule.name()))
        .map(hold_filters)
        .collect();
    SessionStateBuilder::new_from_existing(state.clone())
        .with_optimizer_rules(rules)
        .build()
}
