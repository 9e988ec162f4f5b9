//! What the encoders write: byte for byte what Spark writes.

use arrow::array::ArrayRef;

use super::*;

/// Reads `lines` of JSON, to be written again.
fn batch(schema: &SchemaRef, lines: &str) -> RecordBatch {
    decode(&mut json_decoder(schema, &[]), lines.as_bytes())
        .unwrap()
        .remove(0)
}

fn json(batch: &RecordBatch, options: Options<'_>) -> String {
    let options = JsonWriteOptions::from_options(&getter(options), "UTC").unwrap();
    let mut out = Vec::new();
    let mut encoder = JsonEncoder::new(&batch.schema(), options).unwrap();
    encoder.start(&mut out);
    encoder.encode(batch, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn csv(batch: &RecordBatch, options: Options<'_>) -> String {
    let options = CsvWriteOptions::from_options(&getter(options), "UTC").unwrap();
    let mut out = Vec::new();
    let mut encoder = CsvEncoder::new(&batch.schema(), options).unwrap();
    encoder.start(&mut out);
    encoder.encode(batch, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The strings of Spark's run, numbered from 1.
fn strings() -> RecordBatch {
    let texts = [
        Some("a"),
        Some("a,b"),
        Some("a\"b"),
        Some("  b "),
        Some(""),
        None,
        Some("x\\y"),
        Some("l\nm"),
        Some("\"q\""),
        Some("#c"),
        Some("é😀\u{1}"),
        Some("a\\\"b"),
        Some("a\rb"),
        Some("\\"),
        Some("a b"),
        Some("\t"),
        Some("a\\,b"),
    ];
    let numbers: ArrayRef = Arc::new((1..=17).collect::<arrow::array::Int32Array>());
    let texts: ArrayRef = Arc::new(texts.into_iter().collect::<arrow::array::StringArray>());
    RecordBatch::try_from_iter_with_nullable([("i", numbers, true), ("s", texts, true)]).unwrap()
}

#[test]
fn pretty_objects_have_a_field_a_line() {
    let schema = schema(&[("a", DataType::Int32), ("b", DataType::Utf8)]);
    let batch = batch(&schema, "{\"a\":1,\"b\":\"x\"}\n{}\n");
    let pretty = [("pretty", "true")];
    assert_eq!(
        json(&batch, &pretty),
        "{\n  \"a\" : 1,\n  \"b\" : \"x\"\n}\n{ }\n"
    );
}

#[test]
fn other_character_sets_are_written_as_java_writes_them() {
    let written = |name: &str| {
        let texts: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["é€😀x"]));
        let batch = RecordBatch::try_from_iter([("s", texts)]).unwrap();
        let options =
            CsvWriteOptions::from_options(&getter(&[("encoding", name), ("header", "true")]), "UTC");
        let options = options.unwrap();
        let encoding = options.encoding();
        let encoder = Box::new(CsvEncoder::new(&batch.schema(), options).unwrap());
        let mut encoder = TranscodingEncoder::new(encoder, encoding);
        let mut out = Vec::new();
        encoder.start(&mut out);
        encoder.encode(&batch, &mut out).unwrap();
        out
    };
    assert_eq!(written("ISO-8859-1"), b"s\n\xe9??x\n");
    assert_eq!(written("US-ASCII"), b"s\n???x\n");
    assert_eq!(
        written("UTF-16"),
        b"\xfe\xff\0s\0\n\0\xe9\x20\xac\xd8\x3d\xde\0\0x\0\n"
    );
    assert_eq!(written("UTF-16LE"), b"s\0\n\0\xe9\0\xac\x20\x3d\xd8\0\xdex\0\n\0");
    assert!(written("UTF-32").ends_with(b"\0\0\x20\xac\0\x01\xf6\0\0\0\0x\0\0\0\n"));
}

#[test]
fn csv_strings_are_quoted_where_spark_quotes_them() {
    let batch = strings();
    assert_eq!(
        csv(&batch, &[]),
        "1,a\n2,\"a,b\"\n3,\"a\\\"b\"\n4,b\n5,\"\"\n6,\n7,x\\y\n8,\"l\nm\"\n9,\"\\\"q\\\"\"\n10,#c\n11,é😀\n\
         12,\"a\\\\\\\"b\"\n13,\"a\rb\"\n14,\\\n15,a b\n16,\"\"\n17,\"a\\\\,b\"\n"
    );
    assert_eq!(
        csv(&batch, &[("escape", "\"")]),
        "1,a\n2,\"a,b\"\n3,\"a\"\"b\"\n4,b\n5,\"\"\n6,\n7,x\\y\n8,\"l\nm\"\n9,\"\"\"q\"\"\"\n10,#c\n11,é😀\n\
         12,\"a\\\"\"b\"\n13,\"a\rb\"\n14,\\\n15,a b\n16,\"\"\n17,\"a\\,b\"\n"
    );
    let swapped = batch.project(&[1, 0]).unwrap();
    assert!(csv(&swapped, &[]).contains("\n\"#c\",10\n"));
}

#[test]
fn csv_writer_options_do_what_they_do_in_spark() {
    let batch = strings();
    let line = |options: Options<'_>, n: usize| {
        csv(&batch.slice(n - 1, 1), options)
            .trim_end_matches('\n')
            .to_owned()
    };
    let blanks: Options<'_> = &[
        ("ignoreLeadingWhiteSpace", "false"),
        ("ignoreTrailingWhiteSpace", "false"),
    ];
    assert_eq!(line(blanks, 4), "4,  b ");
    assert_eq!(line(blanks, 16), "16,\t");
    let all: Options<'_> = &[("quoteAll", "true")];
    assert_eq!(line(all, 1), r#""1","a""#);
    assert_eq!(line(all, 5), r#""5","""#);
    assert_eq!(line(all, 6), r#""6","""#);
    assert_eq!(line(all, 7), r#""7","x\\y""#);
    let raw: Options<'_> = &[("escapeQuotes", "false")];
    assert_eq!(line(raw, 3), r#"3,a"b"#);
    assert_eq!(line(raw, 9), r#"9,"\"q\"""#);
    let names: Options<'_> = &[("nullValue", "NA"), ("emptyValue", "EM")];
    assert_eq!((line(names, 5), line(names, 6)), ("5,EM".into(), "6,NA".into()));
    assert_eq!(line(&[("sep", "|"), ("lineSep", "\r")], 2), "2|a,b\r");
    assert!(csv(&batch, &[("header", "true")]).starts_with("i,s\n1,a\n"));
    // A row of one null is an empty line, which Spark does not write.
    let column = batch.project(&[1]).unwrap();
    assert_eq!(csv(&column.slice(4, 2), &[]), "\"\"\n");
}

#[test]
fn json_strings_are_escaped_as_jackson_escapes_them() {
    let batch = strings();
    let lines = json(&batch, &[]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[2], r#"{"i":3,"s":"a\"b"}"#);
    assert_eq!(lines[5], r#"{"i":6}"#);
    assert_eq!(lines[7], r#"{"i":8,"s":"l\nm"}"#);
    assert_eq!(lines[10], "{\"i\":11,\"s\":\"é😀\\u0001\"}");
    assert_eq!(lines[15], r#"{"i":16,"s":"\t"}"#);
}

#[test]
fn values_are_written_as_spark_wrote_them_in_the_golden_files() {
    let st = structure(&[("p", DataType::Int32), ("q", DataType::Utf8)]);
    let flat = [
        ("id", DataType::Int32),
        ("s", DataType::Utf8),
        ("bo", DataType::Boolean),
        ("ti", DataType::Int8),
        ("sm", DataType::Int16),
        ("i", DataType::Int32),
        ("l", DataType::Int64),
        ("f", DataType::Float32),
        ("d", DataType::Float64),
        ("de", DataType::Decimal128(10, 2)),
        ("bd", DataType::Decimal128(30, 6)),
        ("da", DataType::Date32),
        ("ts", timestamp()),
        ("tn", timestamp_ntz()),
    ];
    let mut all = flat.to_vec();
    all.extend([
        ("bi", DataType::Binary),
        ("ar", list(DataType::Int32)),
        ("ma", map(DataType::Int32)),
        ("st", st),
    ]);
    let lines = concat!(
        r#"{"id":1,"s":"a b","bo":true,"ti":7,"sm":-300,"i":2147483647,"l":9223372036854775807,"f":1.5,"d":1.0E20,"de":12.50,"bd":123456789012345678901234.000001,"da":"2024-02-29","ts":"2024-01-01T00:00:00.123Z","tn":"2024-01-01T00:00:00.123","bi":"AP8=","ar":[1,null],"ma":{"k":1},"st":{"p":1,"q":"q"}}"#,
        "\n",
        r#"{"id":2,"s":"  lead and trail  ","bo":false,"ti":0,"sm":0,"i":0,"l":0,"f":"NaN","d":1.0E-7,"de":0.00,"bd":-0.000001,"da":"0001-01-01","ts":"1960-01-01T00:00:00.100Z","tn":"9999-12-31T23:59:59.000","bi":"","ar":[],"ma":{},"st":{"q":""}}"#,
        "\n",
        r#"{"id":3,"s":""}"#,
        "\n",
        r#"{"id":4,"s":"quote \" comma , back \\ slash","bo":true,"ti":-1,"sm":1,"i":-1,"l":-1,"f":"-Infinity","d":-0.0,"de":-1.25,"bd":1.000000,"da":"1582-10-15","ts":"2400-02-29T12:00:00.000Z","tn":"1969-12-31T23:59:59.999","bi":"YQ==","ar":[3],"ma":{"a":null},"st":{"p":2,"q":"ü€"}}"#,
        "\n",
    );
    let read = batch(&schema(&all), lines);
    assert_eq!(json(&read, &[]), lines);
    let plain = read.project(&(0..flat.len()).collect::<Vec<_>>()).unwrap();
    assert_eq!(
        csv(&plain, &[]),
        concat!(
            "1,a b,true,7,-300,2147483647,9223372036854775807,1.5,1.0E20,12.50,123456789012345678901234.000001,2024-02-29,2024-01-01T00:00:00.123Z,2024-01-01T00:00:00.123\n",
            "2,lead and trail,false,0,0,0,0,NaN,1.0E-7,0.00,-0.000001,0001-01-01,1960-01-01T00:00:00.100Z,9999-12-31T23:59:59.000\n",
            "3,\"\",,,,,,,,,,,,\n",
            "4,\"quote \\\" comma , back \\\\ slash\",true,-1,1,-1,-1,-Infinity,-0.0,-1.25,1.000000,1582-10-15,2400-02-29T12:00:00.000Z,1969-12-31T23:59:59.999\n",
        )
    );
}

#[test]
fn nulls_zones_and_patterns_of_the_json_writer_are_options() {
    let schema = schema(&[
        ("a", DataType::Int32),
        ("b", DataType::Int32),
        ("st", structure(&[("q", DataType::Int32)])),
        ("ts", timestamp()),
    ]);
    let one = batch(&schema, r#"{"a":1,"st":{},"ts":"2024-01-02T03:04:05.678901Z"}"#);
    assert_eq!(
        json(&one, &[]),
        "{\"a\":1,\"st\":{},\"ts\":\"2024-01-02T03:04:05.678Z\"}\n"
    );
    assert_eq!(
        json(
            &one,
            &[("ignoreNullFields", "false"), ("timeZone", "Asia/Kolkata")]
        ),
        "{\"a\":1,\"b\":null,\"st\":{\"q\":null},\"ts\":\"2024-01-02T08:34:05.678+05:30\"}\n"
    );
    assert!(json(&one, &[("timestampFormat", "dd/MM/yy SSSSSS")]).contains("\"02/01/24 678901\""));
}

#[test]
fn text_has_a_line_for_every_row() {
    let column = strings().project(&[1]).unwrap();
    let options = TextWriteOptions::from_options(&getter(&[])).unwrap();
    let mut out = Vec::new();
    let mut encoder = TextEncoder::new(&column.schema(), options).unwrap();
    encoder.encode(&column.slice(3, 5), &mut out).unwrap();
    assert_eq!(out, b"  b \n\n\nx\\y\nl\nm\n");
    let options = TextWriteOptions::from_options(&getter(&[])).unwrap();
    let error = TextEncoder::new(&strings().schema(), options).err().unwrap();
    assert_eq!(
        error.to_string(),
        "Text data source supports only a single column, and you have 2 columns."
    );
}

#[test]
fn text_is_read_by_line_or_whole() {
    let schema = schema(&[("value", DataType::Utf8)]);
    let read = |options: Options<'_>, input: &[u8]| {
        let options = TextReadOptions::from_options(&getter(options)).unwrap();
        let batches = decode(&mut TextDecoder::new(schema.clone(), options).unwrap(), input).unwrap();
        rows(&batches)
            .into_iter()
            .map(|(text, _)| text)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        read(&[], b"a\n\nb"),
        r#"{"value":"a"} {"value":""} {"value":"b"}"#
    );
    assert_eq!(
        read(&[("lineSep", "|")], b"a|b\n|"),
        r#"{"value":"a"} {"value":"b\n"}"#
    );
    assert_eq!(read(&[("wholetext", "true")], b"a\nb\n"), r#"{"value":"a\nb\n"}"#);
}
