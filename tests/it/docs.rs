//! Every `sql` block of the documents runs, in a folder with the files that the documents speak of.
//!
//! The Rust blocks are doc tests of the engine crate.

use std::fs;
use std::path::Path;

use crate::harness::command;
use crate::harness::repository;

/// The blocks of a document that are fenced as `sql`.
fn sql_blocks(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            Some(sql) if line.trim() == "```" => {
                out.push(std::mem::take(sql));
                block = None;
            }
            Some(sql) => {
                sql.push_str(line);
                sql.push('\n');
            }
            None if line.trim() == "```sql" => block = Some(String::new()),
            None => {}
        }
    }
    out
}

/// What the documents' examples read: `in/` (events as JSON), `users.csv`, `lines/` (text), `measured/` (ORC).
fn fixtures(folder: &Path) {
    fs::create_dir(folder.join("in")).unwrap();
    let events = [
        r#"{"ts":"2026-01-01T10:00:00Z","user":"ada","amount":12.5,"tags":["new","web"]}"#,
        r#"{"ts":"2026-01-01T10:00:05Z","user":"bo","amount":3.0,"tags":[]}"#,
        r#"{"ts":"2026-01-02T09:00:00Z","user":"ada","amount":100.0,"tags":["web"]}"#,
    ];
    fs::write(folder.join("in/1.json"), events.join("\n") + "\n").unwrap();
    fs::write(folder.join("users.csv"), "user,city\nada,Oslo\nbo,Lima\n").unwrap();
    fs::create_dir(folder.join("lines")).unwrap();
    fs::write(folder.join("lines/a.txt"), "one two\nthree\n").unwrap();
    fs::create_dir(folder.join("measured")).unwrap();
    let orc = repository().join("engine/src/table/orc/fixtures/all_types.orc");
    fs::copy(orc, folder.join("measured/a.orc")).unwrap();
}

fn runs(document: &str) {
    let text = fs::read_to_string(repository().join(document)).unwrap();
    let blocks = sql_blocks(&text);
    assert!(!blocks.is_empty(), "{document} has no sql block");
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        fixtures(folder.path());
        let said = command::run(folder.path(), &block);
        assert_eq!(said.code, Some(0), "{document}:\n{block}\n{}", said.err);
    }
}

#[test]
fn the_examples_of_the_readme_run() {
    runs("README.md");
}

#[test]
fn the_examples_about_sql_run() {
    runs("docs/sql.md");
}

#[test]
fn the_examples_about_state_run() {
    runs("docs/state.md");
}

#[test]
fn the_examples_about_sources_run() {
    runs("docs/sources.md");
}

#[test]
fn the_examples_about_sinks_run() {
    runs("docs/sinks.md");
}

#[test]
fn the_examples_about_configuration_run() {
    runs("docs/configuration.md");
}

#[test]
fn the_examples_about_operations_run() {
    runs("docs/operations.md");
}
