//! For generated rows, splits into batches and restarts, a stream gives what DataFusion gives for the rows as a table.
//!
//! The oracle is DataFusion alone over the rows so far, without those that are late. Which rows are late, and which
//! windows are closed, is told by a small model of the watermark that knows nothing of the engine: for queries with one
//! watermark and one operator [`watermark::Model`], step by step; for others [`replay::Model`], batch by batch.

mod append;
mod chained;
mod complete;
mod deduplicate;
mod queries;
mod replay;
mod several;
mod update;
mod watermark;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tidemill::OutputMode;

use crate::harness::stateful::{Build, Event, Run, StatefulFixture};
use crate::harness::values::{comparable, rows_of};

/// What comes between two looks at the result.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) events: Vec<Event>,
    /// The query is stopped, and started again on its checkpoint, before the rows come.
    pub(super) restart: bool,
}

/// One generated life of a query.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) partitions: u32,
    /// Whether batches without data are switched on.
    pub(super) no_data_batches: bool,
    pub(super) steps: Vec<Step>,
}

fn event() -> impl Strategy<Value = Event> {
    let key = select(vec![None, Some("a"), Some("b"), Some("c"), Some("")]);
    let x = select(vec![None, Some(0.0), Some(-0.0), Some(f64::NAN), Some(1.5)]);
    let ts = prop_oneof![1 => Just(None), 9 => (-3_000..90_000_i64).prop_map(Some)];
    (ts, key, prop::option::of(0..3), prop::option::of(-5..20_i64), x).prop_map(|(ts_ms, k, g, v, x)| Event {
        ts_ms,
        k,
        g,
        v,
        x,
    })
}

fn lives() -> impl Strategy<Value = Life> {
    let step = (vec(event(), 0..8), prop::bool::weighted(0.3));
    let steps = vec(step.prop_map(|(events, restart)| Step { events, restart }), 1..6);
    (select(vec![1, 2, 7]), any::<bool>(), steps).prop_map(|(partitions, no_data_batches, steps)| Life {
        partitions,
        no_data_batches,
        steps,
    })
}

/// Runs `check` over so many generated lives; a failure is shrunk and shown.
pub(super) fn for_lives(cases: u32, name: &str, check: impl Fn(&Life)) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&lives(), |life| {
        check(&life);
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{name}: {failure}");
    }
}

/// A query that lives a life, step by step.
pub(super) struct Living<'a> {
    fixture: StatefulFixture,
    build: &'a Build,
    run: Option<Run>,
}

impl<'a> Living<'a> {
    pub(super) fn new(life: &Life, mode: OutputMode, build: &'a Build) -> Self {
        let fixture = StatefulFixture::new(mode, life.partitions).conf(
            "spark.sql.streaming.noDataMicroBatches.enabled",
            &life.no_data_batches.to_string(),
        );
        Self {
            fixture,
            build,
            run: None,
        }
    }

    /// What the batches of a step gave, in their order.
    pub(super) async fn step(&mut self, step: &Step) -> Vec<Vec<Value>> {
        if step.restart {
            self.end().await;
        }
        let run = match self.run.take() {
            Some(run) => run,
            None => self.fixture.start(self.build).await.unwrap(),
        };
        run.feed(&self.fixture, &step.events).await.unwrap();
        self.run = Some(run);
        self.fixture.take_batches().into_values().collect()
    }

    pub(super) async fn end(&mut self) {
        if let Some(run) = self.run.take() {
            run.session.stop().await.unwrap();
        }
    }
}

/// What DataFusion says of these rows, which are the table `e`.
pub(super) async fn batch_result(sql: &str, rows: RecordBatch) -> Vec<Value> {
    let context = SessionContext::new();
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
    context.register_table("e", Arc::new(table)).unwrap();
    let result = context.sql(sql).await.unwrap().collect().await.unwrap();
    comparable(rows_of(&result))
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
