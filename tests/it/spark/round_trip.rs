//! Rows of every type chosen at random (by a seed), written by each engine in each format and read by both: whoever wrote
//! and whoever reads, the rows are those that were written, as far as the format can hold them.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::records::{Outcome, read};
use super::writes::write;
use crate::harness::Seeded;
use crate::harness::entries::Entry;
use crate::harness::spark::spark;

/// Columns that every format holds, then those of JSON and Parquet alone.
const FLAT: &str = "b BOOLEAN, y TINYINT, h SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, n DECIMAL(20, 5), s STRING, dt DATE, \
     t TIMESTAMP, z TIMESTAMP_NTZ";
const NESTED: &str = "x BINARY, a ARRAY<STRING>, aa ARRAY<ARRAY<DOUBLE>>, m MAP<STRING, DECIMAL(10, 2)>, \
     st STRUCT<p: INT, q: ARRAY<STRUCT<r: DATE, u: TIMESTAMP>>>";
const ROWS: usize = 400;

fn text(seeded: &mut Seeded) -> Value {
    let alphabet = [
        'a',
        'Z',
        '0',
        ' ',
        ',',
        '"',
        '\\',
        '\'',
        '\n',
        '\t',
        '\u{e9}',
        '\u{1f600}',
        '#',
        '{',
        '=',
        '\u{1}',
    ];
    let length = seeded.below(9);
    json!(
        (0..length)
            .map(|_| alphabet[seeded.below(16) as usize])
            .collect::<String>()
    )
}

/// A number of up to so many bits, of either sign.
fn whole(seeded: &mut Seeded, bits: u32) -> i64 {
    let shift = 64 - bits + u32::try_from(seeded.below(u64::from(bits))).unwrap();
    i64::from_ne_bytes(seeded.below(u64::MAX).to_ne_bytes()) >> shift
}

fn double(seeded: &mut Seeded) -> Value {
    match seeded.below(8) {
        0 => json!("NaN"),
        1 => json!("-Infinity"),
        2 => json!(-0.0),
        3 => json!(whole(seeded, 50) as f64),
        _ => loop {
            let value = f64::from_bits(seeded.below(u64::MAX));
            if value.is_finite() {
                break json!(value);
            }
        },
    }
}

fn float(seeded: &mut Seeded) -> Value {
    let value = f32::from_bits(u32::try_from(seeded.below(1 << 32)).unwrap());
    if value.is_finite() {
        json!(value)
    } else {
        json!("Infinity")
    }
}

fn day(seeded: &mut Seeded) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        1600 + seeded.below(900),
        1 + seeded.below(12),
        1 + seeded.below(28)
    )
}

/// A time to milliseconds, which is what text files keep.
fn time(seeded: &mut Seeded, zone: &str) -> Value {
    let (h, m, s, ms) = (
        seeded.below(24),
        seeded.below(60),
        seeded.below(60),
        seeded.below(1000),
    );
    json!(format!("{}T{h:02}:{m:02}:{s:02}.{ms:03}{zone}", day(seeded)))
}

fn value(seeded: &mut Seeded, name: &str) -> Value {
    if seeded.below(6) == 0 {
        return Value::Null;
    }
    match name {
        "b" => json!(seeded.below(2) == 0),
        "y" => json!(whole(seeded, 8)),
        "h" => json!(whole(seeded, 16)),
        "i" => json!(whole(seeded, 32)),
        "l" => json!(whole(seeded, 64)),
        "f" => float(seeded),
        "d" => double(seeded),
        "n" => json!(format!("{}.{:05}", whole(seeded, 48), seeded.below(100_000))),
        "dt" => json!(day(seeded)),
        "t" => time(seeded, "Z"),
        "z" => time(seeded, ""),
        "x" => json!(["", "AQL/", "AA==", "8J+YgA=="][seeded.below(4) as usize]),
        "a" => (0..seeded.below(4)).map(|_| value(seeded, "s")).collect(),
        "aa" => (0..seeded.below(3))
            .map(|_| (0..seeded.below(3)).map(|_| double(seeded)).collect::<Value>())
            .collect(),
        "m" => {
            let entries =
                (0..seeded.below(3)).map(|at| (format!("k{at}"), json!(format!("{}.5", whole(seeded, 20)))));
            Value::Object(entries.collect())
        }
        "st" => {
            let inner =
                (0..seeded.below(3)).map(|_| json!({"r": value(seeded, "dt"), "u": value(seeded, "t")}));
            let inner: Value = inner.collect();
            json!({"p": value(seeded, "i"), "q": inner})
        }
        _ => text(seeded),
    }
}

