//! The quickstart: one run reads all clicks, the next finds nothing new, and both say so.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::command::{self, Said};
use crate::harness::repository;

/// A folder with what the script reads, so that its output does not land in the repository.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("examples/data/clicks");
    fs::create_dir_all(&data).unwrap();
    let from = repository().join("examples/data");
    fs::copy(
        from.join("pages.csv"),
        folder.path().join("examples/data/pages.csv"),
    )
    .unwrap();
    for file in fs::read_dir(from.join("clicks")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), data.join(file.file_name())).unwrap();
    }
    folder
}

fn run(folder: &Path) -> Said {
    let script = fs::read_to_string(repository().join("examples/sql/quickstart.sql")).unwrap();
    command::run(folder, &script).success()
}

fn views(rows: &[Value]) -> u64 {
    rows.iter().map(|r| r["views"].as_u64().unwrap()).sum()
}

/// The clicks that the query keeps.
fn expected_views(folder: &Path) -> u64 {
    let mut kept = 0;
    for file in fs::read_dir(folder.join("examples/data/clicks")).unwrap() {
        for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            let click: Value = serde_json::from_str(line).unwrap();
            let robot = click["agent"].as_str().unwrap().contains("bot");
            kept += u64::from(click["action"] == "view" && !robot);
        }
    }
    kept
}

#[test]
fn the_second_run_of_the_quickstart_finds_nothing_new_and_says_so() {
    let folder = folder();
    let first = run(folder.path());
    assert_eq!(views(&first.rows()), expected_views(folder.path()));
    assert!(first.err.contains("4 batches"), "{}", first.err);
    let second = run(folder.path());
    assert_eq!(second.rows(), first.rows());
    assert!(second.err.contains("nothing new"), "{}", second.err);
}

#[test]
fn a_file_that_arrives_between_two_runs_of_the_quickstart_is_read_alone() {
    let folder = folder();
    let first = run(folder.path());
    let click = "{\"ts\":\"2026-03-03T10:00:00.000Z\",\"click_id\":9001,\"user\":\"ada\",\"page_id\":4,\
                 \"action\":\"view\",\"dwell_ms\":1500,\"agent\":\"Chrome/140\"}\n";
    fs::write(folder.path().join("examples/data/clicks/new.json"), click).unwrap();
    let second = run(folder.path());
    assert!(second.err.contains("1 batch, 1 row"), "{}", second.err);
    assert_eq!(views(&second.rows()), views(&first.rows()) + 1);
}
