//! One query, run by Tidemill and Spark in turn on one checkpoint: the rows are exact after every leg.

use std::path::Path;

use serde_json::{Value, json};

use super::{SCHEMA, ids, write_records};
use crate::harness::command;
use crate::harness::spark::{Spark, spark};

/// A query that both engines run.
struct Relay {
    /// Tables and the folders they read, in the order of the query.
    sources: &'static [(&'static str, &'static str)],
    /// The query as Tidemill reads it, and as Spark does over temporary views of the same names.
    tidemill: &'static str,
    spark: &'static str,
    format: &'static str,
    partition_by: &'static [&'static str],
    /// Source names, for checkpoints that know sources by name.
    names: &'static [&'static str],
    confs: &'static [(&'static str, &'static str)],
}

const PLAIN: Relay = Relay {
    sources: &[("src", "in")],
    tidemill: "SELECT id, k, v, ts FROM STREAM(src) WHERE id % 10 <> 3",
    spark: "SELECT id, k, v, ts FROM src WHERE id % 10 <> 3",
    format: "parquet",
    partition_by: &[],
    names: &[],
    confs: &[],
};

impl Relay {
    fn tidemill_leg(&self, folder: &Path) {
        let mut script = String::new();
        for (key, value) in self.confs {
            script.push_str(&format!("SET {key} = {value};\n"));
        }
        for (table, input) in self.sources {
            script.push_str(&format!(
                "CREATE TABLE {table} ({SCHEMA}) USING json OPTIONS (path '{input}', maxFilesPerTrigger '1');\n"
            ));
        }
        let partitions = match self.partition_by {
            [] => String::new(),
            columns => format!("PARTITIONED BY ({})", columns.join(", ")),
        };
        script.push_str(&format!(
            "CREATE STREAMING TABLE target USING {} LOCATION 'out' {partitions}
             OPTIONS (checkpointLocation 'ck', trigger 'availableNow') AS {};",
            self.format, self.tidemill
        ));
        command::run(folder, &script).success();
    }

    fn spark_leg(&self, folder: &Path, spark: &mut Spark) {
        let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
        let mut sources = Vec::new();
        for (at, (table, input)) in self.sources.iter().enumerate() {
            let mut source = json!({"view": table, "format": "json", "schema": SCHEMA, "path": path(input),
                "options": {"maxFilesPerTrigger": "1"}});
            if let Some(name) = self.names.get(at) {
                source["name"] = (*name).into();
            }
            sources.push(source);
        }
        let confs: serde_json::Map<String, Value> = self
            .confs
            .iter()
            .map(|(k, v)| ((*k).to_string(), (*v).into()))
            .collect();
        spark.ask(
            &json!({"op": "run", "checkpoint": path("ck"), "sql": self.spark, "sources": sources,
            "sink": {"format": self.format, "path": path("out"), "partitionBy": self.partition_by},
            "confs": confs}),
        );
    }

    fn ids_read_by_spark(&self, folder: &Path, spark: &mut Spark) -> Vec<u64> {
        let schema = (self.format != "parquet").then_some(match self.format {
            "csv" => "id BIGINT, k STRING, v DOUBLE, ts STRING",
            _ => "id BIGINT, k STRING, v DOUBLE, ts TIMESTAMP",
        });
        ids(&spark.rows(self.format, folder.join("out").to_str().unwrap(), schema))
    }

    /// Four legs, the engines in turn, new input before each; `first` begins.
    fn run(&self, spark: &mut Spark, tidemill_first: bool) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut next = 0;
        let mut expected: Vec<u64> = Vec::new();
        for leg in 0..4 {
            for (_, input) in self.sources {
                for part in 0..2 {
                    write_records(
                        &folder.join(input),
                        &format!("{leg}-{part}.json"),
                        next,
                        next + 15,
                    );
                    expected.extend((next..next + 15).filter(|id| id % 10 != 3));
                    next += 15;
                }
            }
            if (leg % 2 == 0) == tidemill_first {
                self.tidemill_leg(folder);
            } else {
                self.spark_leg(folder, spark);
            }
            assert_eq!(self.ids_read_by_spark(folder, spark), expected, "after leg {leg}");
        }
    }
}

