//! The same rows written by both engines (tests/spark/writes.txt): the bytes of JSON, CSV and text files and the names of
//! their folders are the same; of Parquet, what Spark reads.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};
use tidemill::prelude::*;

use super::records::Outcome;
use crate::harness::entries::Entry;
use crate::harness::golden::files;
use crate::harness::spark::{Spark, spark};

/// The rows of files by folder and by what stands behind a part's number, unpacked; in order unless split by partitions.
type Written = BTreeMap<String, Vec<u8>>;

fn plain(path: &Path) -> Vec<u8> {
    let file = File::open(path).unwrap();
    let mut reader: Box<dyn Read> = match path.extension().unwrap().to_str().unwrap() {
        "gz" => Box::new(flate2::read::MultiGzDecoder::new(file)),
        "deflate" => Box::new(flate2::read::ZlibDecoder::new(file)),
        "bz2" => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        _ => Box::new(file),
    };
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    out
}

fn written(folder: &Path) -> Written {
    let mut out = Written::new();
    for path in files(folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some((_, extension)) = name
            .strip_prefix("part-")
            .and_then(|part| part.rsplit_once("c000."))
        else {
            continue;
        };
        let parent = path.parent().unwrap().strip_prefix(folder).unwrap();
        let mut bytes = plain(&path);
        if parent.components().next().is_some() {
            let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
            lines.sort_unstable();
            bytes = lines.concat();
        }
        let key = format!("{}/{extension}", parent.to_str().unwrap());
        out.entry(key).or_default().extend(bytes);
    }
    out
}

fn command(entry: &Entry, path: &str) -> Value {
    let select = match entry.select.as_slice() {
        [] => vec!["*".to_owned()],
        list => list.to_vec(),
    };
    json!({"select": select, "format": entry.format, "path": path, "options": entry.options,
        "partitionBy": entry.partition_by, "confs": entry.confs})
}

/// Streams the rows of a JSON file into the folder `out`, as the entry says.
pub(super) async fn write(entry: &Entry, schema: &str, input: &str, folder: &Path) -> Result<()> {
    let session = StreamingSession::new()?;
    session.set_conf("spark.sql.session.timeZone", "UTC")?;
    for (key, value) in &entry.confs {
        session.set_conf(key, value.as_str().unwrap())?;
    }
    session
        .sql(&format!(
            "CREATE TABLE rows ({schema}) USING json OPTIONS (path '{input}')"
        ))
        .await?;
    let select = match entry.select.as_slice() {
        [] => "*".to_owned(),
        list => list.join(", "),
    };
    let frame = session.sql(&format!("SELECT {select} FROM STREAM(rows)")).await?;
    let mut writer = frame
        .write_stream()
        .format(entry.format.as_str())
        .option("checkpointLocation", folder.join("checkpoint").display())
        .partition_by(entry.partition_by.clone())
        .trigger(Trigger::AvailableNow);
    for (name, value) in &entry.options {
        writer = writer.option(name, value.as_str().unwrap());
    }
    let query = writer.start_path(folder.join("out").to_str().unwrap()).await?;
    query.await_termination(None).await?;
    session.stop().await
}

/// What differs between the folders of one entry.
fn difference(entry: &Entry, ours: &Path, sparks: &Path, spark: &mut Spark) -> Option<String> {
    let (here, there) = (written(ours), written(sparks));
    let names = |of: &Written| of.keys().cloned().collect::<Vec<_>>();
    if names(&here) != names(&there) {
        return Some(format!(
            "  here:  {:?}\n  Spark: {:?}",
            names(&here),
            names(&there)
        ));
    }
    if entry.format == "parquet" {
        let read = |path: &Path| json!({"op": "read", "format": "parquet", "path": path.to_str().unwrap()});
        let both = spark.ask(&json!({"op": "read_all", "reads": [read(ours), read(sparks)]}));
        let outcome = |answer: &Value| Outcome::of_spark(answer).sorted();
        let (here, there) = (outcome(&both[0]), outcome(&both[1]));
        let shown = || format!("  here:  {}\n  Spark: {}", here.shown(), there.shown());
        assert!(matches!(there, Outcome::Rows(..)), "{}", there.shown());
        return (!here.agrees_with(&there)).then(shown);
    }
    let (name, here) = here
        .iter()
        .find(|(name, bytes)| there.get(*name) != Some(bytes))?;
    let there = &there[name];
    let same = here.iter().zip(there).take_while(|(a, b)| a == b).count();
    let shown = |bytes: &[u8]| {
        let from = bytes[..same.min(bytes.len())]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        String::from_utf8_lossy(&bytes[from..bytes.len().min(same + 80)]).into_owned()
    };
    Some(format!(
        "  in {name}\n  here:  {:?}\n  Spark: {:?}",
        shown(here),
        shown(there)
    ))
}

#[test]
fn rows_of_every_type_are_written_as_spark_writes_them() {
    let Some(mut spark) = spark() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut entries = Entry::all("writes.txt");
    let rows = entries.remove(0);
    let schema = rows.schema.as_deref().unwrap();
    let input = folder.path().join("rows.json");
    fs::write(&input, &rows.file).unwrap();
    let input = input.to_str().unwrap();
    let place = |what: &str, at: usize| folder.path().join(format!("{what}-{at}"));
    assert!(entries.len() >= 50);
    let numbered = entries.iter().enumerate();
    let writes: Vec<Value> = numbered
        .map(|(at, entry)| command(entry, place("spark", at).to_str().unwrap()))
        .collect();
    let source = json!({"format": "json", "schema": schema, "path": input});
    let answers = spark.ask(&json!({"op": "write_all", "input": source, "writes": writes}));
    let mut wrong = Vec::new();
    for (at, (entry, answer)) in entries.iter().zip(answers.as_array().unwrap()).enumerate() {
        assert!(answer.is_null(), "Spark refused {}: {answer}", entry.name);
        let ours = place("ours", at);
        let found = match runtime.block_on(write(entry, schema, input, &ours)) {
            Ok(()) => difference(entry, &ours.join("out"), &place("spark", at), &mut spark),
            Err(error) => Some(format!("  refused here: {error}")),
        };
        wrong.extend(found.map(|found| format!("{} | {}\n{found}", entry.format, entry.name)));
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        entries.len(),
        wrong.join("\n")
    );
}
