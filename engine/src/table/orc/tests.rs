//! ORC files that Spark wrote, and damaged ones, as tables.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::prelude::col;
use orc_rust::ArrowWriterBuilder;
use orc_rust::compression::CompressionType;
use tidemill_sql::dialect::simple_type_name;

use crate::source::testing::{Fixture, drain};
use crate::source::{SourceDefinition, StreamSource};
use crate::{Options, Result};

/// Written by Spark with zstd in a JVM in New York: a row of values, one of nulls, one of extremes.
const ALL_TYPES: &[u8] = include_bytes!("fixtures/all_types.orc");

/// Written by Spark in a JVM in New York: `ts` is the instant whose text in UTC is `v`, `ntz` and `d` are of `v` too.
const TIMES: &[u8] = include_bytes!("fixtures/times_new_york.orc");

const UTC: &str = "UTC";

fn timestamp(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

/// A file of these columns in stripes of some rows.
fn orc(columns: Vec<(&str, ArrayRef)>, stripe_rows: usize, codec: Option<CompressionType>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriterBuilder::new(&mut file, batch.schema());
    if let Some(codec) = codec {
        writer = writer.with_compression(codec);
    }
    let mut writer = writer.try_build().unwrap();
    for start in (0..batch.num_rows()).step_by(stripe_rows) {
        let rows = stripe_rows.min(batch.num_rows() - start);
        writer.write(&batch.slice(start, rows)).unwrap();
        writer.flush_stripe().unwrap();
    }
    writer.close().unwrap();
    file
}

fn ints(values: Vec<i32>) -> ArrayRef {
    Arc::new(Int32Array::from(values))
}

async fn table(
    f: &Fixture,
    schema: &[(&str, DataType)],
    options: &[(&str, &str)],
) -> Result<Arc<dyn TableProvider>> {
    f.define("orc", schema, options).await?.batch_table()
}

async fn inferred(f: &Fixture, options: &[(&str, &str)]) -> Result<Arc<dyn TableProvider>> {
    let mut options: Options = options.iter().copied().collect();
    options.set("path", f.path("in").to_str().unwrap());
    SourceDefinition::resolve_table("orc", None, options, &f.session, &f.conf)
        .await?
        .batch_table()
}

#[tokio::test]
async fn every_type_of_sparks_is_inferred_and_read() {
    let f = Fixture::new();
    f.put("in/a.orc", ALL_TYPES, 1);
    let table = inferred(&f, &[]).await.unwrap();
    let types = DataType::Struct(table.schema().fields().clone());
    assert_eq!(
        simple_type_name(&types),
        "struct<b:boolean,t:tinyint,s:smallint,i:int,l:bigint,f:float,d:double,m:decimal(10,2),mm:decimal(38,18),\
         str:string,bin:binary,dt:date,ts:timestamp,ntz:timestamp_ntz,arr:array<int>,mp:map<string,struct<n:bigint>>,\
         st:struct<x:int,Y:struct<z:string>>>"
    );
    let nulls = ["null"; 17].join(",");
    let values = "true,1,2,3,4,1.5,2.5,12.34,-1.500000000000000000,x,0102,1500-03-01,2024-11-03T05:30:00.123456Z,\
                  2024-03-10T02:30:00.500,[1, null, 3],{a: {n: 1}},{x: 1, Y: {z: q}}";
    let extremes = "false,-1,-2,-3,-4,NaN,-inf,-0.01,0.000000000000000000,,,1969-12-31,1500-03-01T00:00:00.000001Z,\
                    0001-01-01T00:00:00,[],{},{x: null, Y: null}";
    assert_eq!(f.rows(table).await, [extremes, &nulls, values]);
}

#[tokio::test]
async fn times_are_what_a_writer_in_another_zone_meant() {
    let f = Fixture::new();
    f.put("in/a.orc", TIMES, 1);
    let schema = [
        ("v", DataType::Utf8),
        ("ts", timestamp(Some(UTC))),
        ("ntz", timestamp(None)),
        ("d", DataType::Date32),
    ];
    let rows = f.rows(table(&f, &schema, &[]).await.unwrap()).await;
    assert_eq!(rows.len(), 22);
    for row in rows {
        let [v, ts, ntz, d]: [&str; 4] = row.split(',').collect::<Vec<_>>().try_into().unwrap();
        let expected = match v {
            // A day that Java's calendar lacks, and a fraction of a second before 1970, which ORC cannot store: as Spark
            // reads them.
            "1582-10-10 01:02:03" => ("1582-10-16 01:02:03", "1582-10-15"),
            "1969-12-31 23:59:59.5" => ("1970-01-01 00:00:00.5", "1969-12-31"),
            other => (other, other.split_once(' ').unwrap().0),
        };
        let digits = |text: &str| text.replace(['T', ' '], " ").trim_end_matches('Z').to_owned();
        let same = |found: &str, wanted: &str| {
            let found = digits(found);
            found == wanted || found.trim_end_matches('0') == wanted
        };
        assert!(same(ts, expected.0), "{row}");
        assert!(same(ntz, v), "{row}");
        assert_eq!(d, expected.1, "{row}");
    }
}

#[tokio::test]
async fn columns_are_found_by_name_and_converted_as_spark_converts_them() {
    let f = Fixture::new();
    f.put("in/a.orc", ALL_TYPES, 1);
    let inner = |name: &str, data_type| DataType::Struct(vec![Field::new(name, data_type, true)].into());
    let schema = [
        ("ST", inner("y", inner("absent", DataType::Int32))),
        ("i", DataType::Utf8),
        ("L", DataType::Int8),
        ("f", DataType::Float64),
        ("m", DataType::Decimal128(20, 1)),
        ("nowhere", DataType::Date32),
    ];
    assert_eq!(
        f.rows(table(&f, &schema, &[]).await.unwrap()).await,
        [
            "null,null,null,null,null,null",
            "{y: null},-3,-4,NaN,0.0,null",
            "{y: {absent: null}},3,4,1.5,12.3,null"
        ]
    );
    for (name, wanted, text) in [
        (
            "dt",
            DataType::Int32,
            "Unable to convert \"DATE\" of Orc to data type \"INT\": column `dt`",
        ),
        (
            "ts",
            timestamp(None),
            "\"TIMESTAMP\" of Orc to data type \"TIMESTAMP_NTZ\"",
        ),
        (
            "ntz",
            timestamp(Some(UTC)),
            "\"TIMESTAMP_NTZ\" of Orc to data type \"TIMESTAMP\"",
        ),
        (
            "arr",
            DataType::Utf8,
            "\"ARRAY<INT>\" of Orc to data type \"STRING\"",
        ),
        ("str", DataType::Int32, "\"STRING\" of Orc to data type \"INT\""),
    ] {
        let table = table(&f, &[(name, wanted), ("b", DataType::Boolean)], &[])
            .await
            .unwrap();
        let error = f.try_rows(Arc::clone(&table)).await.unwrap_err();
        assert_eq!(error.condition(), "UNSUPPORTED_FEATURE.ORC_TYPE_CAST");
        assert!(
            error.message().contains(text) && error.message().contains("in/a.orc"),
            "{error}"
        );
        let other = f
            .session
            .read_table(table)
            .unwrap()
            .select(vec![col("b")])
            .unwrap();
        assert_eq!(other.collect().await.unwrap()[0].num_rows(), 3);
    }
}

#[tokio::test]
async fn stripes_of_every_codec_are_read_one_after_the_other() {
    let f = Fixture::new();
    let codecs = [
        None,
        Some(CompressionType::Zlib),
        Some(CompressionType::Snappy),
        Some(CompressionType::Lz4),
        Some(CompressionType::Zstd),
    ];
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
    let texts: ArrayRef = Arc::new(
        (0..10_000)
            .map(|n| (n % 3 > 0).then(|| format!("t{n}")))
            .collect::<StringArray>(),
    );
    for (at, codec) in codecs.into_iter().enumerate() {
        let columns = vec![("n", Arc::clone(&numbers)), ("t", Arc::clone(&texts))];
        f.put(&format!("in/c={at}/a.orc"), orc(columns, 3_000, codec), 1);
    }
    let table = inferred(&f, &[]).await.unwrap();
    let frame = f.session.read_table(table).unwrap();
    assert_eq!(frame.clone().count().await.unwrap(), 50_000);
    for batch in frame.collect().await.unwrap() {
        let n = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
        let t = batch.column(1).as_any().downcast_ref::<StringArray>().unwrap();
        for row in 0..batch.num_rows() {
            let n = n.value(row);
            let expected = (n % 3 > 0).then(|| format!("t{n}"));
            assert_eq!(t.is_valid(row).then(|| t.value(row)), expected.as_deref());
        }
    }
}

#[tokio::test]
async fn hives_columns_without_names_go_by_position() {
    let f = Fixture::new();
    let columns = vec![("_col0", ints(vec![1])), ("_col1", ints(vec![2]))];
    f.put("in/a.orc", orc(columns, 1, None), 1);
    let schema = [
        ("id", DataType::Int64),
        ("n", DataType::Int32),
        ("more", DataType::Utf8),
    ];
    let table_of_three = table(&f, &schema, &[]).await.unwrap();
    assert_eq!(f.rows(Arc::clone(&table_of_three)).await, ["1,2,null"]);
    let frame = f.session.read_table(table_of_three).unwrap();
    let second = frame.select(vec![col("n")]).unwrap().collect().await.unwrap();
    assert_eq!(second[0].column(0).as_ref(), ints(vec![2]).as_ref());
    let short = table(&f, &[("id", DataType::Int32)], &[]).await.unwrap();
    let error = f.try_rows(short).await.unwrap_err();
    assert_eq!(error.condition(), "ORC_POSITIONAL_SCHEMA_MISMATCH");
}

#[tokio::test]
async fn schemas_of_files_are_merged_and_names_that_differ_in_case_alone_are_refused() {
    let f = Fixture::new();
    f.put("in/a.orc", orc(vec![("a", ints(vec![1]))], 1, None), 1);
    f.put(
        "in/b.orc",
        orc(vec![("b", ints(vec![2])), ("A", ints(vec![3]))], 1, None),
        1,
    );
    assert_eq!(f.rows(inferred(&f, &[]).await.unwrap()).await, ["1", "3"]);
    let merged = inferred(&f, &[("mergeSchema", "true")]).await.unwrap();
    assert_eq!(f.rows(merged).await, ["1,null", "3,2"]);
    let f = Fixture::new();
    f.put(
        "in/a.orc",
        orc(vec![("a", ints(vec![1])), ("A", ints(vec![3]))], 1, None),
        1,
    );
    let error = inferred(&f, &[]).await.unwrap_err();
    assert_eq!(error.condition(), "COLUMN_ALREADY_EXISTS");
    let declared = table(&f, &[("a", DataType::Int32)], &[]).await.unwrap();
    let error = f.try_rows(declared).await.unwrap_err();
    assert!(
        error.message().contains("Found duplicate field(s) \"a\": [a, A]"),
        "{error}"
    );
}

#[tokio::test]
async fn empty_files_hold_no_rows_and_damaged_ones_are_errors_unless_ignored() {
    let f = Fixture::new();
    f.put("in/a.orc", "", 1);
    let schema = [("i", DataType::Int32)];
    assert!(f.rows(table(&f, &schema, &[]).await.unwrap()).await.is_empty());
    let error = inferred(&f, &[]).await.unwrap_err();
    assert_eq!(error.condition(), "UNABLE_TO_INFER_SCHEMA");
    f.put("in/b.orc", "no ORC file at all", 1);
    f.put("in/c.orc", ALL_TYPES, 1);
    for error in [
        f.try_rows(table(&f, &schema, &[]).await.unwrap())
            .await
            .unwrap_err(),
        inferred(&f, &[]).await.unwrap_err(),
    ] {
        assert_eq!(error.condition(), "FAILED_READ_FILE.NO_HINT");
        let text = error.message();
        assert!(
            text.contains("in/b.orc") && text.contains("Invalid postscript"),
            "{text}"
        );
    }
    let lenient = [("ignoreCorruptFiles", "true")];
    let rows = f.rows(table(&f, &schema, &lenient).await.unwrap()).await;
    assert_eq!(rows, ["-3", "3", "null"]);
    assert_eq!(inferred(&f, &lenient).await.unwrap().schema().fields().len(), 17);
}

#[tokio::test]
async fn a_byte_changed_or_lost_anywhere_never_breaks_the_reader() {
    let f = Fixture::new();
    let schema = Schema::new(vec![Field::new("i", DataType::Int32, true)]);
    let columns: Vec<(&str, DataType)> = vec![
        ("i", schema.field(0).data_type().clone()),
        ("arr", list_of_ints()),
    ];
    let mut failed = 0;
    for at in (0..ALL_TYPES.len()).step_by(13) {
        let mut changed = ALL_TYPES.to_vec();
        changed[at] ^= 0x55;
        for bytes in [changed, ALL_TYPES[..at].to_vec()] {
            f.put("in/a.orc", bytes, 1);
            let table = table(&f, &columns, &[]).await.unwrap();
            if let Err(error) = f.try_rows(table).await {
                failed += 1;
                assert!(error.message().contains("in/a.orc"), "byte {at}: {error}");
            }
        }
    }
    assert!(failed > ALL_TYPES.len() / 13);
}

fn list_of_ints() -> DataType {
    DataType::List(Field::new("element", DataType::Int32, true).into())
}

#[tokio::test]
async fn a_stream_reads_new_files_a_few_at_a_time() {
    let f = Fixture::new();
    for n in 0..3 {
        f.put(
            &format!("in/{n}.orc"),
            orc(vec![("k", ints(vec![n, -n]))], 1, None),
            n as u64 + 1,
        );
    }
    let definition = f
        .define("orc", &[("k", DataType::Int64)], &[("maxFilesPerTrigger", "2")])
        .await
        .unwrap();
    let source: Arc<dyn StreamSource> = definition.open(f.context()).await.unwrap();
    let batches = drain(&f, source.as_ref(), None).await;
    assert_eq!(batches, [vec!["-1", "0", "0", "1"], vec!["-2", "2"]]);
}

#[tokio::test]
async fn options_are_checked_and_a_remote_store_is_read_in_ranges() {
    let f = Fixture::new();
    f.put("in/a.orc", ALL_TYPES, 1);
    let error = table(&f, &[("i", DataType::Int32)], &[("mergeShema", "true")])
        .await
        .unwrap_err();
    assert_eq!(error.condition(), "UNKNOWN_OPTION");
    assert!(error.message().contains("'mergeSchema'"), "{error}");
    let uri = crate::FileUri::parse("memory:///data/a.orc").unwrap();
    let (store, path) = uri.object_store(&f.session.runtime_env()).unwrap();
    object_store::ObjectStoreExt::put(store.as_ref(), &path, ALL_TYPES.into())
        .await
        .unwrap();
    let there = table(&f, &[("str", DataType::Utf8)], &[("path", "memory:///data")])
        .await
        .unwrap();
    assert_eq!(f.rows(there).await, ["", "null", "x"]);
}
