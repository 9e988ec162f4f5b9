//! Tables of files of every format, as a query reads them.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::prelude::{col, lit};

use crate::Options;
use crate::source::SourceDefinition;
use crate::source::testing::Fixture;

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn ints(values: Vec<i32>) -> ArrayRef {
    Arc::new(Int32Array::from(values))
}

async fn table(
    f: &Fixture,
    format: &str,
    schema: &[(&str, DataType)],
    options: &[(&str, &str)],
) -> Arc<dyn TableProvider> {
    f.define(format, schema, options)
        .await
        .unwrap()
        .batch_table()
        .unwrap()
}

#[tokio::test]
async fn parquet_columns_are_found_by_name_and_widened() {
    let f = Fixture::new();
    f.put(
        "in/a.parquet",
        parquet(vec![("V", ints(vec![1, 2])), ("x", ints(vec![8, 9]))]),
        1,
    );
    let schema = [("v", DataType::Int64), ("missing", DataType::Utf8)];
    let table = table(&f, "parquet", &schema, &[]).await;
    assert!(table.schema().fields().iter().all(|field| field.is_nullable()));
    assert_eq!(f.rows(Arc::clone(&table)).await, ["1,null", "2,null"]);
    let filtered = f
        .session
        .read_table(table)
        .unwrap()
        .filter(col("v").gt(lit(1_i64)))
        .unwrap();
    assert_eq!(filtered.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_parquet_type_that_does_not_fit_is_an_error_that_names_column_and_file() {
    let f = Fixture::new();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    f.put(
        "in/a.parquet",
        parquet(vec![("v", text), ("w", ints(vec![1]))]),
        1,
    );
    let schema = [("v", DataType::Int32), ("w", DataType::Int32)];
    let table = table(&f, "parquet", &schema, &[]).await;
    let error = f.try_rows(Arc::clone(&table)).await.unwrap_err();
    assert_eq!(
        error.condition(),
        "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH"
    );
    assert!(
        error.message().contains("[v]") && error.message().contains("in/a.parquet"),
        "{error}"
    );
    let other = f
        .session
        .read_table(table)
        .unwrap()
        .select(vec![col("w")])
        .unwrap();
    assert_eq!(other.collect().await.unwrap()[0].num_rows(), 1);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_unless_it_is_ignored() {
    let f = Fixture::new();
    f.put("in/a.parquet", "no parquet at all", 1);
    f.put("in/b.parquet", parquet(vec![("v", ints(vec![7]))]), 1);
    let schema = [("v", DataType::Int32)];
    let strict = table(&f, "parquet", &schema, &[]).await;
    let error = f.try_rows(strict).await.unwrap_err();
    assert_eq!(error.condition(), "FAILED_READ_FILE.NO_HINT");
    assert!(error.message().contains("in/a.parquet"), "{error}");
    let lenient = table(&f, "parquet", &schema, &[("ignoreCorruptFiles", "true")]).await;
    assert_eq!(f.rows(lenient).await, ["7"]);
}

#[tokio::test]
async fn the_schema_of_parquet_files_is_inferred_for_a_table() {
    let f = Fixture::new();
    let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_000_000_000]).with_timezone("UTC"));
    f.put(
        "in/p=1/a.parquet",
        parquet(vec![("v", Arc::new(Int64Array::from(vec![1]))), ("t", times)]),
        1,
    );
    let options: Options = [("path", f.path("in").to_str().unwrap())].into_iter().collect();
    let streamed = SourceDefinition::resolve("parquet", None, options.clone(), &f.session, &f.conf).await;
    assert_eq!(streamed.unwrap_err().condition(), "SCHEMA_NOT_SPECIFIED");
    let definition = SourceDefinition::resolve_table("parquet", None, options, &f.session, &f.conf)
        .await
        .unwrap();
    let types: Vec<_> = definition
        .schema()
        .fields()
        .iter()
        .map(|f| f.data_type().clone())
        .collect();
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(types, [DataType::Int64, utc, DataType::Int32]);
    let rows = f.rows(definition.batch_table().unwrap()).await;
    assert_eq!(rows, ["1,1970-01-01T00:00:01Z,1"]);
}