fn rows(seed: u64, schema: &str) -> String {
    let mut seeded = Seeded::new(seed);
    let names = [
        "b", "y", "h", "i", "l", "f", "d", "n", "s", "dt", "t", "z", "x", "a", "aa", "m", "st",
    ];
    let of_schema =
        |name: &&str| schema.starts_with(&format!("{name} ")) || schema.contains(&format!(", {name} "));
    let names: Vec<&str> = names.into_iter().filter(of_schema).collect();
    let row = |_| {
        let fields: Map<String, Value> = names
            .iter()
            .map(|name| ((*name).to_owned(), value(&mut seeded, name)))
            .collect();
        Value::Object(fields).to_string() + "\n"
    };
    (0..ROWS).map(row).collect()
}

/// How a format is written and read so that nothing is lost: strings of CSV keep their blanks, and none is null.
fn entry(format: &str) -> Entry {
    let mut entry = Entry {
        format: format.to_owned(),
        ..Entry::default()
    };
    if format == "csv" {
        for name in ["ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace"] {
            entry.options.insert(name.to_owned(), json!("false"));
        }
        entry.options.insert("escape".to_owned(), json!("\""));
    }
    entry
}

/// Rows in order; older Java runtimes write some floats with more digits than they need.
fn sorted(rows: Vec<String>) -> Vec<String> {
    let plain = |row: String| {
        let mut row: Value = serde_json::from_str(&row).unwrap_or_else(|e| panic!("{e}: {row}"));
        if let Some(float) = row["f"].as_f64() {
            row["f"] = json!((float as f32).to_string());
        }
        row.to_string()
    };
    let mut rows: Vec<String> = rows.into_iter().map(plain).collect();
    rows.sort_unstable();
    rows
}

fn outcome(answer: &Value) -> Vec<String> {
    match Outcome::of_spark(answer) {
        Outcome::Rows(_, rows) => sorted(rows),
        refused => panic!("{}", refused.shown()),
    }
}

fn first_difference(what: &str, found: &[String], expected: &[String]) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{what}: {} rows, not {}", found.len(), expected.len()));
    }
    let (found, expected) = found.iter().zip(expected).find(|(a, b)| a != b)?;
    Some(format!("{what}\n  found:   {found}\n  written: {expected}"))
}

#[test]
fn random_rows_of_every_type_come_back_whoever_wrote_and_whoever_reads() {
    let Some(mut spark) = spark() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (seed, format) in [(1, "json"), (2, "csv"), (3, "parquet")] {
        let schema = if format == "csv" {
            FLAT.to_owned()
        } else {
            format!("{FLAT}, {NESTED}")
        };
        let folder = folder.path().join(format);
        fs::create_dir_all(&folder).unwrap();
        let input = folder.join("rows.json");
        fs::write(&input, rows(seed, &schema)).unwrap();
        let path = |of: &Path| of.to_str().unwrap().to_owned();
        let (ours, sparks) = (folder.join("ours"), folder.join("spark"));
        let mut entry = entry(format);
        runtime
            .block_on(write(&entry, &schema, &path(&input), &ours))
            .unwrap();
        let source = json!({"op": "read", "format": "json", "schema": schema, "path": path(&input)});
        let written = spark.ask(&json!({"op": "write_all", "input": source,
            "writes": [{"format": format, "path": path(&sparks), "options": entry.options}]}));
        assert!(written[0].is_null(), "{written}");
        if format == "csv" {
            entry.options.insert("multiLine".to_owned(), json!("true"));
        }
        let command = |path: &Path| json!({"op": "read", "format": format, "schema": schema, "path": path, "options": entry.options});
        let ours = ours.join("out");
        let answers =
            spark.ask(&json!({"op": "read_all", "reads": [source, command(&ours), command(&sparks)]}));
        // What CSV cannot tell apart, null and the empty string, it loses in Spark too.
        let expected = outcome(&answers[if format == "csv" { 2 } else { 0 }]);
        entry.schema = Some(schema);
        let here = |path: &Path| {
            sorted(
                runtime
                    .block_on(read(&entry, path.to_str().unwrap(), None))
                    .unwrap()
                    .1,
            )
        };
        for (what, found) in [
            ("written here, read by Spark", outcome(&answers[1])),
            ("written by Spark, read by Spark", outcome(&answers[2])),
            ("written here, read here", here(&ours)),
            ("written by Spark, read here", here(&sparks)),
        ] {
            wrong.extend(first_difference(&format!("{format}: {what}"), &found, &expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
