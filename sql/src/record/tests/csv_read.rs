//! What Spark reads from lines of CSV, as tables.

use super::*;

fn abc() -> SchemaRef {
    schema(&[
        ("a", DataType::Utf8),
        ("b", DataType::Int32),
        ("c", DataType::Utf8),
        ("bad", DataType::Utf8),
    ])
}

fn check(options: Options<'_>, table: &[(&[u8], &str)]) {
    check_lines(|| Box::new(csv_decoder(&abc(), options)), table);
}

fn texts(schema: &SchemaRef, options: Options<'_>, input: &[u8]) -> Vec<String> {
    let found = rows(&decode(&mut csv_decoder(schema, options), input).unwrap());
    found.into_iter().map(|(text, _)| text).collect()
}

#[test]
fn fields_go_to_columns_as_in_spark() {
    check(
        &[],
        &[
            (b"x,1,y", r#"{"a":"x","b":1,"c":"y"}"#),
            (b"x,1", r#"!{"a":"x","b":1}"#),
            (b"x,1,y,z", r#"!{"a":"x","b":1,"c":"y"}"#),
            (b"x,,y", r#"{"a":"x","c":"y"}"#),
            (br#""","1","""#, r#"{"b":1}"#),
            (b",,", "{}"),
            (br#""""#, "!{}"),
            (b"x, 1,y", r#"!{"a":"x","c":"y"}"#),
            (b" x ,1, y ", r#"{"a":" x ","b":1,"c":" y "}"#),
            (b"x,+1,y", r#"{"a":"x","b":1,"c":"y"}"#),
            (b"x,1.0,y", r#"!{"a":"x","c":"y"}"#),
            (b"x,99999999999,y", r#"!{"a":"x","c":"y"}"#),
            (b"#x,1,y", r##"{"a":"#x","b":1,"c":"y"}"##),
            (b"   ", ""),
            (b"", ""),
        ],
    );
    let found = rows(&decode(&mut csv_decoder(&abc(), &[]), b"\xff,1,y").unwrap());
    assert_eq!(
        found,
        [("{\"a\":\"\u{fffd}\",\"b\":1,\"c\":\"y\"}".to_owned(), None)]
    );
}

#[test]
fn quotes_and_escapes_mean_what_they_mean_in_spark() {
    check(
        &[],
        &[
            (br#""a,b",1,"c""d""#, r#"{"a":"a,b","b":1,"c":"\"c\"\"d\""}"#),
            (br#""a\"b",1,c"#, r#"{"a":"a\"b","b":1,"c":"c"}"#),
            (br#""a\\b",1,c"#, r#"{"a":"a\\b","b":1,"c":"c"}"#),
            (br#""a\nb",1,c"#, r#"{"a":"a\\nb","b":1,"c":"c"}"#),
            (br#"a\"b,1,c"#, r#"{"a":"a\\\"b","b":1,"c":"c"}"#),
            (br#""a"b,1,c"#, r#"{"a":"\"a\"b","b":1,"c":"c"}"#),
            (br#""a" ,1,c"#, r#"{"a":"a","b":1,"c":"c"}"#),
            (br#" "a",1,c"#, r#"{"a":" \"a\"","b":1,"c":"c"}"#),
            (br#"a"b"c,1,d"#, r#"{"a":"a\"b\"c","b":1,"c":"d"}"#),
            (br#""a,1,c"#, r#"!{"a":"a,1,c"}"#),
            (br#""abc"d"e",1,c"#, r#"{"a":"\"abc\"d\"e\"","b":1,"c":"c"}"#),
            (br#""a"b"c,1,d"#, r#"{"a":"\"a\"b\"c","b":1,"c":"d"}"#),
            (br#"x,1,"y"#, r#"{"a":"x","b":1,"c":"y"}"#),
            (br#""x\"",1,y"#, r#"{"a":"x\"","b":1,"c":"y"}"#),
            (br#""x\\",1,y"#, r#"{"a":"x\\","b":1,"c":"y"}"#),
            (br#""x\\"",1,y"#, r#"{"a":"x\\\"","b":1,"c":"y"}"#),
            (br#"\,1,y"#, r#"{"a":"\\","b":1,"c":"y"}"#),
            (br#""a""b",1,c"#, r#"{"a":"\"a\"\"b\"","b":1,"c":"c"}"#),
            (br#"""a"",1,c"#, r#"{"a":"\"\"a\"\"","b":1,"c":"c"}"#),
            (b"\"a\"\t,1,c", r#"{"a":"a","b":1,"c":"c"}"#),
            (br#""a" b,1,c"#, r#"{"a":"\"a\" b","b":1,"c":"c"}"#),
        ],
    );
    check(
        &[("escape", "\"")],
        &[
            (br#""a""b",1,"c""#, r#"{"a":"a\"b","b":1,"c":"c"}"#),
            (br#""a\",1,"c""#, r#"{"a":"a\\","b":1,"c":"c"}"#),
            (br#""a"b",1,c"#, r#"{"a":"\"a\"b\"","b":1,"c":"c"}"#),
            (br#""a"""b",1,c"#, r#"{"a":"\"a\"\"b\"","b":1,"c":"c"}"#),
            (br#""""a""",1,c"#, r#"{"a":"\"a\"","b":1,"c":"c"}"#),
        ],
    );
    let ab = schema(&[("a", DataType::Utf8), ("b", DataType::Int32)]);
    assert_eq!(
        texts(&ab, &[("quote", "")], b"\"x\",1"),
        [r#"{"a":"\"x\"","b":1}"#]
    );
}

#[test]
fn unescaped_quotes_are_handled_as_asked() {
    check(
        &[("unescapedQuoteHandling", "STOP_AT_CLOSING_QUOTE")],
        &[
            (br#""a"b,1,c"#, r#"!{"a":"a\"b,1,c"}"#),
            (br#""a"b",1,c"#, r#"{"a":"a\"b","b":1,"c":"c"}"#),
            (br#"a"b,1,c"#, r#"{"a":"a\"b","b":1,"c":"c"}"#),
            (br#""ab"c"d,1,e"#, r#"!{"a":"ab\"c\"d,1,e"}"#),
        ],
    );
    check(
        &[("unescapedQuoteHandling", "SKIP_VALUE")],
        &[
            (br#""a"b,1,c"#, r#"{"b":1,"c":"c"}"#),
            (br#""a"b",1,c"#, r#"{"b":1,"c":"c"}"#),
            (br#""ab"c"d,1,e"#, r#"{"b":1,"c":"e"}"#),
        ],
    );
    let mut strict = csv_decoder(&abc(), &[("unescapedQuoteHandling", "RAISE_ERROR")]);
    let error = decode(&mut strict, br#""a"b,1,c"#).unwrap_err();
    assert!(error.to_string().contains("unescapedQuoteHandling"), "{error}");
}

#[test]
fn blanks_nulls_and_comments_follow_their_options() {
    check(
        &[
            ("ignoreLeadingWhiteSpace", "true"),
            ("ignoreTrailingWhiteSpace", "true"),
        ],
        &[
            (b" x , 1 , y ", r#"{"a":"x","b":1,"c":"y"}"#),
            (br#"" x " , 1 ,"y" "#, r#"{"a":" x ","b":1,"c":"y"}"#),
            (b"\t,1,y", r#"{"b":1,"c":"y"}"#),
        ],
    );
    check(
        &[("nullValue", "NA"), ("emptyValue", "EMPTY")],
        &[
            (br#"NA,NA,"NA""#, "{}"),
            (br#""",1,"#, r#"{"a":"EMPTY","b":1}"#),
            (br#"x,,"""#, r#"{"a":"x","c":"EMPTY"}"#),
        ],
    );
    check(&[("nullValue", "NA")], &[(br#""",1,"#, r#"{"a":"","b":1}"#)]);
    check(
        &[("comment", "#")],
        &[(b"#x,1,y", ""), (b" #x,1,y", r##"{"a":" #x","b":1,"c":"y"}"##)],
    );
}

#[test]
fn the_header_is_skipped_and_checked_if_asked() {
    let input = b"\nA,B,C\nx,1,y\nA,B,C\n";
    assert_eq!(
        texts(&abc(), &[("header", "true")], input),
        [r#"{"a":"x","b":1,"c":"y"}"#, r#"{"a":"A","c":"C"}"#]
    );
    let strict: Options<'_> = &[("header", "true"), ("enforceSchema", "false")];
    assert_eq!(
        texts(&abc(), strict, b"A,B,C\nx,1,y"),
        [r#"{"a":"x","b":1,"c":"y"}"#]
    );
    let error = decode(&mut csv_decoder(&abc(), strict), b"a,B,D\nx,1,y").unwrap_err();
    assert!(error.to_string().contains("Expected: c but found: D"), "{error}");
}

#[test]
fn every_type_is_read_as_spark_reads_it() {
    let schema = schema(&[
        ("a", DataType::Int8),
        ("b", DataType::Float64),
        ("c", DataType::Float32),
        ("d", DataType::Boolean),
        ("e", DataType::Decimal128(5, 2)),
        ("f", timestamp()),
        ("g", DataType::Date32),
        ("h", DataType::Binary),
        ("i", timestamp_ntz()),
        ("bad", DataType::Utf8),
    ]);
    check_lines(
        || Box::new(csv_decoder(&schema, &[])),
        &[
            (
                b"1,1.5,2.5,true,1.005,2024-01-01T00:00:00Z,2024-01-01,abc,2024-01-01 01:02:03",
                r#"{"a":1,"b":1.5,"c":2.5,"d":true,"e":1.01,"f":"2024-01-01T00:00:00.000Z","g":"2024-01-01","h":"YWJj","i":"2024-01-01T01:02:03.000"}"#,
            ),
            (
                br#"128,NaN,Inf,TRUE,"1,234.5",2024-01-01,2024-1-1,"",2024-01-01T01:02:03Z"#,
                r#"!{"b":"NaN","c":"Infinity","d":true,"f":"2024-01-01T00:00:00.000Z","g":"2024-01-01"}"#,
            ),
            (
                b" 1, 1.5 ,-Inf,yes,12345,1704067200,19000,x,x",
                r#"!{"b":1.5,"c":"-Infinity","g":"+19000-01-01","h":"eA=="}"#,
            ),
            (
                b"1,1d,1e39,1,1,,,,",
                r#"!{"a":1,"b":1.0,"c":"Infinity","e":1.00}"#,
            ),
            (b"1,nan,inf,,1e400,,,,", r#"!{"a":1}"#),
            (
                b"1,Infinity,-Infinity,False,1e2,,,,",
                r#"{"a":1,"b":"Infinity","c":"-Infinity","d":false,"e":100.00}"#,
            ),
        ],
    );
}

#[test]
fn a_multi_line_file_may_hold_line_ends_in_quotes() {
    let input = b"\"a\nb\",1,c\n\nx,2,\"y\r\nz\"\r\nq,3,\"open\nr,4,s";
    assert_eq!(
        texts(&abc(), &[("multiLine", "true")], input),
        [
            r#"{"a":"a\nb","b":1,"c":"c"}"#,
            r#"{"a":"x","b":2,"c":"y\r\nz"}"#,
            r#"{"a":"q","b":3,"c":"open\nr,4,s"}"#
        ]
    );
}

#[test]
fn separators_may_be_long_and_limits_hold() {
    let ab = schema(&[("a", DataType::Utf8), ("b", DataType::Int32)]);
    assert_eq!(
        texts(&ab, &[("sep", "||")], b"x||1\nx|y||2"),
        [r#"{"a":"x","b":1}"#, r#"{"a":"x|y","b":2}"#]
    );
    assert_eq!(texts(&ab, &[("sep", "\\t")], b"x\t1"), [r#"{"a":"x","b":1}"#]);
    let drop = texts(&ab, &[("mode", "DROPMALFORMED")], b"x,1\nx\nx,y\nx,1,2\n");
    assert_eq!(drop, [r#"{"a":"x","b":1}"#]);
    for (option, value, input) in [
        ("maxColumns", "2", &b"x,1\nx,1,2,3"[..]),
        ("maxCharsPerColumn", "3", b"xxxxxx,1"),
    ] {
        let error = decode(&mut csv_decoder(&ab, &[(option, value)]), input).unwrap_err();
        assert!(error.to_string().contains(option), "{error}");
    }
}

#[test]
fn nested_columns_are_refused() {
    let options = CsvReadOptions::from_options(&getter(&[]), "UTC").unwrap();
    let error = CsvDecoder::new(schema(&[("a", list(DataType::Int32))]), options)
        .err()
        .unwrap();
    assert_eq!(error.condition(), "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE");
}
