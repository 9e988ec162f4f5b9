//! The `tidemill` command: what goes to standard output, errors with their place, exit codes, signals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::harness::command::{Said, rows, run, run_with, start, tidemill, wait};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::write(
        folder.path().join("in/a.json"),
        "{\"k\":\"a\",\"v\":1}\n{\"k\":\"b\",\"v\":2}\n",
    )
    .unwrap();
    folder
}

const TABLE: &str = "CREATE TABLE t (k STRING, v INT) USING json OPTIONS (path 'in');\n";

fn stream(name: &str, query: &str) -> String {
    format!(
        "CREATE STREAMING TABLE {name} USING parquet LOCATION 'out_{name}'
         OPTIONS (checkpointLocation 'ckpt_{name}', trigger 'availableNow') AS {query};\n"
    )
}

fn refused(folder: &Path, script: &str) -> Said {
    let said = run(folder, script);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.out, "");
    said
}

#[test]
fn a_select_prints_a_table_by_default() {
    let said = run_with(folder().path(), &[], "SELECT 1 AS one, 'x' AS letter;").success();
    assert_eq!(
        said.out,
        "+---+------+\n|one|letter|\n+---+------+\n|1  |x     |\n+---+------+\n\n"
    );
}

#[test]
fn json_output_is_one_object_a_line_and_nothing_else() {
    let script = format!(
        "{TABLE}{}SET spark.nothing.here = c; SELECT k, v FROM s ORDER BY k;",
        stream("s", "SELECT * FROM STREAM(t)")
    );
    let said = run(folder().path(), &script).success();
    assert!(
        said.out
            .ends_with("{\"k\":\"a\",\"v\":1}\n{\"k\":\"b\",\"v\":2}\n"),
        "{}",
        said.out
    );
    assert!(
        said.out
            .lines()
            .all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok())
    );
}

#[test]
fn csv_output_has_a_header_and_quotes_what_needs_it() {
    let said = run_with(
        folder().path(),
        &["--format", "csv"],
        "SELECT 'a,b' AS x, 2 AS y;",
    )
    .success();
    assert_eq!(said.out, "x,y\n\"a,b\",2\n");
}

