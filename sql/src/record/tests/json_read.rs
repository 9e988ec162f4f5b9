//! What Spark reads from lines of JSON, as tables.

use super::*;

fn check(fields: &[(&str, DataType)], options: Options<'_>, table: &[(&[u8], &str)]) {
    let mut fields = fields.to_vec();
    fields.push(("bad", DataType::Utf8));
    let schema = schema(&fields);
    check_lines(|| Box::new(json_decoder(&schema, options)), table);
}

fn scalars() -> [(&'static str, DataType); 4] {
    [
        ("k", DataType::Utf8),
        ("v", DataType::Int32),
        ("d", DataType::Float64),
        ("bo", DataType::Boolean),
    ]
}

#[test]
fn records_that_are_no_objects_give_what_spark_gives() {
    check(
        &scalars(),
        &[],
        &[
            (
                br#"{"k":"a","v":1,"d":1.5,"bo":true} trailing"#,
                r#"{"k":"a","v":1,"d":1.5,"bo":true}"#,
            ),
            (br#"{"k":"a","v":tru,"d":2}"#, "!{}"),
            (br#"{"k":"a","v":01}"#, "!{}"),
            (br#"{"k":"tr"#, "!{}"),
            (br#"{"k":"a","v":1"#, "!{}"),
            (b"null", "!{}"),
            (b"[]", ""),
            (br#"[1,{"k":"x"}]"#, "!{}"),
            (br#"[{"k":"x"},{"k":"y","v":"q"}]"#, r#"!{"k":"x"} {"k":"y"}"#),
            (br#"[{"k":"x"},{"k":"y"}]"#, r#"{"k":"x"} {"k":"y"}"#),
            (br#"[{"k":"x"},null,{"k":"y"}]"#, "!{}"),
            (br#"[{"k":"x"},"#, "!{}"),
            (br#""str""#, "!{}"),
            (b"12", "!{}"),
            (b"garbage", "!{}"),
            (b"   ", ""),
            (b"", ""),
            (b"{}", "{}"),
            (br#"{"v":1}{"v":2}"#, r#"{"v":1}"#),
            (br#"{"v":1}]"#, r#"{"v":1}"#),
            (b"\xef\xbb\xbf{\"v\":7}", r#"{"v":7}"#),
            ("\u{a0}".as_bytes(), "!{}"),
        ],
    );
}

#[test]
fn any_value_fits_a_string_column_as_its_text() {
    check(
        &scalars(),
        &[],
        &[
            (
                br#"{"k":{"x" : 1.50, "y":[1 , 2]}}"#,
                r#"{"k":"{\"x\" : 1.50, \"y\":[1 , 2]}"}"#,
            ),
            (br#"{"k":[1 ,2 ]}"#, r#"{"k":"[1 ,2 ]"}"#),
            (br#"{"k":1.50}"#, r#"{"k":"1.50"}"#),
            (br#"{"k":true}"#, r#"{"k":"true"}"#),
            (br#"{"k":NaN}"#, r#"{"k":"NaN"}"#),
            (br#"{"k":-0}"#, r#"{"k":"-0"}"#),
            (br#"{"k":""}"#, r#"{"k":""}"#),
            (br#"{"k":"\ud83d\ude00 \u00e9"}"#, r#"{"k":"😀 é"}"#),
            (br#"{"k":"\ud83d x"}"#, r#"{"k":"? x"}"#),
            (br#"{"k":"\ude00"}"#, r#"{"k":"?"}"#),
            (b"{'k':'it','v':3}", r#"{"k":"it","v":3}"#),
        ],
    );
}

#[test]
fn numbers_are_coerced_as_spark_coerces_them() {
    check(
        &scalars(),
        &[],
        &[
            (br#"{"d":"NaN"}"#, r#"{"d":"NaN"}"#),
            (br#"{"d":NaN}"#, r#"{"d":"NaN"}"#),
            (br#"{"d":"+INF"}"#, r#"{"d":"Infinity"}"#),
            (br#"{"d":"INF"}"#, "!{}"),
            (br#"{"d":-Infinity}"#, r#"{"d":"-Infinity"}"#),
            (br#"{"d":"-Infinity"}"#, r#"{"d":"-Infinity"}"#),
            (br#"{"d":+INF}"#, r#"{"d":"Infinity"}"#),
            (br#"{"d":"1.5"}"#, "!{}"),
            (br#"{"d":1e400}"#, r#"{"d":"Infinity"}"#),
            (br#"{"d":""}"#, "!{}"),
            (br#"{"v":""}"#, "!{}"),
            (br#"{"bo":"true"}"#, "!{}"),
            (br#"{"bo":1}"#, "!{}"),
            (br#"{"v":2147483648}"#, "!{}"),
            (br#"{"v":1.0}"#, "!{}"),
            (br#"{"v":1e2}"#, "!{}"),
            (br#"{"v":"5"}"#, "!{}"),
            (br#"{"v":+1}"#, "!{}"),
            (br#"{"k":"a","v":-}"#, "!{}"),
            (br#"{"d":.5}"#, "!{}"),
            (br#"{"d":5.}"#, "!{}"),
        ],
    );
    check(
        &[
            ("a", DataType::Int8),
            ("b", DataType::Int16),
            ("c", DataType::Int32),
            ("d", DataType::Int64),
            ("f", DataType::Float32),
        ],
        &[],
        &[
            (br#"{"a":128}"#, r#"{"a":-128}"#),
            (br#"{"a":255}"#, r#"{"a":-1}"#),
            (br#"{"a":256}"#, "!{}"),
            (br#"{"a":-128}"#, r#"{"a":-128}"#),
            (br#"{"a":-129}"#, "!{}"),
            (br#"{"b":32768}"#, "!{}"),
            (br#"{"d":9223372036854775808}"#, "!{}"),
            (br#"{"d":9223372036854775807}"#, r#"{"d":9223372036854775807}"#),
            (br#"{"d":-9223372036854775808}"#, r#"{"d":-9223372036854775808}"#),
            (br#"{"f":1e39}"#, r#"{"f":"Infinity"}"#),
            (br#"{"f":16777217}"#, r#"{"f":1.6777216E7}"#),
            (br#"{"c":-0}"#, r#"{"c":0}"#),
            (br#"{"c":1.5}"#, "!{}"),
        ],
    );
}

#[test]
fn decimals_and_binaries_are_read_as_spark_reads_them() {
    check(
        &[("de", DataType::Decimal128(5, 2)), ("bi", DataType::Binary)],
        &[],
        &[
            (br#"{"de":1.005}"#, r#"{"de":1.01}"#),
            (br#"{"de":-1.005}"#, r#"{"de":-1.01}"#),
            (br#"{"de":999.995}"#, "!{}"),
            (br#"{"de":"1,234.5"}"#, "!{}"),
            (br#"{"de":"1,34.5"}"#, r#"{"de":134.50}"#),
            (br#"{"de":"12.5"}"#, r#"{"de":12.50}"#),
            (br#"{"de":1e2}"#, r#"{"de":100.00}"#),
            (br#"{"de":" 1"}"#, "!{}"),
            (br#"{"de":NaN}"#, "!{}"),
            (br#"{"de":1e-10}"#, r#"{"de":0.00}"#),
            (br#"{"bi":"aGk="}"#, r#"{"bi":"aGk="}"#),
            (br#"{"bi":"aGk"}"#, "!{}"),
            (br#"{"bi":"a b"}"#, "!{}"),
            (br#"{"bi":"aG\nk="}"#, "!{}"),
            (br#"{"bi":""}"#, r#"{"bi":""}"#),
            (br#"{"bi":1}"#, "!{}"),
            (br#"{"bi":"aGk=="}"#, "!{}"),
            (br#"{"bi":"aGkx aGkx"}"#, r#"{"bi":"aGkxaGkx"}"#),
            (br#"{"bi":"_-8="}"#, "!{}"),
        ],
    );
}

#[test]
fn repeated_and_misspelt_names_and_broken_text_give_what_spark_gives() {
    check(
        &scalars(),
        &[],
        &[
            (br#"{"k":"a","k":"b","v":1,"v":"x"}"#, r#"!{"k":"b","v":1}"#),
            (br#"{"v":"x","v":1}"#, r#"!{"v":1}"#),
            (br#"{"v":1,"v":null}"#, "{}"),
            (br#"{"K":"a"}"#, "{}"),
            (br#"{"\u006b":"a"}"#, r#"{"k":"a"}"#),
            (br#"{"":1,"v":2}"#, r#"{"v":2}"#),
            (br#"{"k":"a",}"#, "!{}"),
            (br#"{"k":"a" "v":1}"#, "!{}"),
            (br#"{k:1}"#, "!{}"),
            (b"{\"k\":\"a\tb\"}", "!{}"),
            (br#"{"k":"a\qb","v":1}"#, "!{}"),
            (br#"{"k":"a\u00zz","v":1}"#, "!{}"),
            (b"{\"k\":\"\xff\xfe\",\"v\":1}", "!{}"),
            (b"{\"x\":\"\xff\",\"v\":1}", "!{}"),
            (br#"/* c */ {"v":1}"#, "!{}"),
            (br#"{"s":{"x":1,},"v":2}"#, "!{}"),
            (br#"{"v":2,"d":{"x":1}}"#, r#"!{"v":2}"#),
            (br#"{"v":1 x}"#, "!{}"),
            (br#"{"k":{"a":tru},"v":1}"#, "!{}"),
        ],
    );
}

#[test]
fn a_bad_part_nulls_what_spark_nulls() {
    let pq = structure(&[("p", DataType::Int32), ("q", DataType::Utf8)]);
    let r = structure(&[("z", DataType::Int32)]);
    let st = structure(&[("p", DataType::Int32), ("q", DataType::Utf8), ("r", r)]);
    check(
        &[
            ("ar", list(DataType::Int32)),
            ("ad", list(pq.clone())),
            ("ma", map(DataType::Int32)),
            ("st", st),
            ("aa", list(list(DataType::Int32))),
            ("ms", map(structure(&[("p", DataType::Int32)]))),
        ],
        &[],
        &[
            (
                br#"{"ar":[1,null,3],"ma":{"a":1,"b":null},"st":{"p":1,"q":"x"}}"#,
                r#"{"ar":[1,null,3],"ma":{"a":1,"b":null},"st":{"p":1,"q":"x"}}"#,
            ),
            (br#"{"ar":[1,"x",3]}"#, "!{}"),
            (
                br#"{"ad":[{"p":1,"q":"a"},{"p":"bad","q":"b"},{"p":3}]}"#,
                r#"!{"ad":[{"p":1,"q":"a"},{"q":"b"},{"p":3}]}"#,
            ),
            (br#"{"ma":{"a":1,"b":"x","c":3}}"#, "!{}"),
            (br#"{"st":{"p":"x","q":"y"}}"#, r#"!{"st":{"q":"y"}}"#),
            (br#"{"st":{"p":1,"r":{"z":"x"}}}"#, r#"!{"st":{"p":1,"r":{}}}"#),
            (br#"{"aa":[[1],["x"],[3]]}"#, "!{}"),
            (
                br#"{"ms":{"a":{"p":"x"},"b":{"p":2}}}"#,
                r#"!{"ms":{"a":{},"b":{"p":2}}}"#,
            ),
            (br#"{"ar":5}"#, "!{}"),
            (br#"{"ar":{"a":1}}"#, "!{}"),
            (br#"{"st":[1]}"#, "!{}"),
            (br#"{"st":"x","ar":[1]}"#, r#"!{"ar":[1]}"#),
            (br#"{"ma":{"a":1,"a":2,"b":3}}"#, r#"{"ma":{"a":1,"a":2,"b":3}}"#),
            (br#"{"ad":[{"p":1},5]}"#, "!{}"),
            (br#"{"st":{"p":1,"p":2}}"#, r#"{"st":{"p":2}}"#),
            (br#"{"st":{"p":1,"p":"x"}}"#, r#"!{"st":{"p":1}}"#),
            (br#"{"ar":""}"#, "!{}"),
            (br#"{"ad":[[{"p":1}]]}"#, "!{}"),
        ],
    );
}

#[test]
fn relaxations_of_the_syntax_are_options() {
    check(
        &scalars(),
        &[
            ("allowUnquotedFieldNames", "true"),
            ("allowNumericLeadingZeros", "true"),
            ("allowComments", "true"),
            ("allowUnquotedControlChars", "true"),
            ("allowBackslashEscapingAnyCharacter", "true"),
        ],
        &[
            (br#"{k:"a"}"#, r#"{"k":"a"}"#),
            (br#"{"v":01}"#, r#"{"v":1}"#),
            (br#"/*c*/{"v":1}//x"#, r#"{"v":1}"#),
            (b"{\"k\":\"a\tb\"}", r#"{"k":"a\tb"}"#),
            (br#"{"k":"a\qb"}"#, r#"{"k":"aqb"}"#),
            (b"# c", "!{}"),
        ],
    );
    check(
        &scalars(),
        &[
            ("allowSingleQuotes", "false"),
            ("allowNonNumericNumbers", "false"),
        ],
        &[
            (b"{'k':'a'}", "!{}"),
            (br#"{"k":NaN}"#, "!{}"),
            (br#"{"d":"NaN"}"#, "!{}"),
        ],
    );
}

#[test]
fn modes_keep_leave_out_or_refuse_bad_records() {
    let schema = schema(&[("k", DataType::Utf8), ("v", DataType::Int32)]);
    let text = b"{\"k\":\"a\",\"v\":1}\n{\"k\":\"b\",\"v\":\"x\"}\n{\"k\":\n[{\"k\":\"c\"},{\"v\":\"x\"}]\n";
    let kept = rows(&decode(&mut json_decoder(&schema, &[("mode", "DROPMALFORMED")]), text).unwrap());
    assert_eq!(kept, [(r#"{"k":"a","v":1}"#.to_owned(), None)]);
    let error = decode(&mut json_decoder(&schema, &[("mode", "FAILFAST")]), text).unwrap_err();
    assert_eq!(
        error.condition(),
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
    );
    assert!(error.to_string().contains(r#"{"k":"b","v":"x"}"#), "{error}");
}

#[test]
fn a_multi_line_file_is_one_value() {
    let fields = [("k", DataType::Utf8), ("v", DataType::Int32)];
    check(
        &fields,
        &[("multiLine", "true")],
        &[
            (b"{\"k\":\"a\",\n\"v\":1}\n{\"k\":\"b\"}", r#"{"k":"a","v":1}"#),
            (
                b"[{\"k\":\"a\",\n\"v\":1},\n{\"k\":\"b\",\"v\":\"x\"}]",
                r#"!{"k":"a","v":1} {"k":"b"}"#,
            ),
            (b"{\"k\":\"a\",\n\"v\":}", "!{}"),
        ],
    );
}

#[test]
fn lines_end_as_asked() {
    let schema = schema(&[("k", DataType::Utf8)]);
    let texts = |options: Options<'_>, input: &[u8]| {
        let found = rows(&decode(&mut json_decoder(&schema, options), input).unwrap());
        found
            .into_iter()
            .map(|(text, _)| text)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        texts(&[], b"{\"k\":\"a\"}\r{\"k\":\"b\"}\r\n\r\n{\"k\":\"c\"}"),
        r#"{"k":"a"} {"k":"b"} {"k":"c"}"#
    );
    let input = b"{\"k\":\"a\"}|{\"k\":\"b\nc\"}|{\"k\":\"d\"}\r";
    assert_eq!(texts(&[("lineSep", "|")], input), r#"{"k":"a"} {} {"k":"d"}"#);
}

#[test]
fn a_projection_parses_the_rest_only_for_the_corrupt_record_column_alone() {
    let schema = schema(&[
        ("a", DataType::Int32),
        ("b", DataType::Int32),
        ("bad", DataType::Utf8),
    ]);
    let text = b"{\"a\":1,\"b\":\"x\"}\n{\"a\":1,\"b\":2}\n{\"a\":\n";
    let read = |projection: &[usize]| {
        let mut decoder = json_decoder(&schema, &[]).with_projection(projection).unwrap();
        decode(&mut decoder, text).unwrap()
    };
    let texts: Vec<String> = rows(&read(&[0])).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, [r#"{"a":1}"#, r#"{"a":1}"#, "{}"]);
    let bad = |projection: &[usize]| -> Vec<Option<String>> {
        rows(&read(projection)).into_iter().map(|(_, bad)| bad).collect()
    };
    let cut = Some(r#"{"a":"#.to_owned());
    assert_eq!(bad(&[2, 0]), [None, None, cut.clone()]);
    assert_eq!(bad(&[2]), [Some(r#"{"a":1,"b":"x"}"#.to_owned()), None, cut]);
    assert_eq!(read(&[2, 0])[0].schema().field(0).name(), "bad");
    assert_eq!(read(&[])[0].num_rows(), 3);
}

#[test]
fn an_array_of_many_rows_is_cut_into_batches() {
    let schema = schema(&[("v", DataType::Int32)]);
    let text = format!("[{}]\n{{\"v\":7}}\n", vec![r#"{"v":1}"#; 25].join(","));
    let mut decoder = json_decoder(&schema, &[]).with_batch_rows(10);
    let sizes: Vec<usize> = decode(&mut decoder, text.as_bytes())
        .unwrap()
        .iter()
        .map(RecordBatch::num_rows)
        .collect();
    assert_eq!(sizes, [10, 10, 5, 1]);
}

#[test]
fn bad_options_name_the_option() {
    let error = |options: Options<'_>| {
        JsonReadOptions::from_options(&getter(options), "UTC")
            .unwrap_err()
            .to_string()
    };
    assert!(error(&[("mode", "lenient")]).contains("'mode'"));
    assert!(error(&[("multiLine", "maybe")]).contains("'multiLine'"));
    assert!(error(&[("encoding", "UTF-16"), ("lineSep", "\n")]).contains("'encoding'"));
    assert!(error(&[("encoding", "ISO-8859-1")]).contains("lineSep"));
    assert!(error(&[("encoding", "latin-9")]).contains("iso-8859-1"));
    assert!(error(&[("timestampFormat", "YYYY")]).contains("'timestampFormat'"));
    assert!(error(&[("locale", "de-DE")]).contains("'locale'"));
    assert!(JsonReadOptions::from_options(&getter(&[("locale", "en-us")]), "UTC").is_ok());
    let schema = schema(&[("bad", DataType::Int32)]);
    let options = JsonReadOptions::from_options(&getter(&[("columnNameOfCorruptRecord", "bad")]), "UTC");
    let error = JsonDecoder::new(schema, options.unwrap()).err().unwrap();
    assert_eq!(error.condition(), "INVALID_CORRUPT_RECORD_TYPE");
}
