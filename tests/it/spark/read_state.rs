//! Spark's `statestore` source reads state of Tidemill's: the rows of every store that Spark's own run leaves.

use std::path::Path;

use serde_json::{Value, json};

use super::shapes::{Shape, parsed, run_in_spark, write_input};
use crate::harness::spark::{Spark, spark};

/// Rows and types of the state of operator 0, as Spark reads them.
fn state(spark: &mut Spark, folder: &Path, checkpoint: &str) -> (Vec<Value>, String) {
    let path = folder.join(checkpoint);
    let table = spark.ask(&json!({"op": "read", "format": "statestore", "path": path.to_str().unwrap()}));
    let columns = table["schema"]["fields"].as_array().unwrap().iter();
    let types: String = columns
        .map(|c| format!("{} {}; ", c["name"], names_and_types(&c["type"])))
        .collect();
    (parsed(&table["rows"]), types)
}

/// A type of Spark's JSON, with the names of fields and without their metadata.
fn names_and_types(data_type: &Value) -> String {
    let Some(fields) = data_type["fields"].as_array() else {
        return data_type.to_string();
    };
    let fields = fields
        .iter()
        .map(|f| format!("{} {}, ", f["name"], names_and_types(&f["type"])));
    format!("({})", fields.collect::<String>())
}

fn reads_the_same_state(codec: &str, shapes: &[Shape]) {
    let Some(mut spark) = spark() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let confs = [("spark.sql.streaming.stateStore.compression.codec", codec)];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_input(folder, 3, 0, 2);
    let commands: Vec<Value> = (0..)
        .zip(shapes)
        .map(|(at, shape)| shape.spark_command(folder, &format!("spark-{at}")))
        .collect();
    for answer in run_in_spark(&mut spark, &commands, &confs) {
        answer.unwrap();
    }
    let (mut kept, mut wrong) = (0, Vec::<String>::new());
    for (at, shape) in shapes.iter().enumerate() {
        let (ours, theirs) = (format!("ours-{at}"), format!("spark-{at}"));
        runtime.block_on(shape.run(folder, &ours, &confs)).unwrap();
        let ours = state(&mut spark, folder, &ours);
        let theirs = state(&mut spark, folder, &theirs);
        kept += ours.0.len();
        if ours != theirs {
            wrong.push(format!(
                "{}, {codec}:\n  here: {ours:?}\n  Spark: {theirs:?}",
                shape.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kept > shapes.len(), "the shapes kept state: {kept} rows");
}

#[test]
fn spark_reads_state_of_tidemills_as_its_own() {
    reads_the_same_state("lz4", &Shape::flagged("store"));
}

#[test]
fn spark_reads_state_compressed_with_zstd() {
    reads_the_same_state("zstd", &Shape::flagged("relay"));
}
