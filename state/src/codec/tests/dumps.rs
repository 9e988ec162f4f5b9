//! Rows as Spark 4.3.0 wrote them, byte for byte. A word of 8 bytes is written without its last zeros.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, DurationMicrosecondArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int64Array, IntervalYearMonthArray, NullArray, StructArray, Time64NanosecondArray,
};

use super::*;

#[test]
fn small_integers_are_not_sign_extended() {
    let columns: [ArrayRef; 5] = [
        booleans(&[Some(true)]),
        Arc::new(Int8Array::from(vec![-2])),
        Arc::new(Int16Array::from(vec![-3])),
        ints(&[Some(-4)]),
        Arc::new(Int64Array::from(vec![-5])),
    ];
    check(&columns, &["00 01 fe fdff fcffffff fbffffffffffffff"]);
}

#[test]
fn strings_and_binaries_lie_behind_the_slots_in_field_order() {
    let columns: [ArrayRef; 5] = [
        strings(&[Some("a")]),
        strings(&[Some("")]),
        strings(&[Some("hello world")]),
        strings(&[None]),
        Arc::new(BinaryArray::from_vec(vec![&[0x00, 0xff]])),
    ];
    check(
        &columns,
        &["08 0100000030 0000000038 0b00000038 00 0200000048 61 68656c6c6f20776f 726c64 00ff"],
    );
}

#[test]
fn long_decimals_keep_16_bytes_even_when_null() {
    let columns = [
        decimals(10, 2, &[Some(125)]),
        decimals(18, 2, &[Some(-125)]),
        decimals(30, 5, &[Some(1_234_567_890_123_456_789_012_345)]),
        decimals(38, 0, &[Some(-1)]),
        decimals(30, 5, &[None]),
        decimals(10, 2, &[None]),
        decimals(38, 0, &[Some(128)]),
    ];
    check(
        &columns,
        &[
            "30 7d 83ffffffffffffff 0b00000040 0100000050 0000000060 00 0200000070 \
           01056e0f36a6443d e2df79 ff 00 00 00 0080 00",
        ],
    );
}

#[test]
fn offsets_in_a_struct_count_from_the_struct() {
    let columns = [
        structs(vec![ints(&[Some(1)]), strings(&[Some("x")])], None),
        structs(vec![ints(&[None]), strings(&[None])], None),
        structs(vec![ints(&[None]), strings(&[None])], Some(&[false])),
    ];
    check(
        &columns,
        &["04 2000000020 1800000040 00 00 01 0100000018 78 03 00 00"],
    );
}

#[test]
fn arrays_pack_fixed_elements_and_point_to_others() {
    let columns = [
        lists(&[Some(3)], ints(&[Some(1), Some(2), None])),
        lists(&[Some(3)], strings(&[Some("a"), None, Some("bcd")])),
    ];
    check(
        &columns,
        &["00 2000000018 3800000038 03 04 0100000002 00 03 02 0100000028 00 0300000030 61 626364"],
    );
}

#[test]
fn maps_are_two_arrays() {
    let columns = [maps(
        &[Some(2)],
        strings(&[Some("k"), Some("l")]),
        ints(&[Some(1), None]),
    )];
    check(
        &columns,
        &["00 5000000010 30 02 00 0100000020 0100000028 6b 6c 02 02 01"],
    );
}

#[test]
fn intervals_and_times_are_stored() {
    let columns: [ArrayRef; 4] = [
        intervals(&[Some((14, 25, 18_367_500_000))]),
        Arc::new(IntervalYearMonthArray::from(vec![14])),
        Arc::new(DurationMicrosecondArray::from(vec![93_784_500_000])),
        Arc::new(Time64NanosecondArray::from(vec![45_296_789_000_000])),
    ];
    check(
        &columns,
        &["00 1000000028 0e 20e7fdd515 408f047b3229 0e00000019 e0cec94604"],
    );
}

