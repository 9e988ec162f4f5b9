//! Query shapes that both engines run over one stream (tests/spark/shapes.sql), and the run of one in each engine.
//!
//! The input is seeded: files of one batch each, with late rows, nulls and every kind of column the shapes group by.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tidemill::prelude::*;

use crate::harness::spark::Spark;
use crate::harness::values::{comparable, rows_of};
use crate::harness::{Seeded, repository};

/// The columns of the input.
const SCHEMA: &str =
    "id BIGINT, ts TIMESTAMP, k STRING, s STRING, v INT, x DOUBLE, d DECIMAL(10, 2), day DATE, b BOOLEAN";

/// The confs that both engines run with, beside those of a test.
const CONFS: [(&str, &str); 2] = [
    ("spark.sql.shuffle.partitions", "2"),
    ("spark.sql.session.timeZone", "UTC"),
];

/// Of a stateful operator's progress, what does not depend on the machine.
const FIGURES: [&str; 7] = [
    "operatorName",
    "numRowsTotal",
    "numRowsUpdated",
    "numRowsRemoved",
    "numRowsDroppedByWatermark",
    "numStateStoreInstances",
    "numShufflePartitions",
];

/// Values by batch.
pub(super) type Batches = BTreeMap<u64, Vec<Value>>;

/// What a run of a shape gave.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// The rows.
    pub(super) rows: Batches,
    /// The event time, then the figures of each stateful operator, as progress tells them.
    pub(super) figures: Batches,
}

impl Ran {
    /// Adds what a later run on the same checkpoint gave.
    pub(super) fn extend(&mut self, later: Self) {
        self.rows.extend(later.rows);
        self.figures.extend(later.figures);
    }
}

/// One query.
pub(super) struct Shape {
    pub(super) name: String,
    mode: String,
    flags: Vec<String>,
    /// Methods of the frame with their arguments.
    steps: Vec<(String, Vec<String>)>,
    text: String,
}

impl Shape {
    /// All shapes, in the order of the file.
    pub(super) fn all() -> Vec<Self> {
        let text = fs::read_to_string(repository().join("tests/spark/shapes.sql")).unwrap();
        let mut out: Vec<Self> = Vec::new();
        for line in text.lines() {
            let parts: Vec<&str> = line.trim_start_matches("-- ").split(" |").collect();
            match (line.starts_with("-- "), parts.as_slice(), out.last_mut()) {
                (true, [name, mode, flags], _) => out.push(Self::new(name, mode, flags)),
                (false, _, Some(shape)) => shape.text.push_str(&format!("{line}\n")),
                _ => {}
            }
        }
        out
    }

    /// The shapes with this flag.
    pub(super) fn flagged(flag: &str) -> Vec<Self> {
        let mut all = Self::all();
        all.retain(|shape| shape.has(flag));
        all
    }

    /// Whether the shape has this flag.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| f == flag)
    }

    fn new(name: &str, mode: &str, flags: &str) -> Self {
        let (mut words, mut steps) = (flags.trim(), Vec::new());
        if let Some((before, arguments)) = words.trim_end_matches(')').split_once('(') {
            let (others, method) = before.rsplit_once(' ').unwrap_or(("", before));
            let arguments = arguments.split(", ").filter(|a| !a.is_empty());
            steps.push((method.to_owned(), arguments.map(str::to_owned).collect()));
            words = others;
        }
        Self {
            name: name.to_owned(),
            mode: mode.trim().to_owned(),
            flags: words.split_whitespace().map(str::to_owned).collect(),
            steps,
            text: String::new(),
        }
    }

    /// What the driver is to run.
    pub(super) fn spark_command(&self, folder: &Path, checkpoint: &str) -> Value {
        let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
        let steps = self
            .steps
            .iter()
            .map(|(method, arguments)| match arguments.len() {
                0 => json!([method]),
                _ => json!([method, arguments]),
            });
        json!({"op": "run", "checkpoint": path(checkpoint), "sql": self.text, "mode": self.mode,
            "sources": [{"view": "e", "format": "json", "schema": SCHEMA, "path": path("in"),
                "options": {"maxFilesPerTrigger": "1"}}],
            "steps": steps.collect::<Vec<_>>()})
    }

    /// Runs the shape here over what is there.
    pub(super) async fn run(&self, folder: &Path, checkpoint: &str, confs: &[(&str, &str)]) -> Result<Ran> {
        let session = StreamingSession::new()?;
        for (key, value) in CONFS.iter().chain(confs) {
            session.set_conf(key, value)?;
        }
        let input = folder.join("in");
        let table = format!(
            "CREATE TABLE e ({SCHEMA}) USING json OPTIONS (path '{}', maxFilesPerTrigger '1')",
            input.display()
        );
        session.sql(&table).await?;
        let mut frame = session.sql(&self.text).await?;
        for (method, arguments) in &self.steps {
            let columns: Vec<&str> = arguments.iter().map(String::as_str).collect();
            frame = match method.as_str() {
                "dropDuplicates" => frame.drop_duplicates(&columns)?,
                "dropDuplicatesWithinWatermark" => frame.drop_duplicates_within_watermark(&columns)?,
                "distinct" => frame.distinct()?,
                other => panic!("{}: no method {other}", self.name),
            };
        }
        let batches: Arc<Mutex<Batches>> = Arc::default();
        let seen = Arc::clone(&batches);
        let query = frame
            .write_stream()
            .output_mode(self.mode.parse().unwrap())
            .option("checkpointLocation", folder.join(checkpoint).to_str().unwrap())
            .trigger(Trigger::AvailableNow)
            .foreach_batch(move |batch, id| {
                let seen = Arc::clone(&seen);
                async move {
                    let rows = comparable(rows_of(&batch.collect().await?));
                    seen.lock().unwrap().insert(id.get(), rows);
                    Ok::<(), datafusion::error::DataFusionError>(())
                }
            })
            .start()
            .await?;
        query.await_termination(None).await?;
        let progress = query.recent_progress();
        session.stop().await?;
        let rows = std::mem::take(&mut *batches.lock().unwrap());
        let progress = progress.iter().map(|p| serde_json::from_str(&p.json()).unwrap());
        let figures = figures(progress);
        Ok(Ran { rows, figures })
    }
}

