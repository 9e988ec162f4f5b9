//! Expressions as text (tests/spark/expressions.txt): both engines give the same name, type and rows, or the same error, in two
//! time zones, with ANSI and without.

use std::fs;

use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use serde_json::{Value, json};
use tidemill::prelude::*;
use tidemill::{RowFormat, TidemillError};
use tidemill_sql::record::value::IntervalFields;

use crate::harness::repository;
use crate::harness::spark::spark;

/// The view `t`: a row, a row of nulls, and a row of values below zero.
const VIEW: &str = "SELECT * FROM VALUES
 (1, 10L, 1.5D, CAST(12.34 AS DECIMAL(10,2)), 'Ab c', TIMESTAMP '2024-03-05 13:14:15.123456Z', DATE '2024-03-05', true,
  array(1, 2, 3, 2), map('a', 1, 'b', 2), named_struct('a', 1, 'B', 'x'), 1.25F, 1Y, 2S, '12',
  TIMESTAMP_NTZ '2024-03-05 13:14:15.5', X'6162'),
 (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (-7, -20L, -2.5D, CAST(-0.05 AS DECIMAL(10,2)), 'A_bc', TIMESTAMP '1969-12-31 23:59:58.9Z', DATE '1969-12-31', false,
  array(2, NULL), map('b', CAST(NULL AS INT)), named_struct('a', CAST(NULL AS INT), 'B', 'y'), -0.5F, -2Y, 300S, '-3',
  TIMESTAMP_NTZ '1969-12-31 23:59:58.9', X'')
 AS t(i, l, d, dc, s, ts, dt, b, arr, m, st, f, y, h, n, tn, bin)";

/// Time zones, and whether ANSI is on.
const SETTINGS: [(&str, bool); 4] = [
    ("UTC", true),
    ("UTC", false),
    ("America/New_York", true),
    ("America/New_York", false),
];

/// How many expressions one query evaluates.
const AT_ONCE: usize = 40;

/// What is known to differ of an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Refused,
    RefusedWithoutAnsi,
    Unnamed,
}

struct Line {
    text: String,
    known: Known,
}

impl Line {
    fn is_refused(&self, ansi: bool) -> bool {
        self.known == Known::Refused || self.known == Known::RefusedWithoutAnsi && !ansi
    }
}

fn lines() -> Vec<Line> {
    let text = fs::read_to_string(repository().join("tests/spark/expressions.txt")).unwrap();
    let expressions = text.lines().filter(|l| !l.is_empty() && !l.starts_with("--"));
    expressions
        .map(|line| {
            let (text, mark) = line.rsplit_once(" -- ").unwrap_or((line, ""));
            let known = match mark {
                "" => Known::Nothing,
                "refused" => Known::Refused,
                "refused without ansi" => Known::RefusedWithoutAnsi,
                "unnamed" => Known::Unnamed,
                other => panic!("{line}: no mark {other}"),
            };
            let text = text.to_owned();
            Line { text, known }
        })
        .collect()
}

/// What an engine gives for an expression.
#[derive(Debug, PartialEq)]
enum Answer {
    Column {
        name: String,
        data_type: String,
        rows: Vec<String>,
    },
    /// The condition, and here the text too.
    Error(String, String),
}

fn answer_of_spark(answer: &Value) -> Answer {
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    match answer["rows"].as_array() {
        None => Answer::Error(text("error"), String::new()),
        Some(rows) => Answer::Column {
            name: text("name"),
            data_type: text("type"),
            rows: rows.iter().map(|r| r.as_str().unwrap().to_owned()).collect(),
        },
    }
}

/// Evaluates expressions in one query.
async fn evaluate(session: &StreamingSession, texts: &[&str]) -> Result<Vec<Answer>, TidemillError> {
    let frame = session
        .sql(&format!("SELECT {} FROM t", texts.join(", ")))
        .await?;
    let schema = frame.schema().clone();
    let mut table = Vec::new();
    session.write_rows(frame, RowFormat::Table, &mut table).await?;
    let columns = columns_of(&String::from_utf8(table).unwrap());
    let answers = schema.fields().iter().zip(columns);
    Ok(answers
        .map(|(field, rows)| Answer::Column {
            name: field.name().clone(),
            data_type: column_type(field),
            rows,
        })
        .collect())
}

async fn evaluate_one(session: &StreamingSession, text: &str) -> Answer {
    match evaluate(session, &[text]).await {
        Ok(mut answers) => answers.remove(0),
        Err(error) => Answer::Error(error.condition().to_owned(), error.to_string()),
    }
}

