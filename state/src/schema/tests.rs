//! Schemas against files that Spark wrote, against each other and against damage.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use tidemill_checkpoint::CheckpointErrorKind;
use tidemill_checkpoint::testing::in_memory;

use super::*;

const WINDOWED_COUNT: &[u8] = include_bytes!("fixtures/windowed_count.v2");
const TRANSFORM_WITH_STATE: &[u8] = include_bytes!("fixtures/transform_with_state.v3");
const OPERATOR: OperatorId = OperatorId(0);
const STORE: &str = StateStoreId::DEFAULT_STORE;

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn nullable(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn schema(key: Vec<Field>, value: Vec<Field>) -> StateSchema {
    StateSchema {
        key: key.into(),
        value: value.into(),
    }
}

/// The schema of the fixture of version 2, with a window whose fields have this type.
fn windowed_count(bound: &DataType) -> StateSchema {
    let bounds = vec![nullable("start", bound.clone()), nullable("end", bound.clone())];
    let metadata = [
        ("spark.timeWindow", "true"),
        ("spark.watermarkDelayMs", "10000"),
        ("comment", "gone"),
    ];
    let metadata: HashMap<String, String> = metadata.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let window = nullable("window", DataType::Struct(bounds.into())).with_metadata(metadata);
    schema(
        vec![window, nullable("k", DataType::Utf8)],
        vec![nullable("count", DataType::Int64)],
    )
}

async fn check_against(stored: &StateSchema, new: &StateSchema) -> Result<SchemaCheck> {
    let manager = in_memory();
    let written = check_or_write_schema(manager.as_ref(), OPERATOR, STORE, stored).await;
    assert_eq!(written.unwrap(), SchemaCheck::New);
    check_or_write_schema(manager.as_ref(), OPERATOR, STORE, new).await
}

#[tokio::test]
async fn a_schema_is_written_once_with_sparks_bytes_under_partition_0() {
    let manager = in_memory();
    let schema = windowed_count(&timestamp());
    for expected in [SchemaCheck::New, SchemaCheck::Same] {
        let check = check_or_write_schema(manager.as_ref(), OPERATOR, STORE, &schema).await;
        assert_eq!(check.unwrap(), expected);
    }
    let file = manager.read("state/0/0/_metadata/schema").await.unwrap().unwrap();
    assert_eq!(file, WINDOWED_COUNT);
    let read = read_schema(manager.as_ref(), OPERATOR, STORE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.key_json().unwrap(), schema.key_json().unwrap());
    assert_eq!(read.value, schema.value);
    let window = &read.key[0];
    assert_eq!(
        window
            .metadata()
            .get("spark.watermarkDelayMs")
            .map(String::as_str),
        Some("10000")
    );
    assert_eq!(
        window.metadata().get("spark.timeWindow").map(String::as_str),
        Some("true")
    );
}

#[tokio::test]
async fn a_store_with_a_name_has_a_schema_of_its_own() {
    let manager = in_memory();
    let schema = windowed_count(&timestamp());
    check_or_write_schema(manager.as_ref(), OperatorId(3), "left-keyToNumValues", &schema)
        .await
        .unwrap();
    let path = "state/3/0/left-keyToNumValues/_metadata/schema";
    assert!(manager.read(path).await.unwrap().is_some());
    assert!(
        read_schema(manager.as_ref(), OperatorId(3), STORE)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn version_1_is_read_and_left_as_it_is() {
    let manager = in_memory();
    let schema = windowed_count(&timestamp());
    let mut v1 = Vec::new();
    for text in ["v1", &schema.key_json().unwrap(), &schema.value_json().unwrap()] {
        utf::put_utf(text, &mut v1).unwrap();
    }
    let path = "state/0/0/_metadata/schema";
    manager.replace(path, v1.clone().into()).await.unwrap();
    let check = check_or_write_schema(manager.as_ref(), OPERATOR, STORE, &schema).await;
    assert_eq!(check.unwrap(), SchemaCheck::Same);
    assert_eq!(manager.read(path).await.unwrap().unwrap(), v1);
}

#[test]
fn every_type_has_sparks_name_and_comes_back() {
    let element = |data_type, null| Arc::new(Field::new("element", data_type, null));
    let entries = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::List(element(DataType::Int32, false)), true),
    ]);
    let map = DataType::Map(
        Arc::new(Field::new("entries", DataType::Struct(entries), false)),
        false,
    );
    let map_json = r#"{"type":"map","keyType":"string","valueType":{"type":"array","elementType":"integer","containsNull":false},"valueContainsNull":true}"#;
    let inner = DataType::Struct(vec![Field::new("x \"é\"", DataType::Float32, false)].into());
    let inner_json =
        r#"{"type":"struct","fields":[{"name":"x \"é\"","type":"float","nullable":false,"metadata":{}}]}"#;
    for (data_type, json) in [
        (DataType::Null, "\"void\""),
        (DataType::Boolean, "\"boolean\""),
        (DataType::Int8, "\"byte\""),
        (DataType::Int16, "\"short\""),
        (DataType::Int32, "\"integer\""),
        (DataType::Int64, "\"long\""),
        (DataType::Float32, "\"float\""),
        (DataType::Float64, "\"double\""),
        (DataType::Date32, "\"date\""),
        (DataType::Utf8, "\"string\""),
        (DataType::Binary, "\"binary\""),
        (timestamp(), "\"timestamp\""),
        (
            DataType::Timestamp(TimeUnit::Microsecond, None),
            "\"timestamp_ntz\"",
        ),
        (DataType::Time64(TimeUnit::Nanosecond), "\"time(6)\""),
        (
            DataType::Duration(TimeUnit::Microsecond),
            "\"interval day to second\"",
        ),
        (
            DataType::Interval(IntervalUnit::YearMonth),
            "\"interval year to month\"",
        ),
        (DataType::Interval(IntervalUnit::MonthDayNano), "\"interval\""),
        (DataType::Decimal128(38, 0), "\"decimal(38,0)\""),
        (map, map_json),
        (inner, inner_json),
    ] {
        let fields = Fields::from(vec![nullable("a", data_type)]);
        let spark = spark_type::of_fields(&fields).unwrap();
        let text = json::format(&spark);
        let expected = format!(
            r#"{{"type":"struct","fields":[{{"name":"a","type":{json},"nullable":true,"metadata":{{}}}}]}}"#
        );
        assert_eq!(text, expected);
        assert_eq!(json::parse("p", &text).unwrap(), spark);
        assert_eq!(spark_type::to_fields(&spark, "p").unwrap(), fields);
    }
    let text = json::format(&spark_type::of_fields(&Fields::empty()).unwrap());
    assert_eq!(text, r#"{"type":"struct","fields":[]}"#);
}

#[test]
fn other_forms_of_a_type_are_the_same_type() {
    let item = || Arc::new(nullable("item", DataType::LargeUtf8));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for (data_type, json) in [
        (DataType::LargeUtf8, "\"string\""),
        (DataType::Utf8View, "\"string\""),
        (dictionary, "\"string\""),
        (DataType::LargeBinary, "\"binary\""),
        (DataType::BinaryView, "\"binary\""),
        (DataType::FixedSizeBinary(3), "\"binary\""),
        (
            DataType::Timestamp(TimeUnit::Microsecond, Some("+01:00".into())),
            "\"timestamp\"",
        ),
        (
            DataType::LargeList(item()),
            "\"array\",\"elementType\":\"string\"",
        ),
    ] {
        let text = schema(vec![nullable("a", data_type)], vec![]).key_json().unwrap();
        assert!(text.contains(json), "{text}");
    }
    for (stored, canonical) in [
        ("varchar(3)", DataType::Utf8),
        ("char(3)", DataType::Utf8),
        ("time(3)", DataType::Time64(TimeUnit::Nanosecond)),
        ("interval day", DataType::Duration(TimeUnit::Microsecond)),
        (
            "interval hour to minute",
            DataType::Duration(TimeUnit::Microsecond),
        ),
        ("interval month", DataType::Interval(IntervalUnit::YearMonth)),
        ("null", DataType::Null),
    ] {
        let field = SparkField {
            name: "a".to_owned(),
            data_type: spark_type::SparkType::Simple(stored.to_owned()),
            nullable: true,
            metadata: serde_json::Map::new(),
        };
        let fields = spark_type::to_fields(std::slice::from_ref(&field), "p").unwrap();
        assert_eq!(fields[0].data_type(), &canonical);
        let new = spark_type::of_fields(&fields).unwrap();
        assert_eq!(compatibility::difference(&[field], &new), None, "{stored}");
    }
}

#[tokio::test]
async fn a_type_that_is_not_sparks_is_refused_by_the_column() {
    for data_type in [
        DataType::UInt64,
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Decimal256(40, 2),
        DataType::Decimal128(10, -2),
        DataType::List(Arc::new(nullable("element", DataType::UInt8))),
    ] {
        let manager = in_memory();
        let new = schema(vec![nullable("amount", data_type)], vec![]);
        let error = check_or_write_schema(manager.as_ref(), OPERATOR, STORE, &new)
            .await
            .unwrap_err();
        assert_eq!(error.condition(), "STATE_STORE_UNSUPPORTED_TYPE");
        assert!(error.to_string().contains("column amount"), "{error}");
        assert!(manager.list("state").await.unwrap().is_empty());
    }
    for name in [
        "variant",
        "decimal(39,2)",
        "decimal(2,3)",
        "decimal(x)",
        "string collate UNICODE",
    ] {
        let text =
            format!(r#"{{"type":"struct","fields":[{{"name":"a","type":"{name}","nullable":true}}]}}"#);
        let error = spark_type::to_fields(&json::parse("p", &text).unwrap(), "/c/schema").unwrap_err();
        assert!(error.to_string().contains("/c/schema"), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn names_and_metadata_may_change_types_and_numbers_may_not() {
    let stored = windowed_count(&timestamp());
    let mut renamed = schema(
        vec![
            nullable("w", stored.key[0].data_type().clone()),
            nullable("other", DataType::Utf8View),
        ],
        vec![nullable("sum(v)", DataType::Int64)],
    );
    assert_eq!(check_against(&stored, &renamed).await.unwrap(), SchemaCheck::Same);
    renamed.value = vec![nullable("a", DataType::Int64), nullable("b", DataType::Int64)].into();
    let more = check_against(&stored, &renamed).await.unwrap_err();
    assert_eq!(more.condition(), "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE");
    assert_eq!(more.kind(), CheckpointErrorKind::Invalid);
    let text = more.to_string();
    assert!(
        text.contains(&stored.value_json().unwrap()) && text.contains(&renamed.value_json().unwrap()),
        "{text}"
    );
    assert!(
        text.contains("1 columns in the checkpoint and 2 in the query"),
        "{text}"
    );
    assert!(text.contains("state/0/0/_metadata/schema"), "{text}");

    let deep = windowed_count(&DataType::Timestamp(TimeUnit::Microsecond, None));
    let error = check_against(&stored, &deep).await.unwrap_err();
    assert_eq!(error.condition(), "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE");
    let text = error.to_string();
    assert!(
        text.contains("column 1 (window): column 1 (start): its type is timestamp"),
        "{text}"
    );
    assert!(
        text.contains(&stored.key_json().unwrap()) && text.contains(&deep.key_json().unwrap()),
        "{text}"
    );
}

#[tokio::test]
async fn a_column_that_was_never_null_must_not_become_nullable() {
    let list = |null| DataType::List(Arc::new(Field::new("element", DataType::Int64, null)));
    let nested = |null| DataType::Struct(vec![Field::new("x", DataType::Int64, null)].into());
    let map = |null| {
        let entries = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Int64, null),
        ];
        DataType::Map(
            Arc::new(Field::new("entries", DataType::Struct(entries.into()), false)),
            false,
        )
    };
    let forms: [&dyn Fn(bool) -> Field; 4] = [
        &|null| Field::new("a", DataType::Int64, null),
        &|null| nullable("a", list(null)),
        &|null| nullable("a", nested(null)),
        &|null| nullable("a", map(null)),
    ];
    for form in forms {
        let with = |null: bool| schema(vec![], vec![form(null)]);
        check_against(&with(true), &with(false)).await.unwrap();
        check_against(&with(true), &with(true)).await.unwrap();
        let error = check_against(&with(false), &with(true)).await.unwrap_err();
        assert_eq!(error.condition(), "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE");
    }
}

#[tokio::test]
async fn a_schema_takes_the_stored_nullability_at_every_depth_and_nothing_else() {
    let of = |null: bool, name: &str| {
        let window = DataType::Struct(vec![Field::new("start", timestamp(), null)].into());
        let list = DataType::List(Arc::new(Field::new("element", DataType::Int64, null)));
        let entries = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Int64, null),
        ];
        let entries = Field::new("entries", DataType::Struct(entries.into()), false);
        schema(
            vec![Field::new(name, window, null), nullable("k", DataType::Utf8)],
            vec![
                Field::new("count", DataType::Int64, null),
                Field::new("l", list, null),
                Field::new("m", DataType::Map(Arc::new(entries), false), null),
            ],
        )
    };
    let manager = in_memory();
    let manager = manager.as_ref();
    let new = of(true, "w");
    let adopted = with_stored_nullability(manager, OPERATOR, STORE, &new).await;
    assert_eq!(adopted.unwrap(), new, "a checkpoint without a schema file");
    check_or_write_schema(manager, OPERATOR, STORE, &of(false, "window"))
        .await
        .unwrap();
    let adopted = with_stored_nullability(manager, OPERATOR, STORE, &new)
        .await
        .unwrap();
    assert_eq!(adopted, of(false, "w"));
    let check = check_or_write_schema(manager, OPERATOR, STORE, &adopted).await;
    assert_eq!(check.unwrap(), SchemaCheck::Same);

    let mut other = of(true, "w");
    other.value = vec![nullable("count", DataType::Utf8)].into();
    let adopted = with_stored_nullability(manager, OPERATOR, STORE, &other)
        .await
        .unwrap();
    let error = check_or_write_schema(manager, OPERATOR, STORE, &adopted).await;
    assert_eq!(
        error.unwrap_err().condition(),
        "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE"
    );
}

#[tokio::test]
async fn a_deduplication_may_have_other_values() {
    let manager = in_memory();
    let (old, new) = (windowed_count(&timestamp()), DataType::Null);
    check_or_write_schema(manager.as_ref(), OPERATOR, STORE, &old)
        .await
        .unwrap();
    let mut new = StateSchema {
        value: vec![nullable("__dummy__", new)].into(),
        ..old
    };
    assert!(
        check_or_write_schema(manager.as_ref(), OPERATOR, STORE, &new)
            .await
            .is_err()
    );
    let check = check_key_or_write_schema(manager.as_ref(), OPERATOR, STORE, &new).await;
    assert_eq!(check.unwrap(), SchemaCheck::Same);
    new.key = Fields::empty();
    assert!(
        check_key_or_write_schema(manager.as_ref(), OPERATOR, STORE, &new)
            .await
            .is_err()
    );
}

#[test]
fn a_long_schema_is_written_in_chunks_that_java_can_read() {
    let name: String = "é日😀\0a".repeat(20_000);
    let long = schema(
        vec![nullable(&name, DataType::Int64)],
        vec![nullable(&"b".repeat(70_000), DataType::Utf8)],
    );
    let (key, value) = (long.key_json().unwrap(), long.value_json().unwrap());
    let file = file::format_v2(&key, &value).unwrap();
    let chunks = i32::from_be_bytes(file[4..8].try_into().unwrap());
    assert!(chunks > 1, "{chunks}");
    let parsed = file::parse("p", &file).unwrap();
    assert_eq!(json::format(&parsed.key), key);
    assert_eq!(json::format(&parsed.value), value);
    assert_eq!(parsed.key[0].name, name);
    assert!(utf::put_utf(&key, &mut Vec::new()).is_err());
}

#[test]
fn the_column_families_of_version_3_are_read() {
    let families = parse_v3("p", TRANSFORM_WITH_STATE).unwrap();
    let names: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
    assert!(names.is_sorted());
    let encoders = |encoder: &KeyStateEncoderSpec| families.iter().filter(|f| &f.encoder == encoder).count();
    assert!(encoders(&KeyStateEncoderSpec::NoPrefix) > 0, "{names:?}");
    assert!(
        encoders(&KeyStateEncoderSpec::PrefixKeyScan {
            num_cols_prefix_key: 1
        }) > 0,
        "{names:?}"
    );
    assert!(
        encoders(&KeyStateEncoderSpec::RangeKeyScan {
            ordering_ordinals: vec![0]
        }) > 0,
        "{names:?}"
    );
    assert!(families.iter().any(|family| family.user_key.is_some()));
    let count = families.iter().find(|family| family.name == "$count_l").unwrap();
    assert_eq!((count.key_schema_id, count.value_schema_id), (0, 0));
    assert_eq!(
        count.schema.key,
        Fields::from(vec![nullable("k", DataType::Utf8)])
    );
    assert_eq!(
        count.schema.value,
        Fields::from(vec![nullable("count", DataType::Int64)])
    );
}

#[test]
fn damaged_schema_files_name_their_path() {
    let path = "/c/state/0/0/_metadata/schema";
    type Parse = fn(&str, &[u8]) -> Result<()>;
    let v2: Parse = |path, content| file::parse(path, content).map(|_| ());
    let v3: Parse = |path, content| parse_v3(path, content).map(|_| ());
    for (parse, content, step) in [(v2, WINDOWED_COUNT, 1), (v3, TRANSFORM_WITH_STATE, 11)] {
        parse(path, content).unwrap();
        for end in (0..content.len()).step_by(step) {
            let error = parse(path, &content[..end]).unwrap_err();
            assert_eq!(error.kind(), CheckpointErrorKind::Corrupt);
            assert!(error.to_string().contains(path), "{error}");
        }
        for position in (0..content.len()).step_by(step) {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = content.to_vec();
                damaged[position] ^= change;
                if let Err(error) = parse(path, &damaged) {
                    assert!(error.to_string().contains(path), "{error}");
                }
            }
        }
        let longer = parse(path, &[content, b"x"].concat()).unwrap_err();
        assert!(longer.to_string().contains(path), "{longer}");
    }
    for (content, condition) in [
        (TRANSFORM_WITH_STATE, "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION"),
        (b"\0\x02v0", "MALFORMED_LOG_FILE"),
        (b"\0\x02x2", "MALFORMED_LOG_FILE"),
        (b"", "CHECKPOINT_FILE_EMPTY"),
    ] {
        assert_eq!(v2(path, content).unwrap_err().condition(), condition);
    }
    let exact = v3(path, WINDOWED_COUNT).unwrap_err();
    assert_eq!(exact.condition(), "INVALID_LOG_VERSION.EXACT_MATCH_VERSION");
}
