//! Parquet files whose types are not the table's, that lack columns or have more, whose timestamps are stored in two ways;
//! and the types of partition columns: read here as Spark reads them, or refused where Spark refuses.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tidemill::prelude::*;

use super::records::{Outcome, rows_as_json};
use crate::harness::spark::{Spark, spark};

/// A type of a file's column and a value of it.
pub(super) const FILE_TYPES: [(&str, &str); 15] = [
    ("TINYINT", "CAST(7 AS TINYINT)"),
    ("SMALLINT", "CAST(7 AS SMALLINT)"),
    ("INT", "7"),
    ("BIGINT", "7L"),
    ("FLOAT", "1.1F"),
    ("DOUBLE", "1.5D"),
    ("DECIMAL(5, 2)", "CAST(1.25 AS DECIMAL(5, 2))"),
    ("DECIMAL(12, 2)", "CAST(1.25 AS DECIMAL(12, 2))"),
    ("DECIMAL(20, 2)", "CAST(1.25 AS DECIMAL(20, 2))"),
    ("STRING", "'7'"),
    ("BINARY", "X'3141'"),
    ("DATE", "DATE '2024-01-02'"),
    ("TIMESTAMP", "TIMESTAMP '2024-01-02 03:04:05.123456Z'"),
    ("TIMESTAMP_NTZ", "TIMESTAMP_NTZ '2024-01-02 03:04:05.123456'"),
    ("BOOLEAN", "true"),
];

/// Types of a table's column.
pub(super) const TABLE_TYPES: [&str; 16] = [
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(7, 4)",
    "DECIMAL(12, 2)",
    "DECIMAL(20, 0)",
    "DECIMAL(22, 4)",
    "STRING",
    "BINARY",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
    "BOOLEAN",
];

const TIMES: &[&str] = &[
    "TIMESTAMP '1969-12-31 23:59:59.123456Z' AS t",
    "array(TIMESTAMP '2024-07-01 00:00:00.5Z') AS a",
];

/// What is written one after the other: a folder, the columns, and how timestamps are stored.
const AGES: [(&str, &[&str], &str); 8] = [
    (
        "ages",
        &[
            "1 AS id",
            "CAST(5 AS INT) AS v",
            "CAST(1.25 AS DECIMAL(5, 2)) AS d",
            "CAST(2.5 AS FLOAT) AS f",
            "named_struct('x', 1) AS s",
            "'gone' AS old",
        ],
        "INT96",
    ),
    (
        "ages",
        &[
            "2 AS id",
            "5000000000L AS v",
            "CAST(123456.125 AS DECIMAL(12, 3)) AS d",
            "2.25D AS f",
            "named_struct('x', 2, 'y', 'q') AS s",
            "'added' AS k",
        ],
        "INT96",
    ),
    (
        "ages",
        &["'turned' AS K", "CAST(6 AS BIGINT) AS V", "3 AS ID"],
        "INT96",
    ),
    (
        "merged",
        &[
            "1 AS id",
            "CAST(1.25 AS DECIMAL(5, 2)) AS d",
            "named_struct('x', 1) AS s",
        ],
        "INT96",
    ),
    (
        "merged",
        &[
            "'k' AS k",
            "2 AS ID",
            "CAST(1.25 AS DECIMAL(9, 2)) AS d",
            "named_struct('y', 'q') AS s",
        ],
        "INT96",
    ),
    ("times", TIMES, "INT96"),
    ("times", TIMES, "TIMESTAMP_MICROS"),
    ("times", TIMES, "TIMESTAMP_MILLIS"),
];

/// Where Spark takes the stored bits for another value, or cuts them off: refused here.
fn is_reinterpreted(file: &str, table: &str) -> bool {
    let whole = ["TINYINT", "SMALLINT", "INT", "BIGINT"];
    let width = |t: &str| whole.iter().position(|w| *w == t);
    match (width(file), width(table)) {
        (Some(file), Some(table)) => table < file,
        (Some(_), None) => table == "DATE",
        (None, Some(_)) => true,
        (None, None) => {
            (file.starts_with("DECIMAL") || file == "DATE")
                && ["DOUBLE", "BINARY", "DATE"].contains(&table)
                && file != table
        }
    }
}

