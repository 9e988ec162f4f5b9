//! Buffers that are bytes, against what Spark wrote.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Float64Array, ListBuilder, StringBuilder};
use arrow::datatypes::DataType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::super::buffer_bytes;
use super::super::fold::{Fold, Folded};
use super::super::groups::Grouped;
use super::super::histogram::Histogram;
use super::super::quantiles::ApproxPercentile;
use super::text;

#[test]
fn a_list_has_the_bytes_that_spark_wrote_in_the_golden_case() {
    let golden = "AAAAAAAAAABAAAAAEAAAAAMAAAAAAAAAAAAAAAAAAAACAAAAKAAAAAIAAAAwAAAAAgAAADgAAABzNwAAAAAAAHMwAAAAAAAAczEAAAAAAAA=";
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in ["s7", "s0", "s1"] {
        lists.values().append_value(text);
    }
    lists.append(true);
    let lists: ArrayRef = Arc::new(lists.finish());
    let rows = buffer_bytes::rows_of_lists(&lists).unwrap();
    assert_eq!(STANDARD.encode(rows.as_binary::<i32>().value(0)), golden);
    let back = buffer_bytes::lists_of_rows(&rows, lists.data_type()).unwrap();
    assert_eq!(&back, &lists);
}

/// The state of one group after a batch of values was merged into the state of the batch before.
fn merged_bytes<F: Fold>(fold: impl Fn() -> F) -> String {
    let mut whole = Grouped(Folded::new(fold()));
    for values in [vec![0.0, 0.25, 0.5, 0.75, 1.0], vec![1.25, 1.5, 1.75]] {
        let groups = vec![0; values.len()];
        let values: ArrayRef = Arc::new(Float64Array::from(values));
        let mut batch = Grouped(Folded::new(fold()));
        batch.update_batch(&[values], &groups, None, 1).unwrap();
        let states = batch.state(EmitTo::All).unwrap();
        whole.merge_batch(&states, &[0], 1).unwrap();
    }
    let state = whole.state(EmitTo::All).unwrap();
    STANDARD.encode(state[0].as_binary::<i32>().value(0))
}

#[test]
fn a_histogram_has_the_bytes_that_spark_wrote() {
    let bytes = merged_bytes(|| Histogram {
        limit: 3,
        data_type: DataType::Float64,
    });
    assert_eq!(
        bytes,
        "AAAAAwAAAAM/0AAAAAAAAEAIAAAAAAAAP+wAAAAAAABAAAAAAAAAAD/4AAAAAAAAQAgAAAAAAAA="
    );
}

#[test]
fn a_quantile_summary_has_the_bytes_that_spark_wrote() {
    let bytes = merged_bytes(|| ApproxPercentile {
        parts: vec![0.5],
        is_list: false,
        error: 1.0 / 10_000.0,
        data_type: DataType::Float64,
    });
    let spark = "AAAnED8aNuLrHEMtAAAAAAAAAAgAAAAIAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAP9AAAAAAAAAAAAAAAAAAAQAAAAAAAAAAP+AAAAAAAAAAAAAA\
        AAAAAQAAAAAAAAAAP+gAAAAAAAAAAAAAAAAAAQAAAAAAAAAAP/AAAAAAAAAAAAAAAAAAAQAAAAAAAAAAP/QAAAAAAAAAAAAAAAAAAQAAAAAAAAAA\
        P/gAAAAAAAAAAAAAAAAAAQAAAAAAAAAAP/wAAAAAAAAAAAAAAAAAAQAAAAAAAAAA";
    assert_eq!(bytes, spark.split_whitespace().collect::<String>());
}

#[test]
fn values_with_counts_are_read_from_the_bytes_that_spark_wrote() {
    let golden = "AAAAIAAAAAAAAAAAAgAAABgAAAADAAAAAAAAAHMwAAAAAAAAAAAAIAAAAAAAAAAAAgAAABgAAAADAAAAAAAAAHMxAAAAAAAAAAAAIAAAAAAAAAAAAgAA\
        ABgAAAACAAAAAAAAAHMyAAAAAAAA/////w==";
    let golden: String = golden.split_whitespace().collect();
    let bytes = STANDARD.decode(golden).unwrap();
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&bytes, &(-1_i32).to_be_bytes()]));
    let lists = buffer_bytes::counted_of_bytes(&bytes, &buffer_bytes::counted_type(&DataType::Utf8)).unwrap();
    assert_eq!(
        text(&lists, 0),
        "[{value: s0, count: 3}, {value: s1, count: 3}, {value: s2, count: 2}]"
    );
    assert_eq!(text(&lists, 1), "[]");
    assert_eq!(&buffer_bytes::bytes_of_counted(&lists).unwrap(), &bytes);
}
