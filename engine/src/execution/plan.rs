//! Step 3: binds the analysed plan to what each source brings, and looks after its state.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use tidemill_sql::{BatchContext, BatchInputs, MicroBatchPlan};

use super::input_rows::{InputRowsTable, read_ahead};
use super::micro_batch::MicroBatchExecution;
use super::once_table::OnceTable;
use super::stages::{BatchFacts, LoggedBatch, PlannedBatch};
use crate::Result;
use crate::progress::{BatchTimer, Phase};

/// What came of binding a batch's plan.
pub(super) type Bound = Result<MicroBatchPlan>;

impl MicroBatchExecution {
    /// The batch with its plan, bound already or by now.
    pub(super) async fn plan(
        &mut self,
        batch: LoggedBatch,
        bound: Option<Bound>,
        timer: &BatchTimer,
    ) -> Result<PlannedBatch> {
        let facts = batch.facts();
        let mut plan = match bound {
            Some(bound) => bound?,
            None => self.bind(facts, timer).await?,
        };
        self.query.set_plan(Arc::clone(&plan.physical));
        if let Some(stateful) = &mut self.stateful {
            stateful.check(&plan.physical, facts.id).await?;
            self.task = stateful.begin(&self.session);
            plan.logical = OnceTable::scan_of(&plan.physical, &self.task)?;
        }
        Ok(batch.planned(plan))
    }

    /// Binds the plan, and begins to read what the batch is about.
    pub(super) async fn prepare(&self, facts: &BatchFacts, timer: &BatchTimer) -> Bound {
        let bound = self.bind(facts, timer).await?;
        if self.sink.pulls_plan() {
            read_ahead(&bound.physical, &self.session.task_ctx())?;
        }
        Ok(bound)
    }

    /// The plan over what the sources bring: same ranges and clock, same plan. Nothing is written.
    async fn bind(&self, facts: &BatchFacts, timer: &BatchTimer) -> Bound {
        let inputs = timer
            .time(Phase::GetBatch, self.abortable(self.inputs(facts)))
            .await?;
        let chained = self
            .conf
            .get_bool("spark.sql.streaming.statefulOperator.allowMultiple")?;
        let late_watermark_ms = if chained {
            facts.late_watermark_ms
        } else {
            // No operator lets go what another must still take in time.
            facts.watermark_ms
        };
        let context = BatchContext::new(
            facts.id.get(),
            facts.timestamp_ms,
            facts.watermark_ms,
            late_watermark_ms,
        );
        let planned = self.abortable(async { Ok(self.incremental.plan(&inputs, &context).await?) });
        timer.time(Phase::QueryPlanning, planned).await
    }

    async fn inputs(&self, facts: &BatchFacts) -> Result<BatchInputs> {
        let mut inputs = BatchInputs::with_capacity(self.sources.len());
        let ranges = facts.start.iter().zip(&facts.end);
        for ((i, open), (start, end)) in self.sources.iter().enumerate().zip(ranges) {
            let table: Arc<dyn TableProvider> = match end {
                Some(end) if start.as_ref() != Some(end) => {
                    let table = open.source.batch(start.as_ref(), end).await?;
                    Arc::new(InputRowsTable::new(i, table))
                }
                _ => Arc::new(EmptyTable::new(TableProvider::schema(open.relation.as_ref()))),
            };
            inputs.insert(open.relation.id(), table);
        }
        Ok(inputs)
    }
}