/// A folder to read, with the columns that are declared.
pub(super) struct Case {
    pub(super) path: String,
    pub(super) schema: Option<String>,
    pub(super) options: &'static [(&'static str, &'static str)],
}

impl Case {
    pub(super) fn new(path: &Path, schema: Option<&str>) -> Self {
        Self {
            path: path.to_str().unwrap().to_owned(),
            schema: schema.map(str::to_owned),
            options: &[],
        }
    }

    fn format(&self) -> &'static str {
        if self.path.contains("/json-") {
            "json"
        } else if self.path.contains("/orc-") {
            "orc"
        } else {
            "parquet"
        }
    }

    fn sparks_command(&self) -> Value {
        let mut command = json!({"op": "read", "format": self.format(), "path": self.path, "options": {}});
        for (name, value) in self.options {
            command["options"][name] = (*value).into();
        }
        if let Some(schema) = &self.schema {
            command["schema"] = schema.as_str().into();
        }
        command
    }
}

async fn read(case: &Case) -> Result<(String, Vec<String>)> {
    let session = StreamingSession::new()?;
    session.set_conf("spark.sql.session.timeZone", "UTC")?;
    let columns = case.schema.as_ref().map_or(String::new(), |s| format!("({s})"));
    let options: String = case
        .options
        .iter()
        .map(|(name, value)| format!(", {name} '{value}'"))
        .collect();
    let (format, path) = (case.format(), &case.path);
    session
        .sql(&format!(
            "CREATE TABLE t {columns} USING {format} OPTIONS (path '{path}'{options})"
        ))
        .await?;
    rows_as_json(session.sql("SELECT * FROM t").await?).await
}

/// Reads each case in both engines; rows in the order of their text.
fn both(spark: &mut Spark, cases: &[Case]) -> Vec<(Outcome, Outcome)> {
    both_in(spark, cases, "UTC")
}

/// As [`both`], Spark with this time zone of its JVM.
pub(super) fn both_in(spark: &mut Spark, cases: &[Case], zone: &str) -> Vec<(Outcome, Outcome)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let reads: Vec<Value> = cases.iter().map(Case::sparks_command).collect();
    let answers = spark.ask(&json!({"op": "read_all", "reads": reads, "zone": zone}));
    let ours = cases
        .iter()
        .map(|case| Outcome::of_ours(runtime.block_on(read(case))).sorted());
    let sparks = answers.as_array().unwrap().iter();
    ours.zip(sparks.map(|answer| Outcome::of_spark(answer).sorted()))
        .collect()
}

/// What differs, in words.
pub(super) fn differing(what: &str, (ours, sparks): &(Outcome, Outcome)) -> String {
    format!("{what}\n  here:  {}\n  Spark: {}", ours.shown(), sparks.shown())
}

/// Has Spark write a row, or rows, into a folder.
fn write(spark: &mut Spark, folder: &Path, writes: &[(&str, &[&str], Value)]) {
    let input = folder.join("one.json");
    fs::write(&input, "{\"one\":1}\n").unwrap();
    let writes: Vec<Value> = writes
        .iter()
        .map(|(name, select, confs)| {
            json!({"select": select, "format": "parquet", "path": folder.join(name), "mode": "append", "confs": confs})
        })
        .collect();
    let source = json!({"format": "json", "schema": "one INT", "path": input});
    let answers = spark.ask(&json!({"op": "write_all", "input": source, "writes": writes}));
    assert!(
        answers.as_array().unwrap().iter().all(Value::is_null),
        "{answers}"
    );
}