#[test]
fn a_script_comes_from_a_file_too() {
    let folder = folder();
    fs::write(folder.path().join("q.sql"), "SELECT 1 AS x;").unwrap();
    let output = tidemill(folder.path(), &["run", "q.sql", "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\"x\":1}\n");
}

#[test]
fn a_missing_script_is_an_error_that_names_it() {
    let output = tidemill(folder().path(), &["run", "nowhere.sql"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("nowhere.sql"));
}

#[test]
fn a_setting_of_the_command_line_holds_from_the_first_statement() {
    let arguments = [
        "--format",
        "json",
        "--set",
        "spark.sql.session.timeZone=Asia/Tokyo",
    ];
    let said = run_with(
        folder().path(),
        &arguments,
        "SELECT CAST(TIMESTAMP '2024-01-01 00:00:00Z' AS STRING) AS t;",
    )
    .success();
    assert_eq!(said.rows(), [json!({"t": "2024-01-01 09:00:00"})]);
}

#[test]
fn a_syntax_error_names_file_line_and_column_and_nothing_runs() {
    let folder = folder();
    let script = "SELECT 1;\nSELEC 2;";
    fs::write(folder.path().join("bad.sql"), script).unwrap();
    let output = tidemill(folder.path(), &["run", "bad.sql"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("bad.sql:2:1: "), "{err}");
}

#[test]
fn an_error_of_a_later_statement_names_its_place() {
    let said = refused(folder().path(), &format!("{TABLE}\n\n  SELECT nope FROM t;"));
    assert!(said.err.starts_with("<stdin>:4:"), "{}", said.err);
    assert!(said.err.contains("nope"), "{}", said.err);
}

#[test]
fn a_select_over_a_stream_is_refused_and_told_what_to_write() {
    for query in [
        "SELECT k FROM STREAM(t)",
        "CREATE TABLE c USING parquet AS SELECT k FROM STREAM(t)",
    ] {
        let said = refused(folder().path(), &format!("{TABLE}{query};"));
        assert!(said.err.contains("CREATE STREAMING TABLE"), "{}", said.err);
    }
}

#[test]
fn an_unknown_option_is_refused_with_the_nearest_name() {
    let script = "CREATE TABLE t (k STRING) USING json OPTIONS (path 'in', maxFilesPerTriger '1');
        CREATE STREAMING TABLE s USING noop OPTIONS (checkpointLocation 'c', trigger 'availableNow') AS SELECT * FROM STREAM(t);";
    let said = refused(folder().path(), script);
    assert!(said.err.contains("maxFilesPerTrigger"), "{}", said.err);
}

#[test]
fn dropping_a_table_keeps_its_files() {
    let folder = folder();
    let script = format!(
        "{TABLE}{}DROP TABLE s; DROP TABLE t; SHOW TABLES;",
        stream("s", "SELECT * FROM STREAM(t)")
    );
    assert!(rows(folder.path(), &script).is_empty());
    assert!(folder.path().join("in/a.json").exists());
    assert!(folder.path().join("out_s/_spark_metadata/0").exists());
}

#[test]
fn tables_are_shown_and_described_with_sparks_words() {
    let said = run(folder().path(), &format!("{TABLE}SHOW TABLES; DESCRIBE t;")).success();
    assert_eq!(
        said.rows(),
        [
            json!({"namespace": "default", "tableName": "t", "isTemporary": false}),
            json!({"col_name": "k", "data_type": "string"}),
            json!({"col_name": "v", "data_type": "int"}),
        ]
    );
}

#[test]
fn views_are_planned_at_each_use_and_a_streaming_one_feeds_a_table() {
    let script = format!(
        "{TABLE}CREATE TEMPORARY VIEW big AS SELECT k, v FROM STREAM(t) WHERE v > 1;
         {}SELECT k FROM s;",
        stream("s", "SELECT * FROM big")
    );
    assert_eq!(rows(folder().path(), &script), [json!({"k": "b"})]);
}

#[test]
fn a_query_can_be_explained_without_running_it() {
    let folder = folder();
    let said = run_with(
        folder.path(),
        &[],
        &format!("{TABLE}EXPLAIN SELECT k FROM t WHERE v = 1;"),
    )
    .success();
    assert!(said.out.contains("Physical Plan"), "{}", said.out);
}

#[test]
fn a_second_run_of_a_script_processes_nothing_again() {
    let folder = folder();
    let script = format!(
        "{TABLE}{}SELECT count(*) AS n FROM s;",
        stream("s", "SELECT * FROM STREAM(t)")
    );
    assert_eq!(rows(folder.path(), &script), [json!({"n": 2})]);
    assert_eq!(rows(folder.path(), &script), [json!({"n": 2})]);
    assert!(!folder.path().join("ckpt_s/offsets/1").exists());
}

#[test]
fn progress_goes_to_standard_error_as_json_when_asked() {
    let script = format!("{TABLE}{}", stream("s", "SELECT * FROM STREAM(t)"));
    let said = run_with(folder().path(), &["--progress", "json"], &script).success();
    let progress: Vec<serde_json::Value> = said
        .err
        .lines()
        .filter_map(|l| serde_json::from_str(l).ok())
        .collect();
    let batch = progress
        .iter()
        .find(|p| p["numInputRows"] == 2)
        .expect("the batch's progress");
    assert_eq!(batch["batchId"], 0);
    assert_eq!(batch["name"], "s");
    assert_eq!(said.out, "");
}

#[test]
fn a_failed_query_is_told_at_once_and_the_others_finish_their_batch() {
    let folder = folder();
    fs::create_dir(folder.path().join("bad")).unwrap();
    fs::write(folder.path().join("bad/a.json"), "{\"v\":}\n").unwrap();
    let script = "
        CREATE TABLE r USING rate OPTIONS (rowsPerSecond '10');
        CREATE TABLE b (v INT) USING json OPTIONS (path 'bad', mode 'FAILFAST');
        CREATE STREAMING TABLE good USING parquet LOCATION 'out' OPTIONS (checkpointLocation 'ck')
            AS SELECT value FROM STREAM(r);
        CREATE STREAMING TABLE broken USING noop OPTIONS (checkpointLocation 'ck2') AS SELECT v FROM STREAM(b);";
    let said = run(folder.path(), script);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("broken"), "{}", said.err);
    assert_committed(&folder.path().join("ck"));
}

/// Every logged batch is committed.
fn assert_committed(checkpoint: &Path) {
    let names = |log: &str| {
        let mut names: Vec<String> = fs::read_dir(checkpoint.join(log))
            .map(|entries| {
                entries
                    .map(|e| e.unwrap().file_name().into_string().unwrap())
                    .collect()
            })
            .unwrap_or_default();
        names.sort();
        names
    };
    assert_eq!(names("offsets"), names("commits"));
}

#[test]
fn a_signal_lets_the_batch_finish_and_the_command_exits_zero() {
    for signal in ["-TERM", "-INT"] {
        let folder = folder();
        let script = "CREATE TABLE r USING rate OPTIONS (rowsPerSecond '10');
            CREATE STREAMING TABLE s USING parquet LOCATION 'out' OPTIONS (checkpointLocation 'ck')
            AS SELECT value FROM STREAM(r);";
        let child = start(folder.path(), &[], script);
        while !folder.path().join("ck/commits/0").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(sent.success());
        let said = wait(child);
        assert_eq!(said.code, Some(0), "{signal}: {said:?}");
        assert_committed(&folder.path().join("ck"));
    }
}

#[test]
fn an_unknown_sink_format_is_named_before_anything_else_that_is_missing() {
    let folder = folder();
    let script = format!(
        "{TABLE}CREATE STREAMING TABLE s USING consle OPTIONS (trigger 'once') AS SELECT k FROM STREAM(t);"
    );
    let said = refused(folder.path(), &script);
    assert!(
        said.err.contains("[DATA_SOURCE_NOT_FOUND]") && said.err.contains("Did you mean 'console'?"),
        "{}",
        said.err
    );
}

/// Starts the command, closes its standard output after the first line, and waits.
fn with_a_reader_of_one_line(folder: &Path, script: &str) -> Said {
    let mut child = start(folder, &["--format", "json"], script);
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    drop(out);
    let mut said = wait(child);
    said.out = line;
    said
}

#[test]
fn a_reader_that_goes_ends_the_command_without_a_word() {
    let folder = folder();
    // More than a pipe holds.
    let values: Vec<String> = (0..1000).map(|n| format!("({n})")).collect();
    let script = format!(
        "SELECT n, '{}' AS x FROM (VALUES {}) AS t(n); SELECT nothing FROM nowhere;",
        "x".repeat(500),
        values.join(", ")
    );
    let said = with_a_reader_of_one_line(folder.path(), &script);
    assert_eq!(said.code, Some(141), "{said:?}");
    assert!(said.out.starts_with("{\"n\":0,"), "{}", said.out);
    assert_eq!(said.err, "");
}

#[test]
fn a_reader_that_goes_stops_the_running_queries_after_their_batch() {
    let folder = folder();
    let script = "CREATE TABLE r USING rate OPTIONS (rowsPerSecond '10');
        CREATE STREAMING TABLE kept USING parquet LOCATION 'out' OPTIONS (checkpointLocation 'ck')
            AS SELECT value FROM STREAM(r);
        CREATE STREAMING TABLE shown USING console OPTIONS (format 'json', checkpointLocation 'ck2')
            AS SELECT value FROM STREAM(r);";
    let said = with_a_reader_of_one_line(folder.path(), script);
    assert_eq!(said.code, Some(141), "{said:?}");
    assert_eq!(said.err, "");
    assert_committed(&folder.path().join("ck"));
}
