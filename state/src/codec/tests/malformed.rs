//! Rows that are none: an error, never a panic, and no more memory than the bytes at hand justify.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use tidemill_checkpoint::CheckpointErrorKind;

use super::*;
use crate::StateError;

/// One row with a value of every layout.
fn sample() -> Vec<ArrayRef> {
    vec![
        Arc::new(Int64Array::from(vec![1])),
        strings(&[Some("a string")]),
        decimals(38, 0, &[Some(-1)]),
        intervals(&[Some((1, 2, 3))]),
        structs(vec![ints(&[Some(1)]), strings(&[Some("x")])], None),
        lists(&[Some(3)], ints(&[Some(1), None, Some(3)])),
        lists(&[Some(2)], strings(&[Some("a"), Some("b")])),
        maps(&[Some(1)], strings(&[Some("k")]), ints(&[Some(1)])),
        decimals(38, 0, &[None]),
        Arc::new(Float64Array::from(vec![1.0])),
    ]
}

fn decode_error(columns: &[ArrayRef], row: &[u8]) -> StateError {
    codec_of(columns).decode(std::iter::once(row)).unwrap_err()
}

#[test]
fn a_row_cut_at_any_byte_is_refused() {
    let columns = sample();
    let rows = encoded(&columns);
    let row = rows.row(0);
    for length in 0..row.len() {
        let error = decode_error(&columns, &row[..length]);
        assert_eq!(error.condition(), "STATE_ROW_MALFORMED", "{length}");
        assert_eq!(error.kind(), CheckpointErrorKind::Corrupt);
    }
}

#[test]
fn a_null_calendar_interval_cut_off_is_refused() {
    let columns = [intervals(&[None])];
    let rows = encoded(&columns);
    decode_error(&columns, &rows.row(0)[..24]);
    decode_error(&columns, &rows.row(0)[..16]);
}

#[test]
fn offsets_and_sizes_outside_the_row_are_refused_by_name() {
    let columns = [structs(vec![strings(&[Some("12345678")])], None)];
    let rows = encoded(&columns);
    let slot_of_string = 24;
    for (offset, size) in [
        (u32::MAX, u32::MAX),
        (u32::MAX, 0),
        (0, u32::MAX),
        (16, 9),
        (17, 8),
        (25, 0),
    ] {
        let mut row = rows.row(0).to_vec();
        row[slot_of_string..slot_of_string + 4].copy_from_slice(&size.to_le_bytes());
        row[slot_of_string + 4..slot_of_string + 8].copy_from_slice(&offset.to_le_bytes());
        let text = decode_error(&columns, &row).to_string();
        assert!(text.contains("c0.c0: a value of"), "{text}");
    }
}

#[test]
fn lengths_that_the_bytes_cannot_hold_are_refused() {
    for columns in [
        [lists(&[Some(1)], booleans(&[Some(true)]))],
        [lists(&[Some(1)], strings(&[Some("a")]))],
        [lists(&[Some(1)], lists(&[Some(0)], ints(&[])))],
    ] {
        let rows = encoded(&columns);
        for length in [i64::MIN, -1, 65, 1 << 31, 1 << 40, i64::MAX / 8, i64::MAX] {
            let mut row = rows.row(0).to_vec();
            row[16..24].copy_from_slice(&length.to_le_bytes());
            let text = decode_error(&columns, &row).to_string();
            assert!(text.contains("c0.element: its array of"), "{text}");
        }
    }
    let columns = [maps(&[Some(1)], ints(&[Some(1)]), ints(&[Some(1)]))];
    let rows = encoded(&columns);
    for key_bytes in [i64::MIN, -1, 49, i64::MAX] {
        let mut row = rows.row(0).to_vec();
        row[16..24].copy_from_slice(&key_bytes.to_le_bytes());
        decode_error(&columns, &row);
    }
}

