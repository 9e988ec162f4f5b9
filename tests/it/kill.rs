//! Kill -9 at any moment, and every input row is still in the output exactly once, or in its window's figures: in those
//! that append mode gave, and in those that the state holds in update and complete mode.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tidemill::prelude::*;

use crate::harness::values::rows_of;
use crate::harness::{Seeded, command};

const ROWS_PER_FILE: u64 = 10;
const SEED: u64 = 7;

/// A query that is killed: its script, how often, and how many files it has to read, one a batch.
struct Pipeline<'a> {
    script: &'a str,
    kills: usize,
    files: u64,
}

const STATELESS: Pipeline<'_> = Pipeline {
    script: "
    CREATE TABLE src (id BIGINT, name STRING) USING json OPTIONS (path 'input', maxFilesPerTrigger '1');
    CREATE STREAMING TABLE target USING parquet LOCATION 'output' PARTITIONED BY (part)
        OPTIONS (checkpointLocation 'checkpoint', trigger 'availableNow')
    AS SELECT id, upper(name) AS name, id % 3 AS part FROM STREAM(src);
    SELECT id FROM target;",
    kills: 20,
    files: 400,
};

const WINDOWED: Pipeline<'_> = Pipeline {
    script: "
    SET spark.sql.shuffle.partitions=2;
    CREATE TABLE src (id BIGINT, ts TIMESTAMP, k BIGINT) USING json OPTIONS (path 'input', maxFilesPerTrigger '1');
    CREATE STREAMING TABLE target USING parquet LOCATION 'output'
        OPTIONS (checkpointLocation 'checkpoint', trigger 'availableNow')
    AS SELECT window.start AS start, k, min(id) AS first, count(*) AS n, sum(id) AS total
        FROM STREAM(src) WATERMARK ts DELAY OF INTERVAL 20 SECONDS GROUP BY window(ts, '10 seconds'), k;
    SELECT k, first, n, total FROM target;",
    kills: 20,
    files: 300,
};

/// One row of the input; its time is that of its file, or up to four seconds before.
struct Row {
    id: u64,
    second: u64,
    k: u64,
}

fn rows_of_file(file: u64) -> impl Iterator<Item = Row> {
    (0..ROWS_PER_FILE).map(move |row| Row {
        id: file * ROWS_PER_FILE + row,
        second: file.saturating_sub(row % 5),
        k: row % 3,
    })
}

fn write_input(folder: &Path, files: u64) {
    fs::create_dir(folder.join("input")).unwrap();
    for file in 0..files {
        write_file(folder, file, rows_of_file(file));
    }
}

fn write_file(folder: &Path, file: u64, rows: impl Iterator<Item = Row>) {
    let lines: String = rows
        .map(|Row { id, second, k }| {
            let ts = time(second);
            format!("{{\"id\":{id},\"name\":\"n{id}\",\"ts\":\"{ts}\",\"k\":{k}}}\n")
        })
        .collect();
    fs::write(folder.join(format!("input/{file:04}.json")), lines).unwrap();
}

fn time(second: u64) -> String {
    format!("2024-01-01T00:{:02}:{:02}.000000Z", second / 60, second % 60)
}

/// The newest committed batch, plus one: how far the query got. (Old entries are purged, so their number says nothing.)
fn batches_done(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder.join("checkpoint/commits")) else {
        return 0;
    };
    entries
        .filter_map(|e| e.unwrap().file_name().to_string_lossy().parse::<u64>().ok())
        .max()
        .map_or(0, |newest| newest + 1)
}

