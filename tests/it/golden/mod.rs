//! Tidemill goes on where Spark stopped: every stateless golden case, cut at every batch boundary.
//!
//! A cut takes the logs back to a committed batch, as if Spark had ended there. The files of later batches are hidden
//! and come back one batch at a time; each run of the command must then make exactly the next batch, with the offsets
//! and the rows that Spark had.

mod cleaning;
mod file_sink;
mod logs;
mod rate;
mod stateful;
mod union;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::command;
use crate::harness::golden::{GoldenCase, uri_to_path};
use crate::harness::sorted;

/// How a case's query is written for Tidemill.
struct Query {
    /// Name and folder of each source table; all have the case's schema.
    sources: &'static [(&'static str, &'static str)],
    /// The SELECT; the case's own text where it is one.
    select: Option<&'static str>,
}

/// Resumes the case from every cut with a script and checks batch by batch.
fn resumes_from_every_cut(name: &str, query: &Query) {
    resumes_with(name, &|case| {
        command::run(&case.root(), &script(case, query)).success().rows()
    });
}

/// Resumes the case from every cut and checks batch by batch; `run` gives the rows with their `_batch_id`.
fn resumes_with(name: &str, run: &dyn Fn(&GoldenCase) -> Vec<Value>) {
    let all = GoldenCase::unpack(name).batches();
    let cuts = std::iter::once(None).chain(all.iter().map(|b| Some(b.id)));
    for cut in cuts.take(all.len()) {
        let case = GoldenCase::unpack(name);
        hide_inputs_after(&case, cut);
        case.cut_after(cut);
        for batch in all.iter().filter(|b| cut.is_none_or(|c| b.id > c)) {
            reveal_inputs_of(&case, batch.id);
            let (ids, rows) = console_rows(&run(&case));
            assert!(
                ids.iter().all(|id| *id == batch.id),
                "{name} cut after {cut:?}: {ids:?}"
            );
            assert_eq!(
                rows,
                without_nulls(batch.rows.clone().unwrap()),
                "{name} cut after {cut:?}: rows of batch {}",
                batch.id
            );
            assert_offsets_as_in_the_case(&case, batch.id);
        }
    }
}

/// The script that runs the case's query to the console.
fn script(case: &GoldenCase, query: &Query) -> String {
    let schema = case.case["sourceSchema"].as_str().unwrap();
    let mut out = settings(case);
    for (name, folder) in query.sources {
        out.push_str(&format!(
            "CREATE TABLE {name} ({schema}) USING json OPTIONS (path '{folder}');\n"
        ));
    }
    let select = query
        .select
        .unwrap_or_else(|| case.case["query"].as_str().unwrap());
    out.push_str(&format!(
        "CREATE STREAMING TABLE shown USING console OPTIONS (format 'json', checkpointLocation 'checkpoint', \
         outputMode '{}', trigger 'availableNow') AS {select};\n",
        case.case["outputMode"].as_str().unwrap()
    ));
    out
}

/// The case's confs as SET statements.
fn settings(case: &GoldenCase) -> String {
    let confs = case.case["confs"].as_object().unwrap();
    confs
        .iter()
        .map(|(key, value)| format!("SET {key} = {};\n", value.as_str().unwrap()))
        .collect()
}

/// Batch ids and rows of console lines, the rows sorted.
fn console_rows(lines: &[Value]) -> (Vec<u64>, Vec<Value>) {
    let mut ids = Vec::new();
    let mut rows = Vec::new();
    for line in lines {
        let mut row = line.as_object().unwrap().clone();
        ids.push(row.shift_remove("_batch_id").unwrap().as_u64().unwrap());
        rows.push(Value::Object(row));
    }
    (ids, without_nulls(rows))
}

/// JSON writers leave null fields out; the cases have them.
fn without_nulls(rows: Vec<Value>) -> Vec<Value> {
    let clean = |row: Value| match row {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    };
    sorted(rows.into_iter().map(clean).collect())
}

fn assert_offsets_as_in_the_case(case: &GoldenCase, batch: u64) {
    let path = case.root().join(format!("checkpoint/offsets/{batch}"));
    let written = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = written.lines().skip(2).collect();
    let golden = batch_json(case, batch)["offsets"].clone();
    let expected: Vec<&str> = golden
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o.as_str().unwrap())
        .collect();
    assert_eq!(lines, expected, "{}", path.display());
    assert!(case.root().join(format!("checkpoint/commits/{batch}")).exists());
}

fn batch_json(case: &GoldenCase, batch: u64) -> Value {
    let batches = case.case["batches"].as_array().unwrap();
    let found = batches.iter().find(|b| b["batchId"].as_u64() == Some(batch));
    found.unwrap().clone()
}

/// The files that a batch reads, under the case's folder.
fn inputs_of(case: &GoldenCase, batch: u64) -> Vec<PathBuf> {
    let batch = batch_json(case, batch);
    let mut out: Vec<PathBuf> = Vec::new();
    for files in batch["inputFiles"].as_object().unwrap().values() {
        for file in files.as_array().unwrap() {
            let path = uri_to_path(&format!("file://{}", file.as_str().unwrap()));
            if !out.contains(&path) {
                out.push(path);
            }
        }
    }
    out
}

fn hide_inputs_after(case: &GoldenCase, cut: Option<u64>) {
    for batch in case.batches().iter().filter(|b| cut.is_none_or(|c| b.id > c)) {
        for file in inputs_of(case, batch.id) {
            let hidden = case.root().join("hidden").join(&file);
            fs::create_dir_all(hidden.parent().unwrap()).unwrap();
            fs::rename(case.root().join(&file), hidden).unwrap();
        }
    }
}

fn reveal_inputs_of(case: &GoldenCase, batch: u64) {
    for file in inputs_of(case, batch) {
        fs::rename(case.root().join("hidden").join(&file), case.root().join(&file)).unwrap();
    }
}

const ONE_SOURCE: Query = Query {
    sources: &[("e", "input")],
    select: None,
};

#[test]
fn a_cte_used_twice_is_one_source_and_is_resumed() {
    resumes_from_every_cut("sources_cte_twice", &ONE_SOURCE);
}

#[test]
fn a_sql_self_union_is_two_sources_and_is_resumed() {
    resumes_from_every_cut("sources_self_union_sql", &ONE_SOURCE);
}

#[test]
fn a_branch_that_is_never_true_keeps_its_source_and_is_resumed() {
    resumes_from_every_cut("sources_false_branch", &ONE_SOURCE);
}

#[test]
fn a_union_of_two_sources_is_resumed_where_one_had_no_data_yet() {
    let query = Query {
        sources: &[("a", "input_a"), ("b", "input_b")],
        select: Some("SELECT k, v FROM STREAM(a) UNION ALL SELECT k, v FROM STREAM(b)"),
    };
    resumes_from_every_cut("union_two_sources", &query);
}