#[test]
fn a_map_needs_as_many_values_as_keys() {
    let columns = [maps(&[Some(1)], ints(&[Some(1)]), ints(&[Some(1)]))];
    let mut row = encoded(&columns).row(0).to_vec();
    row[48] = 2;
    let text = decode_error(&columns, &row).to_string();
    assert!(text.contains("not as many values as keys"), "{text}");
}

#[test]
fn elements_that_share_bytes_are_refused() {
    // Otherwise nested arrays that all point at one place would multiply a small row into gigabytes.
    let columns = [lists(&[Some(2)], strings(&[Some("12345678"), Some("12345678")]))];
    let mut row = encoded(&columns).row(0).to_vec();
    let array = row.len() - 16;
    for slot in [32, 40] {
        row[slot..slot + 8].copy_from_slice(&48_u64.to_le_bytes());
    }
    assert_eq!(array, 48);
    decode_error(&columns, &row);
}

#[test]
fn strings_that_are_not_utf8_are_refused_by_name() {
    let columns = [strings(&[Some("é"), Some("é")])];
    let rows = encoded(&columns);
    let mut rows: Vec<_> = rows.iter().map(<[u8]>::to_vec).collect();
    // Together the two rows' bytes would be UTF-8.
    rows[0][8] = 1;
    rows[1][8] = 1;
    rows[1][16] = rows[0][17];
    let codec = codec_of(&columns);
    let text = codec
        .decode(rows.iter().map(Vec::as_slice))
        .unwrap_err()
        .to_string();
    assert!(text.starts_with("a row of state is malformed at c0"), "{text}");
}

#[test]
fn decimals_and_intervals_of_another_size_are_refused() {
    for (columns, sizes) in [
        ([decimals(38, 0, &[Some(1)])], &[0_u8, 17][..]),
        ([intervals(&[Some((1, 1, 1))])], &[0, 8, 15]),
    ] {
        for size in sizes {
            let mut row = encoded(&columns).row(0).to_vec();
            row.extend([0; 8]);
            row[8] = *size;
            decode_error(&columns, &row);
        }
    }
}

#[test]
fn a_row_of_bytes_for_no_columns_is_refused() {
    decode_error(&[], &[0; 8]);
}

#[test]
fn columns_that_are_not_the_fields_are_refused() {
    let codec = codec_of(&[ints(&[]), strings(&[])]);
    for (columns, row_count) in [
        (vec![ints(&[Some(1)])], 1),
        (vec![ints(&[Some(1)]), ints(&[Some(1)])], 1),
        (vec![ints(&[Some(1)]), strings(&[Some("a")])], 2),
    ] {
        let mut rows = Rows::default();
        let error = codec.encode(&columns, row_count, &mut rows).unwrap_err();
        assert_eq!(error.condition(), "STATE_ROW_COLUMN_MISMATCH");
        assert!(rows.is_empty());
    }
}

#[test]
fn a_decimal_that_is_too_long_for_its_type_is_refused() {
    let mut rows = Rows::default();
    let columns = [decimals(18, 0, &[Some(i128::from(i64::MAX) + 1)])];
    let error = codec_of(&columns).encode(&columns, 1, &mut rows).unwrap_err();
    assert_eq!(error.condition(), "STATE_ROW_VALUE_OUT_OF_RANGE");
    assert!(rows.is_empty());
}

#[test]
fn types_that_spark_does_not_have_are_refused_by_field() {
    let unsigned = Field::new("element", DataType::UInt64, true);
    let list = Field::new("b", DataType::List(Arc::new(unsigned)), true);
    let fields = Fields::from(vec![Field::new("a", DataType::Struct(vec![list].into()), true)]);
    let error = StateRowCodec::try_new(&fields).unwrap_err();
    assert_eq!(error.condition(), "UNSUPPORTED_DATATYPE");
    assert!(error.to_string().contains("UInt64 of a.b.element"), "{error}");
    assert!(!crate::is_supported(fields[0].data_type()));
    assert!(crate::is_supported(&DataType::Utf8View));
}