#[test]
fn null_calendar_intervals_keep_their_place_and_size() {
    let columns: [ArrayRef; 3] = [
        Arc::new(Int64Array::from(vec![0, 1])),
        intervals(&[None, Some((14, 25, 18_367_500_000))]),
        strings(&[Some("x"), Some("x")]),
    ];
    check(
        &columns,
        &[
            "02 00 1000000020 0100000030 00 00 78",
            "00 01 1000000020 0100000030 0e00000019 e0cec94604 78",
        ],
    );
}

#[test]
fn nulls_in_arrays_keep_no_place() {
    let months = 14;
    let interval = (months, 25, 18_367_500_000);
    let elements = intervals(&[None, Some((1, 0, 0)), Some(interval), Some((1, 0, 0))]);
    check(
        &[lists(&[Some(2), Some(2)], elements)],
        &[
            "00 3000000010 02 01 00 1000000020 01 00",
            "00 4000000010 02 00 1000000020 1000000030 0e00000019 e0cec94604 01 00",
        ],
    );
    let large = Some(12_345_678_901_234_567_890);
    let elements = decimals(38, 0, &[None, Some(-1), large, Some(128), Some(-1), large]);
    check(
        &[lists(&[Some(3), Some(3)], elements)],
        &[
            "00 4000000010 03 01 00 0100000028 0900000030 ff 00ab54a98ceb1f0a d2",
            "00 4800000010 03 00 0200000028 0100000030 0900000038 0080 ff 00ab54a98ceb1f0a d2",
        ],
    );
    let elements = decimals(10, 0, &[None, Some(-1), Some(128), Some(-1)]);
    check(
        &[lists(&[Some(2), Some(2)], elements)],
        &[
            "00 2000000010 02 01 00 ffffffffffffffff",
            "00 2000000010 02 00 80 ffffffffffffffff",
        ],
    );
}

#[test]
fn structs_keep_the_places_of_nulls_as_rows_do() {
    let columns = [structs(
        vec![
            decimals(38, 0, &[None, Some(128)]),
            intervals(&[None, Some((1, 0, 0))]),
            Arc::new(NullArray::new(2)),
        ],
        None,
    )];
    check(
        &columns,
        &[
            "00 4000000010 07 0000000020 1000000030 00 00 00 00 00",
            "00 4000000010 04 0200000020 1000000030 00 0080 00 01 00",
        ],
    );
    let columns = [structs(
        vec![decimals(38, 0, &[None, Some(128)])],
        Some(&[false, true]),
    )];
    check(&columns, &["01 00", "00 2000000010 00 0200000010 0080 00"]);
}

#[test]
fn void_is_null_everywhere() {
    let columns: [ArrayRef; 2] = [
        lists(&[Some(2)], Arc::new(NullArray::new(2))),
        lists(&[Some(0)], Arc::new(NullArray::new(0))),
    ];
    check(&columns, &["00 2000000018 0800000038 02 03 00 00 00"]);
    check(&[Arc::new(NullArray::new(1)) as ArrayRef], &["01 00"]);
}

#[test]
fn elements_have_their_natural_width() {
    let columns: [ArrayRef; 8] = [
        lists(&[Some(3)], booleans(&[Some(true), None, Some(false)])),
        lists(&[Some(2)], Arc::new(Int8Array::from(vec![1, -2]))),
        lists(&[Some(2)], Arc::new(Int16Array::from(vec![Some(3), None]))),
        lists(&[Some(2)], Arc::new(Float32Array::from(vec![Some(1.5), None]))),
        lists(&[Some(1)], Arc::new(Float64Array::from(vec![2.5]))),
        lists(&[Some(1)], Arc::new(Date32Array::from(vec![1]))),
        lists(&[Some(2)], Arc::new(Int64Array::from(vec![Some(5), None]))),
        lists(
            &[Some(1)],
            Arc::new(Time64NanosecondArray::from(vec![1_000_000_000])),
        ),
    ];
    check(
        &columns,
        &[
            "00 1800000048 1800000060 1800000078 1800000090 18000000a8 18000000c0 20000000d8 18000000f8 \
           03 02 01 02 00 01fe 02 02 03 02 02 0000c03f 01 00 0000000000000440 01 00 01 02 02 05 00 01 00 00ca9a3b",
        ],
    );
}