#[tokio::test]
async fn folders_give_the_last_columns_and_filters_leave_files_out() {
    let f = Fixture::new();
    f.put("in/day=2024-01-01/k=a%2Fb/x.json", "{\"v\":1}\n", 1);
    f.put(
        "in/day=2024-01-02/k=__HIVE_DEFAULT_PARTITION__/x.json",
        "{\"v\":2}\n",
        1,
    );
    let schema = [("k", DataType::Utf8), ("v", DataType::Int32)];
    let table = table(&f, "json", &schema, &[]).await;
    let names: Vec<_> = table.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["v", "day", "k"]);
    assert_eq!(
        f.rows(Arc::clone(&table)).await,
        ["1,2024-01-01,a/b", "2,2024-01-02,null"]
    );
    // A file that the filter rules out is not even opened.
    f.put("in/day=2024-01-02/k=__HIVE_DEFAULT_PARTITION__/y.json", "{", 1);
    let failing = f
        .define("json", &schema, &[("mode", "FAILFAST")])
        .await
        .unwrap()
        .batch_table()
        .unwrap();
    let some = f
        .session
        .read_table(failing)
        .unwrap()
        .filter(col("k").eq(lit("a/b")))
        .unwrap();
    assert_eq!(some.collect().await.unwrap()[0].num_rows(), 1);
}

#[tokio::test]
async fn failfast_names_file_and_record() {
    let f = Fixture::new();
    f.put("in/a.json", "{\"v\":1}\n{\"v\":\"one\"}\n", 1);
    let schema = [("v", DataType::Int32)];
    let strict = table(&f, "json", &schema, &[("mode", "FAILFAST")]).await;
    let error = f.try_rows(strict).await.unwrap_err();
    assert_eq!(
        error.condition(),
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
    );
    assert!(error.message().contains("in/a.json"), "{error}");
    assert!(error.message().contains("{\"v\":\"one\"}"), "{error}");
    let permissive = table(&f, "json", &schema, &[]).await;
    assert_eq!(f.rows(permissive).await, ["1", "null"]);
}

#[tokio::test]
async fn records_longer_than_a_chunk_and_compressed_files_are_read() {
    let f = Fixture::new();
    let long = "x".repeat(700_000);
    let text: String = (0..3).map(|n| format!("{{\"k\":\"{n}{long}\"}}\n")).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    f.put("in/a.json.gz", encoder.finish().unwrap(), 1);
    let table = table(&f, "json", &[("k", DataType::Utf8)], &[]).await;
    let rows = f.rows(Arc::clone(&table)).await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.len() == long.len() + 1));
    assert_eq!(f.session.read_table(table).unwrap().count().await.unwrap(), 3);
}

#[tokio::test]
async fn the_columns_of_records_are_inferred_for_a_table() {
    let f = Fixture::new();
    f.put("in/a.json", "{\"k\":\"a\",\"v\":1}\n", 1);
    let options: Options = [("path", f.path("in").to_str().unwrap())].into_iter().collect();
    let json = SourceDefinition::resolve_table("json", None, options.clone(), &f.session, &f.conf)
        .await
        .unwrap();
    let schema = json.schema();
    assert_eq!(schema.field_with_name("v").unwrap().data_type(), &DataType::Int64);
    assert_eq!(f.rows(json.batch_table().unwrap()).await, ["a,1"]);
    let empty = [("path", f.dir.path().to_str().unwrap())].into_iter().collect();
    let error = SourceDefinition::resolve_table("csv", None, empty, &f.session, &f.conf).await;
    assert_eq!(error.unwrap_err().condition(), "UNABLE_TO_INFER_SCHEMA");
}

#[tokio::test]
async fn csv_is_read_with_its_options() {
    let f = Fixture::new();
    f.put("in/a.csv", "k;v\n\"x;y\";1\nz;2\n", 1);
    let options = [("header", "true"), ("sep", ";")];
    let schema = [("k", DataType::Utf8), ("v", DataType::Int32)];
    let table = table(&f, "csv", &schema, &options).await;
    assert_eq!(f.rows(Arc::clone(&table)).await, ["x;y,1", "z,2"]);
    let v = f
        .session
        .read_table(table)
        .unwrap()
        .select(vec![col("v")])
        .unwrap();
    assert_eq!(v.count().await.unwrap(), 2);
}

