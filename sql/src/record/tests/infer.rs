//! Inference of schemas from JSON and CSV.

use super::*;

fn names(schema: &SchemaRef) -> String {
    let one = |f: &Arc<Field>| format!("{} {}", f.name(), f.data_type());
    schema.fields().iter().map(one).collect::<Vec<_>>().join(", ")
}

fn json(lines: &str, options: Options<'_>) -> String {
    let options = JsonReadOptions::from_options(&getter(options), "UTC").unwrap();
    names(&infer_json_schema(&[lines.as_bytes()], &options).unwrap())
}

fn csv(lines: &str, infer: bool, options: Options<'_>) -> String {
    let options = CsvReadOptions::from_options(&getter(options), "UTC").unwrap();
    names(&infer_csv_schema(&[lines.as_bytes()], &options, infer).unwrap())
}

#[test]
fn json_columns_are_sorted_and_their_types_merged() {
    let lines =
        "{\"z\":1,\"a\":\"x\",\"n\":null}\n{\"z\":1.5,\"b\":true,\"l\":[1,null]}\n{\"b\":1,\"l\":[]}\n";
    assert_eq!(
        json(lines, &[]),
        "a Utf8, b Utf8, l List(Int64, field: 'element'), n Utf8, z Float64"
    );
    assert_eq!(json("{\"a\":12345678901234567890}", &[]), "a Decimal128(20, 0)");
    assert_eq!(
        json("{\"a\":1.25,\"b\":\"\"}", &[("prefersDecimal", "true")]),
        "a Decimal128(3, 2), b Utf8"
    );
    assert_eq!(json("{\"a\":1}", &[("primitivesAsString", "true")]), "a Utf8");
    assert_eq!(
        json("{\"a\":null,\"b\":1}", &[("dropFieldIfAllNull", "true")]),
        "b Int64"
    );
    assert_eq!(json("[{\"a\":1},{\"b\":2}]", &[]), "a Int64, b Int64");
    assert_eq!(json("{\"a\":1}\n{", &[]), "_corrupt_record Utf8, a Int64");
    assert_eq!(json("{\"a\":1}\n{", &[("mode", "DROPMALFORMED")]), "a Int64");
}

#[test]
fn csv_columns_are_strings_unless_types_are_inferred() {
    let lines = "A,b,a\n1,2024-01-01,true\n3000000000,2024-01-01 10:00:00,\n";
    assert_eq!(csv(lines, false, &[]), "_c0 Utf8, _c1 Utf8, _c2 Utf8");
    assert_eq!(
        csv(lines, true, &[("header", "true")]),
        "A0 Int64, b Timestamp(µs, \"UTC\"), a2 Boolean"
    );
    assert_eq!(
        csv("1,1.5,x,2024-01-01\n2.5,2,1,2024-01-02\n", true, &[]),
        "_c0 Float64, _c1 Float64, _c2 Utf8, _c3 Date32"
    );
}
