//! The same input in the same splits gives the same in both engines, batch by batch, for every query shape: the rows, and
//! what progress tells of event time and state.

use super::shapes::{Batches, Ran, Shape, run_in_spark, write_input};
use crate::harness::spark::spark;

const FILES: u64 = 3;

/// What differs, in words; `None` when nothing does. Of some shapes only the rows are compared.
pub(super) fn difference(name: &str, shape: &Shape, ours: &Ran, theirs: &Ran) -> Option<String> {
    let rows = difference_of_batches(&format!("{name}, rows"), &ours.rows, &theirs.rows);
    if rows.is_some() || shape.has("rows") {
        return rows;
    }
    difference_of_batches(&format!("{name}, progress"), &ours.figures, &theirs.figures)
}

fn difference_of_batches(name: &str, ours: &Batches, theirs: &Batches) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let ids: std::collections::BTreeSet<&u64> = ours.keys().chain(theirs.keys()).collect();
    let id = ids.into_iter().find(|id| ours.get(*id) != theirs.get(*id))?;
    let text = |batches: &Batches| match batches.get(id) {
        None => "no such batch".to_owned(),
        Some(rows) => rows.iter().map(|row| format!("\n    {row}")).collect(),
    };
    Some(format!(
        "{name}: batch {id}\n  here: {}\n  Spark: {}",
        text(ours),
        text(theirs)
    ))
}

#[test]
fn every_batch_of_every_query_shape_and_its_progress_are_sparks() {
    let Some(mut spark) = spark() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_input(folder.path(), 1, 0, FILES);
    let shapes = Shape::all();
    assert!(shapes.len() >= 55);
    let commands: Vec<_> = (0..)
        .zip(&shapes)
        .map(|(at, shape)| shape.spark_command(folder.path(), &format!("spark-{at}")))
        .collect();
    let theirs = run_in_spark(&mut spark, &commands, &[]);
    let mut wrong = Vec::new();
    for (at, (shape, theirs)) in shapes.iter().zip(theirs).enumerate() {
        let ours = runtime.block_on(shape.run(folder.path(), &format!("ours-{at}"), &[]));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => wrong.extend(difference(&shape.name, shape, &ours, &theirs)),
            (Err(error), _) => wrong.push(format!("{}: refused here: {error}", shape.name)),
            (_, Err(error)) => wrong.push(format!("{}: refused by Spark: {error}", shape.name)),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} shapes differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