#[test]
fn arrays_structs_and_maps_nest() {
    let inner = lists(&[Some(2), None, Some(0)], ints(&[Some(1), Some(2)]));
    let inner_structs = structs(
        vec![ints(&[Some(1), None]), strings(&[Some("x"), None])],
        Some(&[true, false]),
    );
    let inner_maps = maps(&[Some(1)], strings(&[Some("k")]), ints(&[Some(1)]));
    let columns = [
        lists(&[Some(3)], inner),
        lists(&[Some(2)], inner_structs),
        lists(&[Some(1)], inner_maps),
        maps(
            &[Some(1)],
            ints(&[Some(1)]),
            lists(&[Some(1)], strings(&[Some("a")])),
        ),
    ];
    check(
        &columns,
        &["00 4800000028 4000000070 58000000b0 5800000008010000 \
           03 02 1800000028 00 0800000040 02 00 0100000002 00 \
           02 02 2000000020 00 00 01 0100000018 78 \
           01 00 4000000018 20 01 00 0100000018 6b 01 00 01 \
           18 01 00 01 01 00 2000000018 01 00 0100000018 61"],
    );
}

#[test]
fn maps_may_be_empty_or_null() {
    let columns: [ArrayRef; 3] = [
        maps(
            &[Some(0)],
            Arc::new(NullArray::new(0)),
            Arc::new(NullArray::new(0)),
        ),
        maps(&[None], ints(&[]), ints(&[])),
        maps(
            &[Some(1)],
            Arc::new(Int8Array::from(vec![1])),
            decimals(30, 1, &[None]),
        ),
    ];
    check(
        &columns,
        &["02 1800000020 00 3800000038 08 00 00 18 01 00 01 01 01 00"],
    );
}

#[test]
fn floats_keep_the_sign_of_zero_and_have_one_nan() {
    let other_nan = f64::from_bits(0xfff8_0000_0000_0001);
    let columns: [ArrayRef; 3] = [
        Arc::new(Float64Array::from(vec![-0.0])),
        Arc::new(Float32Array::from(vec![f32::from_bits(0xffc0_0001)])),
        lists(&[Some(2)], Arc::new(Float64Array::from(vec![-0.0, other_nan]))),
    ];
    let rows = encoded(&columns);
    assert_eq!(
        hex(rows.row(0)),
        words("00 0000000000000080 0000c07f 2000000020 02 00 0000000000000080 000000000000f87f")
    );
}

#[test]
fn interval_arrays_are_arrays_of_fixed_elements() {
    let columns: [ArrayRef; 2] = [
        lists(
            &[Some(2)],
            Arc::new(IntervalYearMonthArray::from(vec![Some(14), None])),
        ),
        lists(
            &[Some(1)],
            Arc::new(DurationMicrosecondArray::from(vec![93_784_500_000])),
        ),
    ];
    check(&columns, &["00 1800000018 1800000030 02 02 0e 01 00 20e7fdd515"]);
}

#[test]
fn structs_without_fields_have_no_bytes() {
    let empty: ArrayRef = Arc::new(StructArray::new_empty_fields(1, None));
    let columns = [empty.clone(), structs(vec![empty], None)];
    check(&columns, &["00 0000000018 1000000018 00 0000000010"]);
}

#[test]
fn rows_of_no_columns_have_no_bytes() {
    let codec = codec_of(&[]);
    let mut rows = Rows::default();
    codec.encode(&[], 3, &mut rows).unwrap();
    assert_eq!(rows.iter().collect::<Vec<_>>(), [[0_u8; 0]; 3]);
    assert_eq!(codec.decode(rows.iter()).unwrap(), Vec::<ArrayRef>::new());
}

#[test]
fn more_than_64_fields_take_two_words_of_null_bits() {
    let columns: Vec<_> = (0..66)
        .map(|index| ints(&[Some(index).filter(|index| index % 65 != 0)]))
        .collect();
    let mut expected = vec!["01".to_owned(), "02".to_owned()];
    expected.extend((0..66).map(|index| format!("{:02x}", if index == 65 { 0 } else { index })));
    check(&columns, &[&expected.join(" ")]);
}
