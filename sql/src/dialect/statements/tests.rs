//! Statements: each accepted form, each refused one with its condition and place.

use arrow::datatypes::{DataType, TimeUnit};

use super::super::SqlDialect;
use super::{ExplainMode, Statement, parse_schema_ddl, parse_script};
use crate::SqlError;

fn one(text: &str) -> Statement {
    let mut statements = parse_script(text, SqlDialect::Spark).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0).statement
}

fn error(text: &str) -> SqlError {
    match parse_script(text, SqlDialect::Spark) {
        Err(error) => error,
        Ok(statements) => panic!("{text}: {statements:?}"),
    }
}

#[test]
fn a_script_is_its_statements_with_their_places() {
    let script = "-- a comment; with a semicolon\nSET a = b;\n\n  SELECT ';' /* ; */ AS x;\n;SHOW TABLES";
    let statements = parse_script(script, SqlDialect::Spark).unwrap();
    let places: Vec<_> = statements.iter().map(|s| s.position).collect();
    assert_eq!(places, [(2, 1), (4, 3), (5, 2)]);
}

#[test]
fn create_table_has_its_clauses_in_any_order() {
    let Statement::CreateTable(create) = one(
        "CREATE TABLE IF NOT EXISTS Db.Events (Ts TIMESTAMP COMMENT 'when', user STRING NOT NULL, `odd name` ARRAY<ARRAY<INT>>)
         PARTITIONED BY (Day) OPTIONS (path 'in', maxFilesPerTrigger = 1, a.b 'c', x true, neg -1) USING JSON
         COMMENT 'c' TBLPROPERTIES ('k' = 'v')",
    ) else {
        panic!("no CREATE TABLE")
    };
    let table = create.table;
    assert_eq!(table.name.to_string(), "db.events");
    assert!(table.if_not_exists);
    assert_eq!(table.format.as_deref(), Some("json"));
    assert_eq!(table.partition_by, ["Day"]);
    assert_eq!(table.comment.as_deref(), Some("c"));
    let options: Vec<_> = table.options.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        options,
        ["path=in", "maxFilesPerTrigger=1", "a.b=c", "x=true", "neg=-1"]
    );
    let schema = table.columns.unwrap();
    let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, ["Ts", "user", "odd name"]);
    assert!(!schema.field(1).is_nullable());
    assert_eq!(
        schema.field(0).metadata().get("comment").map(String::as_str),
        Some("when")
    );
}

#[test]
fn create_streaming_table_has_our_two_clauses_beside_sparks() {
    for text in [
        "CREATE STREAMING TABLE out USING parquet LOCATION 'out' PARTITIONED BY (day) OPTIONS (checkpointLocation 'ckpt') AS SELECT * FROM STREAM(events)",
        "CREATE STREAMING TABLE IF NOT EXISTS out TBLPROPERTIES (outputMode 'append') COMMENT 'x' LOCATION 'out' USING json SELECT 1",
        "create streaming table out (a int, b string) as with c as (select 1) select * from c",
    ] {
        let Statement::CreateStreamingTable(create) = one(text) else {
            panic!("{text}")
        };
        assert_eq!(create.table.name.to_string(), "out");
        assert!(
            create.query.text().to_lowercase().contains("select"),
            "{}",
            create.query.text()
        );
    }
}

#[test]
fn a_view_keeps_the_text_of_its_query() {
    let script = "SET a=1;\nCREATE OR REPLACE TEMPORARY VIEW V (A, b) AS\n SELECT 'it''s' AS x, \"y\" -- end\n FROM STREAM(t) ;";
    let mut statements = parse_script(script, SqlDialect::Spark).unwrap();
    let Statement::CreateView(view) = statements.remove(1).statement else {
        panic!()
    };
    assert!(view.or_replace && view.temporary && !view.if_not_exists);
    assert_eq!(view.name.to_string(), "v");
    assert_eq!(view.columns, ["A", "b"]);
    assert_eq!(
        view.query.text(),
        "SELECT 'it''s' AS x, \"y\" -- end\n FROM STREAM(t)"
    );
    assert_eq!(view.query.position(), (3, 2));
}