#[tokio::test]
async fn text_needs_no_schema() {
    let f = Fixture::new();
    f.put("in/a.txt", "one\n\ntwo", 1);
    let text = table(&f, "text", &[], &[]).await;
    assert_eq!(f.rows(text).await, ["", "one", "two"]);
    let wrong = f
        .define("text", &[("v", DataType::Int32)], &[])
        .await
        .unwrap_err();
    assert_eq!(wrong.condition(), "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE");
}

#[tokio::test]
async fn a_table_sees_files_that_come_later() {
    let f = Fixture::new();
    let table = table(&f, "json", &[("v", DataType::Int32)], &[]).await;
    assert!(f.rows(Arc::clone(&table)).await.is_empty());
    f.put("in/a.json", "{\"v\":1}", 1);
    assert_eq!(f.rows(table).await, ["1"]);
}

#[tokio::test]
async fn patterns_and_name_filters_choose_files() {
    let f = Fixture::new();
    for name in ["in/x1/a.json", "in/x2/b.json", "in/y/c.json", "in/x2/d.txt"] {
        f.put(name, format!("{{\"v\":\"{name}\"}}"), 1);
    }
    let path = f.path("in/x[0-9]");
    let options = [("path", path.to_str().unwrap()), ("pathGlobFilter", "*.json")];
    let table = table(&f, "json", &[("v", DataType::Utf8)], &options).await;
    assert_eq!(f.rows(table).await, ["in/x1/a.json", "in/x2/b.json"]);
}

#[tokio::test]
async fn an_object_store_reads_like_a_folder() {
    let f = Fixture::new();
    let uri = crate::FileUri::parse("memory:///data/p=1/a.json").unwrap();
    let (store, path) = uri.object_store(&f.session.runtime_env()).unwrap();
    let content = object_store::PutPayload::from_static(b"{\"v\":1}\n{\"v\":2}\n");
    object_store::ObjectStoreExt::put(store.as_ref(), &path, content)
        .await
        .unwrap();
    let options = [("path", "memory:///data")];
    let table = table(&f, "json", &[("v", DataType::Int32)], &options).await;
    assert_eq!(f.rows(table).await, ["1,1", "2,1"]);
}

#[tokio::test]
async fn wrong_sources_are_refused_by_name() {
    let f = Fixture::new();
    let v = [("v", DataType::Int32)];
    for (format, options, condition, text) in [
        (
            "json",
            &[("path", "/no/such/folder")][..],
            "PATH_NOT_FOUND",
            "Path does not exist: /no/such/folder.",
        ),
        ("jsn", &[], "DATA_SOURCE_NOT_FOUND", "did you mean 'json'?"),
        ("avro", &[], "UNSUPPORTED_DATA_SOURCE", "'avro'"),
        (
            "jdbc",
            &[],
            "UNSUPPORTED_STREAMING_SOURCE",
            "does not support streamed reading",
        ),
        (
            "json",
            &[("maxFilePerTrigger", "1")],
            "UNKNOWN_OPTION",
            "did you mean 'maxFilesPerTrigger'?",
        ),
        (
            "json",
            &[("modifiedBefore", "yesterday")],
            "INVALID_OPTION_VALUE",
            "'modifiedBefore' option is invalid",
        ),
        ("json", &[("mode", "LENIENT")], "INVALID_OPTION_VALUE", "LENIENT"),
    ] {
        let error = f.define(format, &v, options).await.unwrap_err();
        assert_eq!(error.condition(), condition, "{error}");
        assert!(error.message().contains(text), "{error}");
    }
    let missing = SourceDefinition::resolve("json", None, Options::new(), &f.session, &f.conf).await;
    assert_eq!(missing.unwrap_err().condition(), "MISSING_PATH");
}
