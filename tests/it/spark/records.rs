//! Files of JSON, CSV and text records (tests/spark/records.txt) mean the same in both engines: the columns, the rows, what
//! is malformed in each mode, and which condition a refusal has.

use std::fs;
use std::path::Path;

use datafusion::prelude::DataFrame;
use serde_json::{Value, json};
use tidemill::prelude::*;
use tidemill_sql::record::{JsonEncoder, JsonWriteOptions, RecordEncoder};

use crate::harness::entries::Entry;
use crate::harness::spark::spark;
use crate::harness::types;

const MODES: [&str; 3] = ["PERMISSIVE", "DROPMALFORMED", "FAILFAST"];

/// What reading gave: the schema and the rows as JSON, or the conditions of the refusal.
pub(super) enum Outcome {
    Rows(String, Vec<String>),
    Refused(Vec<String>, String),
}

impl Outcome {
    /// Of an answer of the driver's `read_all`.
    pub(super) fn of_spark(answer: &Value) -> Self {
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.map(|one| one.as_str().unwrap().to_owned()).collect()
        };
        match answer.get("rows") {
            Some(rows) => Self::Rows(types::of_spark(&answer["schema"]), texts(rows)),
            None => Self::Refused(texts(&answer["conditions"]), answer["error"].to_string()),
        }
    }

    pub(super) fn of_ours(result: Result<(String, Vec<String>)>) -> Self {
        match result {
            Ok((schema, rows)) => Self::Rows(schema, rows),
            Err(error) => Self::Refused(vec![error.condition().to_owned()], error.to_string()),
        }
    }

    /// The same with its rows in the order of their text.
    pub(super) fn sorted(mut self) -> Self {
        if let Self::Rows(_, rows) = &mut self {
            rows.sort_unstable();
        }
        self
    }

    /// In words.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Rows(schema, rows) => format!("{schema} {}", rows.join(" ")),
            Self::Refused(conditions, text) => {
                format!("{conditions:?} {}", text.chars().take(300).collect::<String>())
            }
        }
    }

    /// Whether it is what Spark did. Where Spark's refusal has no condition of its own, any refusal is.
    pub(super) fn agrees_with(&self, sparks: &Self) -> bool {
        match (self, sparks) {
            (Self::Rows(schema, rows), Self::Rows(sparks_schema, sparks_rows)) => {
                schema == sparks_schema && rows == sparks_rows
            }
            (Self::Refused(ours, _), Self::Refused(sparks, _)) => {
                let class = |condition: &String| condition.split('.').next().unwrap_or_default().to_owned();
                let named = |class: &String| {
                    let is_condition = |c: char| c.is_ascii_uppercase() || c == '_';
                    class.chars().all(is_condition) && class != "FAILED_READ_FILE"
                };
                let sparks: Vec<String> = sparks.iter().map(class).filter(named).collect();
                sparks.is_empty() || ours.iter().all(|condition| sparks.contains(&class(condition)))
            }
            _ => false,
        }
    }
}

/// The rows of a query as Spark's driver writes them.
pub(super) async fn rows_as_json(frame: DataFrame) -> Result<(String, Vec<String>)> {
    let batches = frame.collect().await?;
    let get = |name: &str| match name {
        "ignoreNullFields" => Some("false".to_owned()),
        "timestampFormat" => Some("yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX".to_owned()),
        "timestampNTZFormat" => Some("yyyy-MM-dd'T'HH:mm:ss.SSSSSS".to_owned()),
        _ => None,
    };
    let (mut schema, mut text) = (String::new(), Vec::new());
    for batch in &batches {
        schema = types::of_schema(batch.schema_ref());
        let options = JsonWriteOptions::from_options(&get, "UTC").unwrap();
        let mut encoder = JsonEncoder::new(batch.schema_ref(), options).unwrap();
        encoder.encode(batch, &mut text).unwrap();
    }
    let text = String::from_utf8(text).unwrap();
    Ok((schema, text.lines().map(str::to_owned).collect()))
}

/// Reads an entry's columns out of a file or folder.
pub(super) async fn read(entry: &Entry, path: &str, mode: Option<&str>) -> Result<(String, Vec<String>)> {
    let session = StreamingSession::new()?;
    session.set_conf("spark.sql.session.timeZone", "UTC")?;
    let columns = entry.schema.as_ref().map_or(String::new(), |s| format!("({s})"));
    let mut first = vec![("path", path)];
    first.extend(mode.map(|mode| ("mode", mode)));
    let options = entry.sql_options(&first);
    session
        .sql(&format!(
            "CREATE TABLE t {columns} USING {} {options}",
            entry.format
        ))
        .await?;
    let select = match entry.select.as_slice() {
        [] => "*".to_owned(),
        list => list.join(", "),
    };
    let frame = session.sql(&format!("SELECT {select} FROM t")).await?;
    let empty = types::of_schema(frame.schema().as_arrow());
    let (schema, rows) = rows_as_json(frame).await?;
    Ok((if rows.is_empty() { empty } else { schema }, rows))
}

/// Each entry in each of its modes.
fn cases(entries: &[Entry]) -> Vec<(&Entry, Option<&str>)> {
    let modes_of = |entry: &Entry| match entry.modes.as_deref() {
        None => MODES.map(Some).to_vec(),
        Some("one") => vec![None],
        Some(other) => panic!("what modes are {other}?"),
    };
    let pairs = entries.iter().map(|entry| (entry, modes_of(entry)));
    pairs
        .flat_map(|(entry, modes)| modes.into_iter().map(move |mode| (entry, mode)))
        .collect()
}

fn sparks_command(entry: &Entry, path: &str, mode: Option<&str>) -> Value {
    let mut command =
        json!({"op": "read", "format": entry.format, "path": path, "options": entry.options.clone()});
    if let Some(mode) = mode {
        command["options"]["mode"] = mode.into();
    }
    if let Some(schema) = &entry.schema {
        command["schema"] = schema.as_str().into();
    }
    if !entry.select.is_empty() {
        command["select"] = json!(entry.select);
    }
    command
}

fn path_of(folder: &Path, at: usize) -> String {
    folder.join(format!("{at}.txt")).to_str().unwrap().to_owned()
}

#[test]
fn records_of_every_kind_are_read_as_spark_reads_them() {
    let Some(mut spark) = spark() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let entries = Entry::all("records.txt");
    let cases = cases(&entries);
    assert!(entries.len() >= 120 && cases.len() >= 250);
    let mut commands = Vec::new();
    for (at, (entry, mode)) in cases.iter().enumerate() {
        let path = path_of(folder.path(), at);
        fs::write(&path, &entry.file).unwrap();
        commands.push(sparks_command(entry, &path, *mode));
    }
    let answers = spark.ask(&json!({"op": "read_all", "reads": commands}));
    let mut wrong = Vec::new();
    for (at, ((entry, mode), answer)) in cases.iter().zip(answers.as_array().unwrap()).enumerate() {
        let ours = runtime.block_on(read(entry, &path_of(folder.path(), at), *mode));
        let (ours, sparks) = (Outcome::of_ours(ours), Outcome::of_spark(answer));
        if !ours.agrees_with(&sparks) {
            let name = format!("{} | {} {mode:?}", entry.format, entry.name);
            wrong.push(format!(
                "{name}\n  here:  {}\n  Spark: {}",
                ours.shown(),
                sparks.shown()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
