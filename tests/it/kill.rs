//! Kill -9 at any moment, and every input row is still in the output exactly once.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Seeded, command};

const KILLS: usize = 50;
const FILES: u64 = 1000;
const ROWS_PER_FILE: u64 = 10;
const SEED: u64 = 7;

const SCRIPT: &str = "
    CREATE TABLE src (id BIGINT, name STRING) USING json OPTIONS (path 'input', maxFilesPerTrigger '1');
    CREATE STREAMING TABLE target USING parquet LOCATION 'output' PARTITIONED BY (part)
        OPTIONS (checkpointLocation 'checkpoint', trigger 'availableNow')
    AS SELECT id, upper(name) AS name, id % 3 AS part FROM STREAM(src);
    SELECT id FROM target;";

fn write_input(folder: &Path) {
    fs::create_dir(folder.join("input")).unwrap();
    for file in 0..FILES {
        let lines: String = (0..ROWS_PER_FILE)
            .map(|row| file * ROWS_PER_FILE + row)
            .map(|id| format!("{{\"id\":{id},\"name\":\"n{id}\"}}\n"))
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

#[test]
fn fifty_kills_at_random_moments_neither_lose_nor_double_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_input(folder);
    let mut random = Seeded::new(SEED);
    let mut killed = 0;
    for _ in 0..KILLS {
        let child = command::start_silent(folder, SCRIPT);
        let batches = random.below(4);
        killed += usize::from(kill(folder, child, batches, &mut random));
    }
    assert_eq!(
        killed, KILLS,
        "the input was used up before all kills; the test needs more files"
    );
    let rows = command::run(folder, SCRIPT).success().rows();
    let mut ids: Vec<u64> = rows.iter().map(|r: &Value| r["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    let expected: Vec<u64> = (0..FILES * ROWS_PER_FILE).collect();
    assert!(
        ids == expected,
        "seed {SEED}: {} rows of {}",
        ids.len(),
        expected.len()
    );
}