/// Lets the run get `batches` further, then a random moment more, and kills it. False when it had ended by itself.
fn kill(folder: &Path, mut child: Child, batches: u64, random: &mut Seeded) -> bool {
    let goal = batches_done(folder) + batches;
    let deadline = Instant::now() + Duration::from_secs(60);
    while batches_done(folder) < goal {
        assert!(
            Instant::now() < deadline,
            "batch {goal} was not committed within a minute"
        );
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // Without a batch to wait for, the moment falls into the start of the process.
    let longest_us = if batches == 0 { 400_000 } else { 40_000 };
    std::thread::sleep(Duration::from_micros(random.below(longest_us)));
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// Kills runs of the pipeline, lets the last one end, and gives the rows of its SELECT, if it has one.
fn rows_after_kills(pipeline: &Pipeline<'_>) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    rows_after_kills_in(folder.path(), pipeline)
}

fn rows_after_kills_in(folder: &Path, pipeline: &Pipeline<'_>) -> Vec<Value> {
    write_input(folder, pipeline.files);
    let mut random = Seeded::new(SEED);
    let mut killed = 0;
    for _ in 0..pipeline.kills {
        let child = command::start_silent(folder, pipeline.script);
        let batches = random.below(4);
        killed += usize::from(kill(folder, child, batches, &mut random));
    }
    assert_eq!(
        killed, pipeline.kills,
        "the input was used up before all kills; the test needs more files"
    );
    command::run(folder, pipeline.script).success().rows()
}

#[test]
fn kills_at_random_moments_neither_lose_nor_double_a_row() {
    let rows = rows_after_kills(&STATELESS);
    let mut ids: Vec<u64> = rows.iter().map(|r: &Value| r["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    let expected: Vec<u64> = (0..STATELESS.files * ROWS_PER_FILE).collect();
    assert!(
        ids == expected,
        "seed {SEED}: {} rows of {}",
        ids.len(),
        expected.len()
    );
}

/// Key, first id, count and sum, by the number of the window and the key.
type Windows = BTreeMap<(u64, u64), [u64; 4]>;

fn add(windows: &mut Windows, row: &Row) {
    let window = windows
        .entry((row.second / 10, row.k))
        .or_insert([row.k, row.id, 0, 0]);
    window[1] = window[1].min(row.id);
    window[2] += 1;
    window[3] += row.id;
}

/// All windows of the input.
fn windows(files: u64) -> Windows {
    let mut windows = Windows::new();
    for row in (0..files).flat_map(rows_of_file) {
        add(&mut windows, &row);
    }
    windows
}

/// The figures of every window that the last watermark closes.
fn closed_windows(files: u64) -> Vec<[u64; 4]> {
    let mut windows = windows(files);
    let watermark = files - 1 - 20;
    windows.retain(|(window, _), _| (window + 1) * 10 <= watermark);
    let mut rows: Vec<_> = windows.into_values().collect();
    rows.sort_unstable();
    rows
}

#[test]
fn kills_at_random_moments_leave_every_windowed_count_right() {
    let figures = ["k", "first", "n", "total"];
    let mut rows: Vec<[u64; 4]> = rows_after_kills(&WINDOWED)
        .iter()
        .map(|row| figures.map(|figure| row[figure].as_u64().unwrap()))
        .collect();
    rows.sort_unstable();
    let expected = closed_windows(WINDOWED.files);
    assert_eq!(rows, expected, "seed {SEED}");
}

/// A query whose figures stay in its state: nothing of what it gives while it is killed is kept.
struct Held {
    mode: OutputMode,
    watermark: &'static str,
    /// Seconds; how far the watermark stays behind. Complete mode lets nothing go.
    delay: Option<u64>,
}

const HELD_FILES: u64 = 120;
const HELD_SOURCE: &str = "id BIGINT, ts TIMESTAMP, k BIGINT";

impl Held {
    fn query(&self) -> String {
        format!(
            "SELECT window.start AS start, k, min(id) AS first, count(*) AS n, sum(id) AS total
             FROM STREAM(src) {} GROUP BY window(ts, '10 seconds'), k",
            self.watermark
        )
    }

    fn script(&self) -> String {
        format!(
            "SET spark.sql.shuffle.partitions=2;
             CREATE TABLE src ({HELD_SOURCE}) USING json OPTIONS (path 'input', maxFilesPerTrigger '1');
             CREATE STREAMING TABLE target USING noop
             OPTIONS (checkpointLocation 'checkpoint', trigger 'availableNow', outputMode '{}') AS {};",
            self.mode,
            self.query()
        )
    }

    /// The windows that the state holds after the input.
    fn expected(&self) -> Windows {
        let mut windows = windows(HELD_FILES);
        if let Some(delay) = self.delay {
            let watermark = HELD_FILES - 1 - delay;
            windows.retain(|(window, _), _| (window + 1) * 10 > watermark);
            assert!(windows.len() > 6, "enough windows stay open");
        }
        windows
    }

    /// Goes on over what is new: what is given, by window and key, and how many groups the state holds.
    async fn go_on(&self, folder: &Path) -> (BTreeMap<(String, u64), [u64; 4]>, u64) {
        let session = StreamingSession::new().unwrap();
        let source = format!(
            "CREATE TABLE src ({HELD_SOURCE}) USING json OPTIONS (path '{}', maxFilesPerTrigger '1')",
            folder.join("input").display()
        );
        session.sql(&source).await.unwrap();
        let rows: Arc<Mutex<Vec<Value>>> = Arc::default();
        let given = Arc::clone(&rows);
        let frame = session.sql(&self.query()).await.unwrap();
        let writer = frame
            .write_stream()
            .output_mode(self.mode)
            .option("checkpointLocation", folder.join("checkpoint").display())
            .trigger(Trigger::AvailableNow);
        let query = writer
            .foreach_batch(move |batch, _| {
                let given = Arc::clone(&given);
                async move {
                    let batch = rows_of(&batch.collect().await?);
                    given.lock().unwrap().extend(batch);
                    Ok::<(), datafusion::error::DataFusionError>(())
                }
            })
            .start()
            .await
            .unwrap();
        query.await_termination(None).await.unwrap();
        let progress = query.recent_progress();
        let operators = progress.iter().flat_map(|p| &p.state_operators);
        let held = operators.last().unwrap().num_rows_total;
        session.stop().await.unwrap();
        let rows = std::mem::take(&mut *rows.lock().unwrap());
        let figure = |row: &Value, name: &str| row[name].as_u64().unwrap();
        let by_window = rows.iter().map(|row| {
            let start = row["start"].as_str().unwrap().to_owned();
            let figures = ["k", "first", "n", "total"].map(|name| figure(row, name));
            ((start, figure(row, "k")), figures)
        });
        let by_window: BTreeMap<_, _> = by_window.collect();
        assert_eq!(by_window.len(), rows.len(), "each group is given once");
        (by_window, held)
    }
}

/// Kills the query, lets it end, and touches every window that its state should hold: it gives the figures of them all.
fn state_after_kills(held: &Held) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let pipeline = Pipeline {
        script: &held.script(),
        kills: 12,
        files: HELD_FILES,
    };
    rows_after_kills_in(folder, &pipeline);
    let mut expected = held.expected();
    let touch: Vec<Row> = (10_000..)
        .zip(expected.keys())
        .map(|(id, (window, k))| Row {
            id,
            second: window * 10,
            k: *k,
        })
        .collect();
    for row in &touch {
        add(&mut expected, row);
    }
    write_file(folder, HELD_FILES, touch.into_iter());
    let (given, groups) = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(held.go_on(folder));
    let expected: BTreeMap<_, _> = expected
        .into_iter()
        .map(|((window, k), figures)| ((time(window * 10), k), figures))
        .collect();
    assert_eq!(given, expected, "seed {SEED}");
    assert_eq!(groups, expected.len() as u64, "seed {SEED}: nothing else is held");
}

#[test]
fn kills_at_random_moments_leave_the_state_of_update_mode_right() {
    state_after_kills(&Held {
        mode: OutputMode::Update,
        watermark: "WATERMARK ts DELAY OF INTERVAL 50 SECONDS",
        delay: Some(50),
    });
}

#[test]
fn kills_at_random_moments_leave_the_state_of_complete_mode_right() {
    state_after_kills(&Held {
        mode: OutputMode::Complete,
        watermark: "",
        delay: None,
    });
}
