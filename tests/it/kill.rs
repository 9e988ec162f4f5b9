//! Kill -9 at any moment, and every input row is still in the output exactly once, or in its window's figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Seeded, command};

const KILLS: usize = 20;
const ROWS_PER_FILE: u64 = 10;
const SEED: u64 = 7;

/// A query that is killed: its script, and how many files it has to read, one a batch.
struct Pipeline {
    script: &'static str,
    files: u64,
}

const STATELESS: Pipeline = Pipeline {
    script: "
    CREATE TABLE src (id BIGINT, name STRING) USING json OPTIONS (path 'input', maxFilesPerTrigger '1');
    CREATE STREAMING TABLE target USING parquet LOCATION 'output' PARTITIONED BY (part)
        OPTIONS (checkpointLocation 'checkpoint', trigger 'availableNow')
    AS SELECT id, upper(name) AS name, id % 3 AS part FROM STREAM(src);
    SELECT id FROM target;",
    files: 400,
};

const WINDOWED: Pipeline = Pipeline {
    script: "
    SET spark.sql.shuffle.partitions=2;
    CREATE TABLE src (id BIGINT, ts TIMESTAMP, k BIGINT) USING json OPTIONS (path 'input', maxFilesPerTrigger '1');
    CREATE STREAMING TABLE target USING parquet LOCATION 'output'
        OPTIONS (checkpointLocation 'checkpoint', trigger 'availableNow')
    AS SELECT window.start AS start, k, min(id) AS first, count(*) AS n, sum(id) AS total
        FROM STREAM(src) WATERMARK ts DELAY OF INTERVAL 20 SECONDS GROUP BY window(ts, '10 seconds'), k;
    SELECT k, first, n, total FROM target;",
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
        let lines: String = rows_of_file(file)
            .map(|Row { id, second, k }| {
                let ts = format!("2024-01-01T00:{:02}:{:02}Z", second / 60, second % 60);
                format!("{{\"id\":{id},\"name\":\"n{id}\",\"ts\":\"{ts}\",\"k\":{k}}}\n")
            })
            .collect();
        fs::write(folder.join(format!("input/{file:04}.json")), lines).unwrap();
    }
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

/// Kills runs of the pipeline, lets the last one end, and gives the rows of its SELECT.
fn rows_after_kills(pipeline: &Pipeline) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_input(folder, pipeline.files);
    let mut random = Seeded::new(SEED);
    let mut killed = 0;
    for _ in 0..KILLS {
        let child = command::start_silent(folder, pipeline.script);
        let batches = random.below(4);
        killed += usize::from(kill(folder, child, batches, &mut random));
    }
    assert_eq!(
        killed, KILLS,
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

/// Key, first id, count and sum of every window that the last watermark closes.
fn closed_windows(files: u64) -> Vec<[u64; 4]> {
    let mut windows: BTreeMap<(u64, u64), [u64; 4]> = BTreeMap::new();
    for row in (0..files).flat_map(rows_of_file) {
        let window = windows
            .entry((row.second / 10, row.k))
            .or_insert([row.k, row.id, 0, 0]);
        window[1] = window[1].min(row.id);
        window[2] += 1;
        window[3] += row.id;
    }
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
