//! A windowed count into a parquet folder, run by both engines in turn on one checkpoint and one output: whoever reads the
//! folder finds the rows of a run that nobody interrupted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tidemill::prelude::*;

use super::shapes::parsed;
use crate::harness::golden::files;
use crate::harness::spark::{Spark, spark};
use crate::harness::values::{comparable, rows_of};

const SCHEMA: &str = "ts TIMESTAMP, k STRING, v BIGINT";
const QUERY: &str = "SELECT window.start AS start, k, count(*) AS n, sum(v) AS total, avg(v) AS mean
    FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '10 seconds'), k";
const FILES_OF_A_LEG: u64 = 2;
const LEGS: u64 = 3;

#[derive(Clone, Copy, Debug)]
enum Engine {
    Spark,
    Tidemill,
}

/// A row of the input.
struct Row {
    second: u64,
    k: &'static str,
    v: u64,
    late: bool,
}

/// A file covers 20 seconds, and reaches nine back into those of the file before. What is late is so by more than one
/// batch, so that it makes no difference whether a batch without data came between.
fn rows_of_file(file: u64) -> Vec<Row> {
    let row = |at: u64| Row {
        second: (file * 20 + at).saturating_sub(9),
        k: ["a", "b", "c"][(at % 3) as usize],
        v: file * 100 + at,
        late: false,
    };
    let mut rows: Vec<Row> = (0..29).map(row).collect();
    if file >= 3 {
        rows.extend([1, 4].map(|second| Row {
            second,
            k: "a",
            v: 1_000_000,
            late: true,
        }));
    }
    rows
}

fn time(second: u64) -> String {
    format!("2026-01-01T10:{:02}:{:02}.000000Z", second / 60, second % 60)
}

fn write_file(folder: &Path, file: u64) {
    let input = folder.join("in");
    fs::create_dir_all(&input).unwrap();
    let lines: String = rows_of_file(file)
        .into_iter()
        .map(|Row { second, k, v, .. }| json!({"ts": time(second), "k": k, "v": v}).to_string() + "\n")
        .collect();
    let path = input.join(format!("{file}.json"));
    fs::write(&path, lines).unwrap();
    let written = File::options().write(true).open(path).unwrap();
    let modified = UNIX_EPOCH + Duration::from_secs(1_760_000_000 + file);
    written.set_modified(modified).unwrap();
}

/// The windows that the last watermark closes.
fn expected() -> Vec<Value> {
    let mut windows: BTreeMap<(u64, &str), (u64, u64)> = BTreeMap::new();
    let rows = (0..LEGS * FILES_OF_A_LEG).flat_map(rows_of_file);
    let mut newest = 0;
    for row in rows.filter(|row| !row.late) {
        newest = newest.max(row.second);
        let (n, total) = windows.entry((row.second / 10, row.k)).or_default();
        *n += 1;
        *total += row.v;
    }
    windows.retain(|(window, _), _| (window + 1) * 10 <= newest - 10);
    assert!(windows.len() > 20, "many windows close");
    let rows = windows.into_iter().map(|((window, k), (n, total))| {
        json!({"start": time(window * 10), "k": k, "n": n, "total": total, "mean": total as f64 / n as f64})
    });
    comparable(rows.collect())
}

/// One run of the query over what is there, to the end of it.
fn leg(engine: Engine, folder: &Path, name: &str, spark: &mut Spark) {
    let path = |what: &str| folder.join(what).to_str().unwrap().to_string();
    let (checkpoint, output) = (path(&format!("{name}-checkpoint")), path(&format!("{name}-out")));
    match engine {
        Engine::Spark => drop(spark.ask(&json!({
            "op": "run", "checkpoint": checkpoint, "sql": QUERY,
            "sources": [{"view": "e", "format": "json", "schema": SCHEMA, "path": path("in"),
                "options": {"maxFilesPerTrigger": "1"}}],
            "sink": {"format": "parquet", "path": output},
            "confs": {"spark.sql.codegen.wholeStage": "false"},
        }))),
        Engine::Tidemill => block_on(async {
            let session = StreamingSession::new()?;
            session.set_conf("spark.sql.shuffle.partitions", "2")?;
            let table = format!(
                "CREATE TABLE e ({SCHEMA}) USING json OPTIONS (path '{}', maxFilesPerTrigger '1')",
                path("in")
            );
            session.sql(&table).await?;
            let query = session
                .sql(QUERY)
                .await?
                .write_stream()
                .format("parquet")
                .option("checkpointLocation", checkpoint)
                .trigger(Trigger::AvailableNow)
                .start_path(output)
                .await?;
            query.await_termination(None).await?;
            session.stop().await
        }),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work).unwrap()
}

/// The rows of an output folder, as Tidemill reads them and as Spark does. Both go by the log of the sink: a file that it
/// does not name is there too.
fn read_by_both(folder: &Path, name: &str, spark: &mut Spark) -> [(&'static str, Vec<Value>); 2] {
    let output = folder.join(format!("{name}-out"));
    let parts = files(&output).into_iter();
    let parts = parts.filter(|f| f.extension().is_some_and(|e| e == "parquet"));
    let with_most = parts.max_by_key(|f| fs::metadata(f).unwrap().len()).unwrap();
    fs::copy(with_most, output.join("part-00099-stray.parquet")).unwrap();
    let output = output.to_str().unwrap();
    let here = block_on(async {
        let session = StreamingSession::new()?;
        session
            .sql(&format!(
                "CREATE TABLE out USING parquet OPTIONS (path '{output}')"
            ))
            .await?;
        let rows = session.sql("SELECT * FROM out").await?.collect().await?;
        session.stop().await?;
        Ok(comparable(rows_of(&rows)))
    });
    let there = spark.ask(&json!({"op": "read", "format": "parquet", "path": output}));
    [("Tidemill", here), ("Spark", parsed(&there["rows"]))]
}

#[test]
fn closed_windows_in_a_parquet_folder_are_those_of_one_run_whoever_wrote_them() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let relays = [
        ("spark-first", [Engine::Spark, Engine::Tidemill, Engine::Spark]),
        (
            "tidemill-first",
            [Engine::Tidemill, Engine::Spark, Engine::Tidemill],
        ),
    ];
    for at in 0..LEGS {
        for file in at * FILES_OF_A_LEG..(at + 1) * FILES_OF_A_LEG {
            write_file(folder, file);
        }
        for (name, engines) in relays {
            leg(engines[at as usize], folder, name, &mut spark);
        }
    }
    leg(Engine::Spark, folder, "spark-alone", &mut spark);
    leg(Engine::Tidemill, folder, "tidemill-alone", &mut spark);
    let expected = expected();
    for name in ["spark-alone", "tidemill-alone", "spark-first", "tidemill-first"] {
        for (reader, rows) in read_by_both(folder, name, &mut spark) {
            assert_eq!(rows, expected, "{name}, read by {reader}");
        }
    }
}