pub(super) fn report(what: &str, wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} {what} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_parquet_column_is_widened_where_spark_widens_it_and_refused_where_spark_refuses() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..FILE_TYPES.len()).map(|at| format!("type-{at}")).collect();
    let values: Vec<String> = FILE_TYPES
        .iter()
        .map(|(_, value)| format!("{value} AS v"))
        .collect();
    let selects: Vec<[&str; 1]> = values.iter().map(|value| [value.as_str()]).collect();
    let writes: Vec<(&str, &[&str], Value)> = names
        .iter()
        .zip(&selects)
        .map(|(name, select)| (name.as_str(), select.as_slice(), json!({})))
        .collect();
    write(&mut spark, folder.path(), &writes);
    let mut cases = Vec::new();
    for name in &names {
        for table in TABLE_TYPES {
            cases.push(Case::new(&folder.path().join(name), Some(&format!("v {table}"))));
        }
    }
    let pairs = FILE_TYPES
        .iter()
        .flat_map(|(file, _)| TABLE_TYPES.map(|table| (*file, table)));
    let mut wrong = Vec::new();
    let mut read = 0;
    for ((file, table), pair) in pairs.zip(both(&mut spark, &cases)) {
        let right = match (&pair.0, is_reinterpreted(file, table)) {
            (Outcome::Refused(conditions, _), true) => conditions[0].ends_with("DATA_TYPE_MISMATCH"),
            (Outcome::Rows(..), true) => false,
            (ours, false) => ours.agrees_with(&pair.1),
        };
        read += u32::from(matches!(pair.0, Outcome::Rows(..)));
        if !right {
            wrong.push(differing(&format!("{file} as {table}"), &pair));
        }
    }
    assert!(read > 30);
    report("pairs of types", &wrong);
}

#[test]
fn parquet_files_of_several_ages_are_one_table_as_in_spark() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<(&str, &[&str], Value)> = AGES
        .iter()
        .map(|(name, select, stored)| {
            let confs = json!({"spark.sql.parquet.outputTimestampType": stored});
            (*name, *select, confs)
        })
        .collect();
    write(&mut spark, folder.path(), &all);
    let merge: &'static [(&'static str, &'static str)] = &[("mergeSchema", "true")];
    let case = |name: &str, schema: Option<&str>| Case::new(&folder.path().join(name), schema);
    let cases = [
        case("ages", Some("id INT, v BIGINT, k STRING")),
        case("ages", Some("id BIGINT, d DECIMAL(12, 3), f DOUBLE")),
        case("ages", Some("id INT, s STRUCT<x: INT, y: STRING>")),
        case("ages", Some("nowhere INT, old STRING")),
        case("ages", Some("id INT, v INT")),
        case("times", Some("t TIMESTAMP, a ARRAY<TIMESTAMP>")),
        case("times", None),
        Case {
            options: merge,
            ..case("ages", None)
        },
        Case {
            options: merge,
            ..case("merged", None)
        },
    ];
    let mut wrong = Vec::new();
    for (case, pair) in cases.iter().zip(both(&mut spark, &cases)) {
        if !pair.0.agrees_with(&pair.1) {
            wrong.push(differing(
                &format!("{} {:?} {:?}", case.path, case.schema, case.options),
                &pair,
            ));
        }
    }
    report("tables", &wrong);
}

#[test]
fn the_types_and_values_of_partition_columns_are_sparks() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let values: [&[&str]; 23] = [
        &["1", "2"],
        &["1", "99999999999"],
        &["1", "1.5"],
        &["1", "99999999999999999999"],
        &["99999999999", "1.5"],
        &["2024-01-01", "2024-01-02"],
        &["2024-01-01", "x"],
        &["2024-01-01 10%3A00%3A00", "2024-01-01 10%3A00%3A00.5"],
        &["2024-01-01", "2024-01-01 10%3A00%3A00"],
        &["1", "__HIVE_DEFAULT_PARTITION__"],
        &["true", "false"],
        &["1e3"],
        &["1.50", "-2.25"],
        &["NaN"],
        &["+5", "-5", "01"],
        &["1", "2024-01-01"],
        &["1d"],
        &["2024-1-1"],
        &["0x1"],
        &[" 1"],
        &["a b", "c%2Fd", "%", "%zz", "ü"],
        &["2024-01-01T10%3A00%3A00"],
        &["99999999999999999999999999999999999999999"],
    ];
    let mut cases = Vec::new();
    for (at, values) in values.iter().enumerate() {
        let table = folder.path().join(format!("json-{at}"));
        for (row, value) in values.iter().enumerate() {
            let place = table.join(format!("p={value}"));
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("a.json"), format!("{{\"v\":{row}}}\n")).unwrap();
        }
        cases.push(Case::new(&table, Some("v INT")));
    }
    let mut wrong = Vec::new();
    for (values, pair) in values.iter().zip(both(&mut spark, &cases)) {
        if !pair.0.agrees_with(&pair.1) {
            wrong.push(differing(&format!("{values:?}"), &pair));
        }
    }
    report("partition columns", &wrong);
}