#[test]
fn set_takes_raw_text() {
    for (text, expected) in [
        (
            "SET spark.sql.shuffle.partitions = 4",
            ("spark.sql.shuffle.partitions", "4"),
        ),
        ("set key=value with spaces", ("key", "value with spaces")),
        ("SET a.b = 'quoted' = x", ("a.b", "'quoted' = x")),
        ("SET `a b`=`x;y`", ("a b", "x;y")),
        (
            "SET spark.sql.streaming.stopTimeout=10s",
            ("spark.sql.streaming.stopTimeout", "10s"),
        ),
        ("SET a=", ("a", "")),
    ] {
        match parse_script(text, SqlDialect::Spark).map(|mut s| s.remove(0).statement) {
            Ok(Statement::Set { key, value }) => {
                assert_eq!((key.as_str(), value.as_str()), expected, "{text}")
            }
            // A key with a blank is not supported, and says so.
            Err(e) if text.contains('`') => assert_eq!(e.condition, "INVALID_SET_SYNTAX"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(one("SET"), Statement::ShowSettings));
    assert!(
        matches!(one("SET spark.sql.ansi.enabled"), Statement::ShowSetting { key } if key == "spark.sql.ansi.enabled")
    );
    assert!(
        matches!(one("SET TIME ZONE 'Europe/Oslo'"), Statement::SetTimeZone { zone } if zone == "Europe/Oslo")
    );
    assert!(matches!(one("RESET"), Statement::Reset { key: None }));
    assert!(matches!(one("RESET a.b"), Statement::Reset { key: Some(k) } if k == "a.b"));
}

#[test]
fn the_catalogs_statements_are_read() {
    assert!(
        matches!(one("DROP TABLE IF EXISTS T"), Statement::DropTable { name, if_exists: true } if name.to_string() == "t")
    );
    assert!(matches!(
        one("DROP VIEW v"),
        Statement::DropView { if_exists: false, .. }
    ));
    assert!(matches!(
        one("SHOW TABLES"),
        Statement::ShowTables { pattern: None }
    ));
    assert!(matches!(
        one("DESC EXTENDED t"),
        Statement::Describe { extended: true, .. }
    ));
    assert!(
        matches!(one("DESCRIBE TABLE extended"), Statement::Describe { extended: false, name } if name.to_string() == "extended")
    );
    let Statement::Explain { mode, statement } = one("EXPLAIN EXTENDED SELECT 1") else {
        panic!()
    };
    assert_eq!(mode, ExplainMode::Extended);
    assert!(matches!(statement.statement, Statement::Query(_)));
    let Statement::InsertInto(insert) = one("INSERT INTO t (A, b) SELECT 1, 2") else {
        panic!()
    };
    assert_eq!(insert.columns, ["A", "b"]);
    assert!(matches!(one("INSERT INTO t VALUES (1)"), Statement::InsertInto(i) if i.columns.is_empty()));
    assert!(matches!(
        one("CREATE TABLE t USING parquet AS SELECT 1"),
        Statement::CreateTableAs(_)
    ));
    assert!(matches!(
        one("(SELECT 1) UNION ALL VALUES (2)"),
        Statement::Query(_)
    ));
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (text, part) in [
        ("CREATE FLOW f AS INSERT INTO t SELECT 1", "CREATE FLOW"),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT 1",
            "CREATE MATERIALIZED VIEW",
        ),
        ("CREATE OR REFRESH STREAMING TABLE t AS SELECT 1", "OR REFRESH"),
        ("CREATE OR REPLACE TABLE t USING json", "OR REPLACE"),
        (
            "CREATE STREAMING TABLE t CLUSTER BY (a) AS SELECT 1",
            "CLUSTER BY",
        ),
        (
            "CREATE STREAMING TABLE t DEFAULT COLLATION UTF8_LCASE AS SELECT 1",
            "DEFAULT COLLATION",
        ),
        (
            "CREATE STREAMING TABLE t FLOW AUTO CDC FROM STREAM s KEYS (k) SEQUENCE BY c",
            "AUTO CDC",
        ),
        ("CREATE STREAMING TABLE t", "without AS SELECT"),
        ("CREATE SINK s", "CREATE SINK"),
        ("AUTO CDC INTO t FROM STREAM s KEYS (k) SEQUENCE BY c", "AUTO CDC"),
        (
            "CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s KEYS (k) SEQUENCE BY c STORED AS SCD TYPE 1",
            "CREATE FLOW",
        ),
        (
            "CREATE OR REFRESH MATERIALIZED VIEW v AS SELECT 1",
            "CREATE OR REFRESH MATERIALIZED VIEW",
        ),
        (
            "CREATE STREAMING TABLE t (a INT, CONSTRAINT c CHECK (a > 1)) AS SELECT 1",
            "constraint",
        ),
        (
            "CREATE STREAMING TABLE t (CONSTRAINT c EXPECT (a > 1)) AS SELECT 1",
            "constraint",
        ),
        (
            "CREATE STREAMING TABLE t (a INT, PRIMARY KEY (a)) AS SELECT 1",
            "constraint",
        ),
        ("DROP MATERIALIZED VIEW v", "DROP MATERIALIZED VIEW"),
        ("DROP STREAMING TABLE t", "DROP STREAMING TABLE"),
        ("REFRESH MATERIALIZED VIEW v", "REFRESH MATERIALIZED VIEW"),
        ("REFRESH STREAMING TABLE v", "REFRESH STREAMING TABLE"),
        (
            "ALTER STREAMING TABLE t ADD COLUMN x INT",
            "ALTER STREAMING TABLE",
        ),
        ("ALTER TABLE t ADD COLUMN x INT", "ALTER TABLE"),
        ("DROP FUNCTION f", "DROP FUNCTION"),
        ("SHOW STREAMS", "SHOW STREAMS"),
        ("STOP STREAM s", "STOP STREAM"),
        ("SET -v", "SET -v"),
        ("MERGE INTO t USING s ON 1 = 1", "MERGE"),
        (
            "CREATE TABLE t (x INT) PARTITIONED BY (days(x)) USING json",
            "transform",
        ),
    ] {
        let error = error(text);
        assert!(error.message.contains(part), "{text}: {error}");
        assert!(error.position.is_some(), "{text}");
        assert!(error.condition.starts_with("UNSUPPORTED"), "{text}: {error}");
    }
}

#[test]
fn what_only_a_pipeline_of_sparks_runs_has_sparks_condition() {
    for (text, condition) in [
        (
            "CREATE FLOW f AS INSERT INTO t BY NAME SELECT 1",
            "CREATE_FLOW_QUERY_EXECUTION",
        ),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT 1",
            "CREATE_PIPELINE_DATASET_QUERY_EXECUTION",
        ),
    ] {
        assert_eq!(
            error(text).condition,
            format!("UNSUPPORTED_FEATURE.{condition}"),
            "{text}"
        );
    }
}

