//! What holds for all inputs: round trips, chunk boundaries, arbitrary bytes.

use proptest::prelude::*;

use super::*;

fn mixed() -> SchemaRef {
    schema(&[
        ("k", DataType::Utf8),
        ("v", DataType::Int64),
        ("d", DataType::Float64),
        ("ts", timestamp()),
        ("ar", list(structure(&[("p", DataType::Int32)]))),
        ("ma", map(DataType::Utf8)),
        ("bad", DataType::Utf8),
    ])
}

fn flat() -> SchemaRef {
    schema(&[
        ("k", DataType::Utf8),
        ("v", DataType::Int64),
        ("d", DataType::Float64),
        ("bad", DataType::Utf8),
    ])
}

#[test]
fn where_the_input_is_cut_does_not_matter() {
    let json =
        "\u{feff}{\"k\":\"é\",\"v\":1}\r\n\r\n[{\"v\":2},{\"ar\":[{\"p\":1}]}]\r{\"v\":\"x\"}\n{\"d\":1.5"
            .as_bytes();
    let whole = rows(&decode(&mut json_decoder(&mixed(), &[]), json).unwrap());
    assert_eq!(whole.len(), 5);
    let csv = "\u{feff}k,v\r\né,1,2.5\r\n\"a\"\"b\",x,\n#\n\"q\\\"\",2,3\r\rz".as_bytes();
    for step in 1..json.len() {
        let found = decode_in_steps(&mut json_decoder(&mixed(), &[]), json, step).unwrap();
        assert_eq!(rows(&found), whole, "step {step}");
        let batches =
            decode_in_steps(&mut json_decoder(&mixed(), &[]).with_batch_rows(1), json, step).unwrap();
        assert!(batches.iter().all(|b| b.num_rows() == 1));
        assert_eq!(rows(&batches), whole, "step {step}");
    }
    // Over several lines, records end as the file's first line does.
    for (multi_line, count) in [("false", 4), ("true", 2)] {
        let options: Options<'_> = &[("multiLine", multi_line), ("header", "true"), ("comment", "#")];
        let whole = rows(&decode(&mut csv_decoder(&flat(), options), csv).unwrap());
        assert_eq!(whole.len(), count);
        for step in 1..csv.len() {
            let found = decode_in_steps(&mut csv_decoder(&flat(), options), csv, step).unwrap();
            assert_eq!(rows(&found), whole, "step {step}");
        }
    }
}

/// Text that looks like records, so that arbitrary bytes reach deep.
fn record_like() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<&'static [u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"'",
        b":",
        b",",
        b"\\",
        b"\\u",
        b"d83d",
        b"\n",
        b"\r",
        b" ",
        b"1",
        b"-",
        b".5",
        b"e9",
        b"null",
        b"true",
        b"NaN",
        b"\"k\":",
        b"\"v\":",
        b"\"ts\":",
        b"\"ar\":",
        b"\"ma\":",
        b"\"p\":",
        b"\"2024-01-01T00:00:00Z\"",
        b"\xff",
        b"\xc3\xa9",
        b"#",
        b"x",
    ];
    proptest::collection::vec(proptest::sample::select(parts), 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn decoders_take_any_bytes(input in prop_oneof![record_like(), proptest::collection::vec(any::<u8>(), 0..200)]) {
        for multi_line in ["false", "true"] {
            let whole = decode(&mut json_decoder(&mixed(), &[("multiLine", multi_line)]), &input).unwrap();
            let cut = decode_in_steps(&mut json_decoder(&mixed(), &[("multiLine", multi_line)]), &input, 3).unwrap();
            prop_assert_eq!(rows(&whole), rows(&cut));
            let whole = decode(&mut csv_decoder(&flat(), &[("multiLine", multi_line)]), &input).unwrap();
            let cut = decode_in_steps(&mut csv_decoder(&flat(), &[("multiLine", multi_line)]), &input, 3).unwrap();
            prop_assert_eq!(rows(&whole), rows(&cut));
        }
    }

    #[test]
    fn what_the_json_encoder_writes_the_decoder_reads(
        rows in proptest::collection::vec(
            (any::<Option<String>>(), any::<Option<i64>>(), any::<Option<f64>>()), 1..20)
    ) {
        let batch = batch(&rows);
        let options = JsonWriteOptions::from_options(&getter(&[]), "UTC").unwrap();
        let mut out = Vec::new();
        JsonEncoder::new(&batch.schema(), options).unwrap().encode(&batch, &mut out).unwrap();
        let read = decode(&mut json_decoder(&batch.schema(), &[]), &out).unwrap();
        prop_assert_eq!(format!("{:?}", &read[0]), format!("{:?}", batch));
    }

    #[test]
    fn what_the_csv_encoder_writes_the_decoder_reads(
        rows in proptest::collection::vec(
            ("[ -~\n\u{e9}]*[!-~]", any::<Option<i64>>(), any::<Option<f64>>()), 1..20)
    ) {
        // Spark trims outer blanks when writing.
        let rows: Vec<_> = rows.into_iter().map(|(k, v, d)| (Some(k.trim_matches([' ', '\n']).to_owned()), v, d)).collect();
        let batch = batch(&rows);
        let options = CsvWriteOptions::from_options(&getter(&[]), "UTC").unwrap();
        let mut out = Vec::new();
        CsvEncoder::new(&batch.schema(), options).unwrap().encode(&batch, &mut out).unwrap();
        let read = decode(&mut csv_decoder(&batch.schema(), &[("multiLine", "true")]), &out).unwrap();
        prop_assert_eq!(format!("{:?}", &read[0]), format!("{:?}", batch));
    }
}

fn batch(rows: &[(Option<String>, Option<i64>, Option<f64>)]) -> RecordBatch {
    let schema = schema(&[
        ("k", DataType::Utf8),
        ("v", DataType::Int64),
        ("d", DataType::Float64),
    ]);
    let k: arrow::array::StringArray = rows.iter().map(|(k, _, _)| k.as_deref()).collect();
    let v: arrow::array::Int64Array = rows.iter().map(|(_, v, _)| *v).collect();
    let d: arrow::array::Float64Array = rows.iter().map(|(_, _, d)| *d).collect();
    RecordBatch::try_new(schema, vec![Arc::new(k), Arc::new(v), Arc::new(d)]).unwrap()
}
