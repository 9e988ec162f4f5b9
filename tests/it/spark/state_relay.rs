//! Queries with state, run by both engines in turn on one checkpoint: every batch is as in a run of Spark's alone.

use std::path::Path;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::differential::difference;
use super::shapes::{Ran, Shape, run_in_spark, write_input};
use crate::harness::spark::{Spark, spark};

/// Who runs a leg.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Spark,
    Tidemill,
}

const FILES_OF_A_LEG: u64 = 2;

/// The engines of a query's three legs, under a name.
type Legs = (&'static str, [Engine; 3]);

const ALONE: Legs = ("alone", [Engine::Spark, Engine::Spark, Engine::Spark]);
const SPARK_FIRST: Legs = ("spark-first", [Engine::Spark, Engine::Tidemill, Engine::Spark]);
const TIDEMILL_FIRST: Legs = (
    "tidemill-first",
    [Engine::Tidemill, Engine::Spark, Engine::Tidemill],
);

/// Confs of both engines.
type Confs<'a> = &'a [(&'a str, &'a str)];

/// Runs one leg of every shape over what is there, and adds its batches.
fn leg(
    engine: Engine,
    shapes: &[Shape],
    confs: Confs<'_>,
    folder: &Path,
    name: &str,
    spark: &mut Spark,
    seen: &mut [Ran],
) {
    let checkpoint = |at: usize| format!("{name}-{at}");
    if engine == Engine::Spark {
        let commands: Vec<Value> = shapes
            .iter()
            .enumerate()
            .map(|(at, shape)| shape.spark_command(folder, &checkpoint(at)))
            .collect();
        let answers = run_in_spark(spark, &commands, confs);
        for ((shape, answer), seen) in shapes.iter().zip(answers).zip(seen) {
            seen.extend(
                answer.unwrap_or_else(|e| panic!("{}, {name}: Spark does not go on: {e}", shape.name)),
            );
        }
        return;
    }
    let runtime = Runtime::new().unwrap();
    for (at, (shape, seen)) in shapes.iter().zip(seen).enumerate() {
        let ran = runtime.block_on(shape.run(folder, &checkpoint(at), confs));
        seen.extend(ran.unwrap_or_else(|e| panic!("{}, {name}: Tidemill does not go on: {e}", shape.name)));
    }
}

/// Runs every shape with each of these legs; those after the first must give its batches.
fn pass_between(flag: &str, confs: Confs<'_>, runs: &[Legs]) {
    let Some(mut spark) = spark() else { return };
    let shapes = Shape::flagged(flag);
    assert!(!shapes.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let mut seen: Vec<_> = runs
        .iter()
        .map(|_| shapes.iter().map(|_| Ran::default()).collect::<Vec<_>>())
        .collect();
    for at in 0..3 {
        let from = at as u64 * FILES_OF_A_LEG;
        write_input(folder.path(), 2, from, from + FILES_OF_A_LEG);
        for ((name, engines), seen) in runs.iter().zip(&mut seen) {
            leg(engines[at], &shapes, confs, folder.path(), name, &mut spark, seen);
        }
    }
    let [alone, others @ ..] = seen.as_slice() else {
        panic!("no legs")
    };
    let mut wrong = Vec::new();
    for ((name, _), seen) in runs[1..].iter().zip(others) {
        for ((shape, seen), alone) in shapes.iter().zip(seen).zip(alone) {
            wrong.extend(difference(&format!("{}, {name}", shape.name), shape, seen, alone));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn state_passes_between_the_engines_in_both_directions() {
    pass_between("relay", &[], &[ALONE, SPARK_FIRST, TIDEMILL_FIRST]);
}

/// The schema files of such checkpoints have counts, windows and key columns that are not nullable.
#[test]
fn state_with_the_nullability_of_the_query_passes_between_the_engines() {
    let key = "spark.sql.streaming.statefulOperator.alwaysNullableOutput.enabled";
    pass_between("relay", &[(key, "false")], &[ALONE, SPARK_FIRST, TIDEMILL_FIRST]);
}

/// Spark keeps the key columns of such checkpoints in the order of a set.
#[test]
fn a_deduplication_with_its_keys_in_an_order_of_sparks_passes_between_the_engines() {
    let key = "spark.sql.dropDuplicates.deterministicKeyOrder.enabled";
    pass_between("order", &[(key, "false")], &[ALONE, SPARK_FIRST]);
}