#[test]
fn the_clauses_of_a_streaming_table_stand_in_any_order() {
    let clauses = [
        "USING parquet",
        "PARTITIONED BY (a)",
        "COMMENT 'c'",
        "TBLPROPERTIES (k = 'v')",
        "LOCATION 'out'",
        "OPTIONS (checkpointLocation 'ckpt')",
    ];
    for first in 0..clauses.len() {
        let mut order = clauses;
        order.rotate_left(first);
        for reversed in [false, true] {
            if reversed {
                order.reverse();
            }
            let text = format!("CREATE STREAMING TABLE t {} AS SELECT 1 AS a", order.join(" "));
            let Statement::CreateStreamingTable(create) = one(&text) else {
                panic!("{text}")
            };
            let table = create.table;
            assert_eq!(table.format.as_deref(), Some("parquet"), "{text}");
            assert_eq!(table.partition_by, ["a"], "{text}");
            assert_eq!(table.comment.as_deref(), Some("c"), "{text}");
            assert_eq!(table.location.as_deref(), Some("out"), "{text}");
            assert_eq!((table.properties.len(), table.options.len()), (1, 1), "{text}");
        }
        let twice = format!(
            "CREATE STREAMING TABLE t {0} {0} AS SELECT 1 AS a",
            clauses[first]
        );
        assert_eq!(error(&twice).condition, "DUPLICATE_CLAUSES", "{twice}");
    }
}

#[test]
fn syntax_errors_have_their_place() {
    for (text, place) in [
        ("SELECT 1;\nSELECT ) x", (2, 8)),
        ("SELEC 1", (1, 1)),
        ("SELECT 1 FROM t t t", (1, 19)),
        ("CREATE TABLE t (a INT,) USING json", (1, 23)),
        ("CREATE TABLE t USING json OPTIONS (a)", (1, 37)),
        ("CREATE TABLE t USING json USING csv", (1, 27)),
        ("SELECT 'open", (1, 8)),
        ("SELECT 12abc", (1, 8)),
    ] {
        let error = error(text);
        assert_eq!(error.position, Some(place), "{text}: {error}");
    }
}

#[test]
fn every_data_type_of_sparks_ddl_is_read() {
    let schema = parse_schema_ddl(
        "a boolean, b tinyint, b2 byte, c smallint, d int, e integer, f bigint, g long, h float, i double, j string, k binary, \
         l date, m timestamp, n timestamp_ntz, o timestamp_ltz, p decimal(38,10), q decimal, r array<struct<x: int, y string>>, \
         s map<string,array<int>>, t struct<>",
    )
    .unwrap();
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let type_of = |name: &str| schema.field_with_name(name).unwrap().data_type().clone();
    assert_eq!(type_of("g"), DataType::Int64);
    assert_eq!(type_of("m"), utc);
    assert_eq!(type_of("o"), utc);
    assert_eq!(type_of("n"), DataType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(type_of("p"), DataType::Decimal128(38, 10));
    assert_eq!(type_of("q"), DataType::Decimal128(10, 0));
    let DataType::List(element) = type_of("r") else {
        panic!()
    };
    assert_eq!(element.name(), "element");
    assert!(matches!(type_of("s"), DataType::Map(entries, false) if entries.name() == "entries"));
    for (ddl, condition) in [
        ("a INTERVAL", "UNSUPPORTED_DATATYPE"),
        ("a uuid", "UNSUPPORTED_DATATYPE"),
        ("a decimal(39,1)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"),
        ("a int, A string", "COLUMN_ALREADY_EXISTS"),
        ("a", "PARSE_SYNTAX_ERROR"),
        ("", "PARSE_SYNTAX_ERROR"),
    ] {
        assert_eq!(parse_schema_ddl(ddl).unwrap_err().condition, condition, "{ddl}");
    }
    assert_eq!(parse_schema_ddl("struct<A: int>").unwrap().field(0).name(), "A");
}