/// Answers to all lines: those that both engines should refuse one by one, the others in few queries, whose columns must have
/// different names.
async fn evaluate_all(
    session: &StreamingSession,
    lines: &[Line],
    theirs: &[Answer],
    ansi: bool,
) -> Vec<Answer> {
    let mut ours: Vec<Option<Answer>> = lines.iter().map(|_| None).collect();
    let mut batches: Vec<Vec<(usize, String)>> = Vec::new();
    for (at, (line, theirs)) in lines.iter().zip(theirs).enumerate() {
        let Answer::Column { name, .. } = theirs else {
            continue;
        };
        let name = name.to_lowercase();
        if !line.is_refused(ansi) {
            let fits = |batch: &&mut Vec<(usize, String)>| {
                batch.len() < AT_ONCE && batch.iter().all(|(_, other)| *other != name)
            };
            match batches.iter_mut().find(fits) {
                Some(batch) => batch.push((at, name)),
                None => batches.push(vec![(at, name)]),
            }
        }
    }
    for batch in batches {
        let texts: Vec<&str> = batch.iter().map(|(at, _)| lines[*at].text.as_str()).collect();
        if let Ok(answers) = evaluate(session, &texts).await {
            for ((at, _), answer) in batch.iter().zip(answers) {
                ours[*at] = Some(answer);
            }
        }
    }
    let mut out = Vec::new();
    for (line, answer) in lines.iter().zip(ours) {
        out.push(match answer {
            Some(answer) => answer,
            None => evaluate_one(session, &line.text).await,
        });
    }
    out
}

/// The cells of a table that was drawn as `show` draws it, column by column.
fn columns_of(table: &str) -> Vec<Vec<String>> {
    let lines: Vec<Vec<char>> = table.lines().map(|line| line.chars().collect()).collect();
    let ends: Vec<usize> = (0..lines[0].len()).filter(|at| lines[0][*at] == '+').collect();
    let rows = || lines.iter().skip(3).filter(|line| line.first() == Some(&'|'));
    let cell = |row: &[char], edges: &[usize]| {
        let cell: String = row[edges[0] + 1..edges[1]].iter().collect();
        cell.trim_end().to_owned()
    };
    ends.windows(2)
        .map(|edges| rows().map(|row| cell(row, edges)).collect())
        .collect()
}

/// The type of a column, whose field says more than the type where it is an interval.
fn column_type(field: &Field) -> String {
    match IntervalFields::of(field) {
        Some(fields) => format!("interval {fields}").to_lowercase(),
        None => type_text(field.data_type()),
    }
}

/// A type as Spark's `catalogString` writes it.
fn type_text(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "void".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::Binary => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz".to_owned(),
        DataType::Duration(TimeUnit::Microsecond) => "interval day to second".to_owned(),
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month".to_owned(),
        DataType::List(element) => format!("array<{}>", type_text(element.data_type())),
        DataType::Struct(fields) => {
            let fields = fields
                .iter()
                .map(|f| format!("{}:{}", f.name(), type_text(f.data_type())));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let parts = fields.iter().map(|f| type_text(f.data_type()));
                format!("map<{}>", parts.collect::<Vec<_>>().join(","))
            }
            other => panic!("map of {other}"),
        },
        other => other.to_string(),
    }
}

/// What differs, in words; `None` when nothing does.
fn difference(line: &Line, ansi: bool, ours: &Answer, theirs: &Answer) -> Option<String> {
    let alike = match (ours, theirs) {
        (Answer::Error(..), _) if line.is_refused(ansi) => true,
        (Answer::Column { .. }, _) if line.is_refused(ansi) => false,
        (Answer::Error(a, _), Answer::Error(b, _)) => a == b,
        (
            Answer::Column {
                name,
                data_type,
                rows,
            },
            Answer::Column {
                name: n,
                data_type: t,
                rows: r,
            },
        ) => {
            let named = match line.known {
                Known::Unnamed => name.starts_with("__unnamed_"),
                _ => name == n,
            };
            named && data_type == t && rows == r
        }
        _ => false,
    };
    (!alike).then(|| format!("{}\n    here:  {ours:?}\n    Spark: {theirs:?}", line.text))
}

#[test]
fn every_expression_gives_sparks_name_type_and_rows_or_error_in_two_zones_with_ansi_and_without() {
    let Some(mut spark) = spark() else { return };
    let lines = lines();
    assert!(lines.len() >= 400);
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let confs = |(zone, ansi): (&str, bool)| {
        json!({"spark.sql.session.timeZone": zone, "spark.sql.ansi.enabled": ansi.to_string(),
            "spark.sql.codegen.wholeStage": "false"})
    };
    let settings: Vec<Value> = SETTINGS.into_iter().map(confs).collect();
    let command = json!({"op": "evaluate", "view": VIEW, "expressions": texts, "settings": settings});
    let theirs = spark.ask(&command);
    drop(spark);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut wrong = Vec::new();
    for ((zone, ansi), theirs) in SETTINGS.into_iter().zip(theirs.as_array().unwrap()) {
        let theirs: Vec<Answer> = theirs.as_array().unwrap().iter().map(answer_of_spark).collect();
        let ours = runtime.block_on(async {
            let session = StreamingSession::new().unwrap();
            session.set_conf("spark.sql.session.timeZone", zone).unwrap();
            session
                .set_conf("spark.sql.ansi.enabled", &ansi.to_string())
                .unwrap();
            session
                .sql(&format!("CREATE TEMPORARY VIEW t AS {VIEW}"))
                .await
                .unwrap();
            let ours = evaluate_all(&session, &lines, &theirs, ansi).await;
            session.stop().await.unwrap();
            ours
        });
        let differences = lines.iter().zip(ours.iter().zip(&theirs));
        wrong.extend(
            differences
                .filter_map(|(line, (ours, theirs))| difference(line, ansi, ours, theirs))
                .map(|text| format!("[{zone}, ansi {ansi}] {text}")),
        );
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