/// The figures of each batch that ran, from the progress of a run.
fn figures(progress: impl Iterator<Item = Value>) -> Batches {
    let ran = progress.filter(|p| p["durationMs"]["addBatch"].is_number());
    ran.map(|p| {
        let mut figures = vec![p["eventTime"].clone()];
        for operator in p["stateOperators"].as_array().unwrap() {
            let told = FIGURES.map(|key| (key.to_owned(), operator[key].clone()));
            let duplicates = "numDroppedDuplicateRows";
            let custom = (
                duplicates.to_owned(),
                operator["customMetrics"][duplicates].clone(),
            );
            figures.push(Value::Object(told.into_iter().chain([custom]).collect()));
        }
        (p["batchId"].as_u64().unwrap(), figures)
    })
    .collect()
}

/// Runs commands of [`Shape::spark_command`] side by side; what each gave, or what Spark said.
pub(super) fn run_in_spark(
    spark: &mut Spark,
    runs: &[Value],
    confs: &[(&str, &str)],
) -> Vec<Result<Ran, String>> {
    let mut confs: BTreeMap<&str, &str> = confs.iter().copied().collect();
    // Compiling each small query costs more than it saves.
    confs.insert("spark.sql.codegen.wholeStage", "false");
    let answers = spark.ask(&json!({"op": "run_all", "runs": runs, "confs": confs}));
    let ran = |answer: &Value| match answer["batches"].as_object() {
        None => Err(answer.to_string()),
        Some(batches) => {
            let batches = batches.iter();
            Ok(Ran {
                rows: batches
                    .map(|(id, rows)| (id.parse().unwrap(), parsed(rows)))
                    .collect(),
                figures: figures(answer["progress"].as_array().unwrap().iter().cloned()),
            })
        }
    };
    answers.as_array().unwrap().iter().map(ran).collect()
}

/// Rows of the driver's, comparable with ours.
pub(super) fn parsed(rows: &Value) -> Vec<Value> {
    let texts = rows.as_array().unwrap().iter().map(|r| r.as_str().unwrap());
    comparable(texts.map(|text| serde_json::from_str(text).unwrap()).collect())
}

/// Writes files `from..until` of the input that this seed gives, one batch each; their times keep their order.
pub(super) fn write_input(folder: &Path, seed: u64, from: u64, until: u64) {
    let input = folder.join("in");
    fs::create_dir_all(&input).unwrap();
    for number in from..until {
        let mut choice = Seeded::new(seed * 1000 + number);
        let lines: String = (0..14)
            .map(|row| record(&mut choice, number, number * 14 + row).to_string() + "\n")
            .collect();
        let path = input.join(format!("{number}.json"));
        fs::write(&path, lines).unwrap();
        let modified = UNIX_EPOCH + Duration::from_secs(1_760_000_000 + number);
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(modified).unwrap();
    }
}

/// A record of a file: times about 12 seconds on from those of the file before, some late.
fn record(choice: &mut Seeded, file: u64, id: u64) -> Value {
    let late = if choice.below(6) == 0 { 25 } else { 0 };
    let second = (60 + file * 12 + choice.below(14)).saturating_sub(late);
    let mut record = json!({
        "id": id,
        "ts": format!("2026-01-01T10:{:02}:{:02}.{:03}Z", second / 60, second % 60, choice.below(4) * 250),
    });
    let values = [
        ("k", json!(["a", "b", "c"][choice.below(3) as usize])),
        (
            "s",
            json!(["ab", "axe", "naïve", "Zoë", ""][choice.below(5) as usize]),
        ),
        ("v", json!(choice.below(10))),
        ("x", json!(choice.below(40) as f64 / 4.0 - 2.0)),
        ("d", json!(choice.below(100_000) as f64 / 4.0)),
        (
            "day",
            json!(format!(
                "2025-{:02}-{:02}",
                1 + choice.below(3),
                1 + choice.below(3)
            )),
        ),
        ("b", json!(choice.below(2) == 0)),
    ];
    for (name, value) in values {
        if choice.below(8) != 0 {
            record[name] = value;
        }
    }
    record
}