#[test]
fn spark_continues_a_parquet_query_of_tidemills_and_hands_it_back() {
    let Some(mut spark) = spark() else { return };
    PLAIN.run(&mut spark, true);
}

#[test]
fn tidemill_continues_a_parquet_query_of_sparks_and_hands_it_back() {
    let Some(mut spark) = spark() else { return };
    PLAIN.run(&mut spark, false);
}

#[test]
fn json_and_csv_queries_pass_between_the_engines() {
    let Some(mut spark) = spark() else { return };
    for format in ["json", "csv"] {
        Relay { format, ..PLAIN }.run(&mut spark, true);
    }
}

#[test]
fn a_partitioned_query_passes_between_the_engines() {
    let Some(mut spark) = spark() else { return };
    let relay = Relay {
        partition_by: &["k"],
        ..PLAIN
    };
    relay.run(&mut spark, true);
}

#[test]
fn a_union_passes_between_the_engines() {
    let Some(mut spark) = spark() else { return };
    let relay = Relay {
        sources: &[("a", "in_a"), ("b", "in_b")],
        tidemill: "SELECT id, k, v, ts FROM STREAM(a) WHERE id % 10 <> 3
                   UNION ALL SELECT id, k, v, ts FROM STREAM(b) WHERE id % 10 <> 3",
        spark: "SELECT id, k, v, ts FROM a WHERE id % 10 <> 3
                UNION ALL SELECT id, k, v, ts FROM b WHERE id % 10 <> 3",
        ..PLAIN
    };
    relay.run(&mut spark, true);
    relay.run(&mut spark, false);
}

#[test]
fn an_offset_log_of_version_two_passes_between_the_engines() {
    let Some(mut spark) = spark() else { return };
    let relay = Relay {
        confs: &[("spark.sql.streaming.offsetLog.formatVersion", "2")],
        ..PLAIN
    };
    relay.run(&mut spark, true);
}

#[test]
fn named_sources_pass_between_the_engines() {
    let Some(mut spark) = spark() else { return };
    let relay = Relay {
        sources: &[("a", "in_a"), ("b", "in_b")],
        tidemill: "SELECT id, k, v, ts FROM STREAM(a) IDENTIFIED BY left_one WHERE id % 10 <> 3
                   UNION ALL SELECT id, k, v, ts FROM STREAM(b) IDENTIFIED BY right_one WHERE id % 10 <> 3",
        spark: "SELECT id, k, v, ts FROM a WHERE id % 10 <> 3
                UNION ALL SELECT id, k, v, ts FROM b WHERE id % 10 <> 3",
        names: &["left_one", "right_one"],
        confs: &[("spark.sql.streaming.queryEvolution.enableSourceEvolution", "true")],
        ..PLAIN
    };
    relay.run(&mut spark, true);
}

/// The rate source's values are a counter, so that whoever reads must find them without gaps.
#[test]
fn a_rate_query_passes_between_the_engines() {
    let Some(mut spark) = spark() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let script = "CREATE TABLE r USING rate OPTIONS (rowsPerSecond '100');
        CREATE STREAMING TABLE target USING parquet LOCATION 'out'
        OPTIONS (checkpointLocation 'ck', trigger 'availableNow') AS SELECT value AS id FROM STREAM(r);";
    let mut before = 0;
    for leg in 0..4 {
        let mut rows;
        loop {
            if leg % 2 == 0 {
                command::run(folder.path(), script).success();
            } else {
                spark.ask(
                    &json!({"op": "run", "checkpoint": path("ck"), "sql": "SELECT value AS id FROM r",
                    "sources": [{"view": "r", "format": "rate", "options": {"rowsPerSecond": "100"}}],
                    "sink": {"format": "parquet", "path": path("out")}}),
                );
            }
            // The first batch of a rate stream covers no second yet; a next one comes with the clock.
            rows = ids(&spark.rows("parquet", &path("out"), Some("id BIGINT")));
            if rows.len() > before {
                break;
            }
        }
        assert!(rows.iter().copied().eq(0..rows.len() as u64), "after leg {leg}");
        before = rows.len();
    }
}
