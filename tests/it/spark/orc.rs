//! ORC files that Spark wrote: every type in every codec and two time zones, types that are not the table's, columns that
//! are missing, more, nested or of another case. They are read here as Spark reads them, or refused by name.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::records::Outcome;
use super::tables::{Case, FILE_TYPES, TABLE_TYPES, both_in, differing, report};
use crate::harness::spark::{Spark, spark};

/// Rows of the numbers that are written, in stripes of a thousand.
const ROWS: usize = 2_500;

/// Columns of a number `n`, with nulls at every depth.
const COLUMNS: &[&str] = &[
    "n",
    "n % 3 = 0 AS b",
    "CAST(n % 100 AS TINYINT) AS t",
    "IF(n % 7 = 0, NULL, CAST(n AS SMALLINT)) AS s",
    "CAST(n AS BIGINT) * 1000000007 AS l",
    "CAST(n / 4D AS FLOAT) AS f",
    "IF(n = 5, double('NaN'), n / 8D) AS d",
    "CAST(n AS DECIMAL(10, 2)) / 8 AS m",
    "CAST(-n AS DECIMAL(38, 18)) AS w",
    "IF(n % 5 = 0, NULL, repeat(chr(97 + n % 26), n % 40)) AS str",
    "concat('k', n % 3) AS few",
    "CAST(concat('ü', n) AS BINARY) AS bin",
    "date_add(DATE '1500-01-01', n * 97) AS dt",
    "timestamp_seconds(n * 31556952L - 62135596800L / (1 + n % 2)) AS ts",
    "timestamp_micros(n * 1500000001L - 1000000000000L) AS near",
    "CAST(concat(lpad(1 + n, 4, '0'), '-03-10 02:30:00.5') AS TIMESTAMP_NTZ) AS ntz",
    "IF(n % 4 = 0, NULL, transform(sequence(0, n % 3), x -> IF(x = 1, NULL, x))) AS a",
    "array(named_struct('p', n, 'Q', IF(n % 2 = 0, 'q', NULL)), NULL) AS ast",
    "map(concat('m', n), IF(n % 2 = 0, NULL, array(n))) AS mp",
    "IF(n % 6 = 0, NULL, named_struct('x', n, 'y', IF(n % 2 = 0, NULL, named_struct('t', timestamp_seconds(n))))) AS st",
];

/// What is written to one folder after the other, and read under several schemas.
const AGES: [(&str, &[&str]); 7] = [
    (
        "orc-ages",
        &[
            "1 AS id",
            "CAST(5 AS INT) AS v",
            "named_struct('x', 1) AS s",
            "'gone' AS old",
        ],
    ),
    (
        "orc-ages",
        &[
            "2 AS id",
            "5000000000L AS v",
            "named_struct('X', 2L, 'y', 'q') AS s",
            "'added' AS k",
        ],
    ),
    (
        "orc-ages",
        &["'turned' AS K", "CAST(6 AS BIGINT) AS V", "3 AS ID"],
    ),
    ("orc-merged", &["1 AS id", "named_struct('x', 1) AS s"]),
    // Spark takes the files in no order: the columns are the same in each.
    (
        "orc-merged",
        &["2 AS id", "named_struct('x', 2, 'y', 'q') AS s", "'k' AS k"],
    ),
    ("orc-hive", &["1 AS _col0", "'x' AS _col1"]),
    (
        "orc-nested",
        &[
            "array(named_struct('u', 1, 'v', 2)) AS arr",
            "map('k', named_struct('w', 1)) AS m",
            "array(map(1, array('x'))) AS deep",
        ],
    ),
];

/// Has Spark write rows of the numbers below `rows` into folders: their names, columns, options.
fn write(spark: &mut Spark, folder: &Path, rows: usize, zone: &str, writes: &[(String, &[&str], Value)]) {
    let input = folder.join("numbers.json");
    let lines: String = (0..rows).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    fs::write(&input, lines).unwrap();
    let writes: Vec<Value> = writes
        .iter()
        .map(|(name, select, options)| {
            json!({"select": select, "format": "orc", "path": folder.join(name), "mode": "append", "options": options})
        })
        .collect();
    let source = json!({"format": "json", "schema": "n INT", "path": input});
    let answers = spark.ask(&json!({"op": "write_all", "input": source, "writes": writes, "zone": zone}));
    assert!(
        answers.as_array().unwrap().iter().all(Value::is_null),
        "{answers}"
    );
}

