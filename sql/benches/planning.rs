//! How long planning one batch takes, and which step takes it: run with `cargo bench -p tidemill-sql --bench planning`.
//!
//! The budget of a batch of filter and projection is 1 ms.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs
)]
use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use criterion::{Criterion, criterion_group, criterion_main};
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_spark::SessionStateBuilderSpark;
use tidemill_sql::{
    BatchContext, BatchInputs, IncrementalExecution, StateLayout, OutputMode, SqlError, StreamDefinition, StreamingPlan,
    StreamingRelation,
};

/// A stream of clicks.
#[derive(Debug)]
struct Clicks;

impl StreamDefinition for Clicks {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("user", DataType::Utf8, true),
            Field::new("page", DataType::Utf8, true),
            Field::new("amount", DataType::Int64, true),
        ]))
    }

    fn with_options(
        &self,
        _options: &HashMap<String, String>,
    ) -> Result<Arc<dyn StreamDefinition>, SqlError> {
        Ok(Arc::new(Self))
    }
}

const QUERIES: &[(&str, &str)] = &[
    (
        "filter and project",
        "SELECT user, amount * 2 AS twice FROM clicks WHERE amount > 10 AND page LIKE '/a%'",
    ),
    (
        "with a clock",
        "SELECT user, now() AS at FROM clicks WHERE amount > 10",
    ),
    (
        "join with a table",
        "SELECT user, name FROM clicks JOIN pages ON page = path WHERE amount > 10",
    ),
];

fn session() -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(2))
        .with_default_features()
        .with_spark_features()
        .build();
    let context = SessionContext::new_with_state(state);
    let pages = Schema::new(vec![
        Field::new("path", DataType::Utf8, true),
        Field::new("name", DataType::Utf8, true),
    ]);
    let clicks = StreamingRelation::new(Arc::new(Clicks), None);
    context
        .register_table("clicks", Arc::new(clicks))
        .and_then(|_| context.register_table("pages", Arc::new(EmptyTable::new(Arc::new(pages)))))
        .expect("the tables are new");
    context
}

fn planning(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
    let context = session();
    let state = context.state();
    criterion.bench_function("clone of the session state", |bencher| {
        bencher.iter(|| black_box(state.clone()));
    });
    for (name, text) in QUERIES {
        let plan = runtime
            .block_on(state.create_logical_plan(text))
            .expect("the query is valid");
        let plan = StreamingPlan::analyze(plan, OutputMode::Append).expect("the query is stateless");
        let inputs: BatchInputs = plan
            .sources()
            .iter()
            .map(|source| (source.id(), Arc::new(EmptyTable::new(Clicks.schema())) as _))
            .collect();
        let layout = StateLayout::new(NonZeroU32::MIN, 2);
        let execution = IncrementalExecution::try_new(plan, &state, layout).expect("the query is valid");
        let batch = BatchContext::new(0, 0, 0, 0);
        criterion.bench_function(&format!("plan: {name}"), |bencher| {
            bencher.iter(|| {
                let planned = runtime.block_on(execution.plan(&inputs, &batch));
                black_box(planned.expect("the inputs fit"))
            });
        });
        let bound = runtime
            .block_on(execution.plan(&inputs, &batch))
            .expect("the inputs fit")
            .logical;
        criterion.bench_function(&format!("analyse and optimise: {name}"), |bencher| {
            bencher.iter(|| black_box(state.optimize(&bound).expect("the plan is valid")));
        });
        let optimised = state.optimize(&bound).expect("the plan is valid");
        criterion.bench_function(&format!("physical plan: {name}"), |bencher| {
            bencher.iter(|| {
                let planner = state.query_planner();
                let planned = runtime.block_on(planner.create_physical_plan(&optimised, &state));
                black_box(planned.expect("the plan is valid"))
            });
        });
    }
}

criterion_group!(benches, planning);
criterion_main!(benches);