#[test]
fn orc_files_of_every_type_codec_and_zone_hold_what_spark_reads_in_them() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for zone in ["UTC", "America/New_York", "Asia/Kolkata"] {
        let codecs: &[&str] = match zone {
            "UTC" => &["none", "zlib", "snappy", "lzo", "lz4", "zstd"],
            _ => &["zstd"],
        };
        let place = folder.path().join(zone.replace('/', "-"));
        fs::create_dir(&place).unwrap();
        let writes: Vec<(String, &[&str], Value)> = codecs
            .iter()
            .map(|codec| {
                let options = json!({"compression": codec, "orc.stripe.row.count": "1000"});
                (format!("orc-{codec}"), COLUMNS, options)
            })
            .collect();
        write(&mut spark, &place, ROWS, zone, &writes);
        let cases: Vec<Case> = writes
            .iter()
            .map(|(name, _, _)| Case::new(&place.join(name), None))
            .collect();
        for (codec, pair) in codecs.iter().zip(both_in(&mut spark, &cases, zone)) {
            match &pair {
                (Outcome::Rows(ours, rows), Outcome::Rows(sparks, theirs)) => {
                    assert_eq!((ours, rows.len()), (sparks, ROWS), "{zone} {codec}");
                    let differ = rows.iter().zip(theirs).filter(|(a, b)| a != b).take(5);
                    wrong.extend(differ.map(|(a, b)| format!("{zone} {codec}\n  here:  {a}\n  Spark: {b}")));
                }
                _ => wrong.push(differing(&format!("{zone} {codec}"), &pair)),
            }
        }
    }
    report("rows", &wrong);
}

#[test]
fn an_orc_column_is_converted_as_spark_converts_it_or_refused_by_name() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let values: Vec<String> = FILE_TYPES
        .iter()
        .map(|(_, value)| format!("{value} AS v"))
        .collect();
    let selects: Vec<[&str; 1]> = values.iter().map(|value| [value.as_str()]).collect();
    let writes: Vec<(String, &[&str], Value)> = selects
        .iter()
        .enumerate()
        .map(|(at, select)| (format!("orc-{at}"), select.as_slice(), json!({})))
        .collect();
    write(&mut spark, folder.path(), 1, "UTC", &writes);
    let mut cases = Vec::new();
    let mut pairs = Vec::new();
    for ((file, _), (name, _, _)) in FILE_TYPES.iter().zip(&writes) {
        for table in TABLE_TYPES {
            cases.push(Case::new(&folder.path().join(name), Some(&format!("v {table}"))));
            pairs.push((*file, table));
        }
    }
    let mut wrong = Vec::new();
    let mut read = 0;
    for ((file, table), pair) in pairs.into_iter().zip(both_in(&mut spark, &cases, "UTC")) {
        let right = match &pair.0 {
            // The same number, with one digit more in Java 17's text.
            Outcome::Rows(..) if (file, table) == ("TIMESTAMP_NTZ", "FLOAT") => true,
            Outcome::Rows(..) => pair.0.agrees_with(&pair.1),
            // Whole numbers and what is of the table's type are never refused.
            Outcome::Refused(conditions, _) => {
                conditions[0] == "UNSUPPORTED_FEATURE.ORC_TYPE_CAST"
                    && file != table
                    && !(file.ends_with("INT") && (table.ends_with("INT") || table == "STRING"))
            }
        };
        read += u32::from(matches!(pair.0, Outcome::Rows(..)));
        if !right {
            wrong.push(differing(&format!("{file} as {table}"), &pair));
        }
    }
    assert!(read > 60, "{read}");
    report("pairs of types", &wrong);
}

#[test]
fn orc_files_of_several_ages_are_one_table_as_in_spark() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let writes: Vec<(String, &[&str], Value)> = AGES
        .iter()
        .map(|(name, select)| ((*name).to_owned(), *select, json!({})))
        .collect();
    write(&mut spark, folder.path(), 1, "UTC", &writes);
    let case = |name: &str, schema: Option<&str>| Case::new(&folder.path().join(name), schema);
    let merged = |name: &str| Case {
        options: &[("mergeSchema", "true")],
        ..case(name, None)
    };
    let cases = [
        case("orc-ages", Some("id INT, v BIGINT, k STRING")),
        case("orc-ages", Some("ID STRING, v INT")),
        case("orc-ages", Some("id INT, s STRUCT<x: INT, y: STRING>")),
        case(
            "orc-ages",
            Some("id INT, s STRUCT<y: STRING, more: DATE, X: BIGINT>"),
        ),
        case("orc-ages", Some("nowhere INT, old STRING")),
        case("orc-ages", Some("id INT, s INT")),
        merged("orc-ages"),
        merged("orc-merged"),
        case("orc-hive", None),
        case("orc-hive", Some("id BIGINT, name STRING, more INT")),
        case("orc-hive", Some("id INT")),
        case("orc-nested", None),
        case(
            "orc-nested",
            Some("arr ARRAY<STRUCT<v: BIGINT, n: STRING>>, m MAP<STRING, STRUCT<W: STRING>>"),
        ),
        case("orc-nested", Some("deep ARRAY<MAP<BIGINT, ARRAY<BINARY>>>")),
    ];
    let mut wrong = Vec::new();
    for (case, pair) in cases.iter().zip(both_in(&mut spark, &cases, "UTC")) {
        if !pair.0.agrees_with(&pair.1) {
            wrong.push(differing(
                &format!("{} {:?} {:?}", case.path, case.schema, case.options),
                &pair,
            ));
        }
    }
    report("tables", &wrong);
}
