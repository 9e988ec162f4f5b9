//! Hashes and partitions as Spark 4.3.0 gives them.

use std::num::NonZeroU32;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    DurationMicrosecondArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    IntervalMonthDayNanoArray, IntervalYearMonthArray, ListArray, MapArray, NullArray, StringArray,
    StructArray, Time64NanosecondArray, TimestampMicrosecondArray, new_empty_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Fields, IntervalMonthDayNano};

use super::{partition_hashes, state_partitions};

fn array(values: impl Array + 'static) -> ArrayRef {
    Arc::new(values)
}

fn int(value: i32) -> ArrayRef {
    array(Int32Array::from(vec![value]))
}

fn long(value: i64) -> ArrayRef {
    array(Int64Array::from(vec![value]))
}

fn string(value: &str) -> ArrayRef {
    array(StringArray::from(vec![value]))
}

fn binary(value: &[u8]) -> ArrayRef {
    array(BinaryArray::from(vec![value]))
}

fn decimal(precision: u8, scale: i8, value: i128) -> ArrayRef {
    let values = Decimal128Array::from(vec![value]);
    array(values.with_precision_and_scale(precision, scale).unwrap())
}

fn interval(months: i32, days: i32, micros: i64) -> IntervalMonthDayNano {
    IntervalMonthDayNano {
        months,
        days,
        nanoseconds: micros * 1000,
    }
}

fn list(elements: ArrayRef) -> ArrayRef {
    let field = Field::new("element", elements.data_type().clone(), true);
    let offsets = OffsetBuffer::from_lengths([elements.len()]);
    array(ListArray::new(Arc::new(field), offsets, elements, None))
}

fn fields_of(columns: &[ArrayRef]) -> Fields {
    let field = |column: &ArrayRef| Field::new("f", column.data_type().clone(), true);
    columns.iter().map(field).collect()
}

fn structure(columns: Vec<ArrayRef>) -> ArrayRef {
    array(StructArray::new(fields_of(&columns), columns, None))
}

fn null_int() -> ArrayRef {
    array(Int32Array::from(vec![None]))
}

fn check(cases: Vec<(Vec<ArrayRef>, i32, u32)>) {
    for (columns, hash, partition) in cases {
        assert_eq!(partition_hashes(&columns, 1).unwrap(), [hash], "{columns:?}");
        let partitions = NonZeroU32::new(200).unwrap();
        assert_eq!(state_partitions(&columns, 1, partitions).unwrap(), [partition]);
    }
}

#[test]
fn numbers_dates_and_booleans_hash_as_in_spark() {
    check(vec![
        (vec![null_int()], 42, 42),
        (vec![array(NullArray::new(1))], 42, 42),
        (vec![int(0)], 933_211_791, 191),
        (vec![int(1)], -559_580_957, 43),
        (vec![int(-1)], -1_604_776_387, 13),
        (vec![int(i32::MAX)], 133_916_647, 47),
        (vec![array(Int16Array::from(vec![-1]))], -1_604_776_387, 13),
        (vec![array(Int8Array::from(vec![-1]))], -1_604_776_387, 13),
        (vec![long(0)], -1_670_924_195, 5),
        (vec![long(1)], -1_712_319_331, 69),
        (vec![long(-1)], -939_490_007, 193),
        (vec![array(BooleanArray::from(vec![true]))], -559_580_957, 43),
        (vec![array(BooleanArray::from(vec![false]))], 933_211_791, 191),
        (vec![array(Date32Array::from(vec![0]))], 933_211_791, 191),
        (vec![array(Date32Array::from(vec![19_782]))], 653_915_859, 59),
        (vec![array(Date32Array::from(vec![-1]))], -1_604_776_387, 13),
    ]);
}

#[test]
fn times_and_intervals_hash_as_in_spark() {
    let new_year = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000]);
    check(vec![
        (vec![array(new_year.clone())], 1_545_358_984, 184),
        (vec![array(new_year.with_timezone("UTC"))], 1_545_358_984, 184),
        (
            vec![array(Time64NanosecondArray::from(vec![45_296_789_000_000]))],
            -584_131_141,
            59,
        ),
        (
            vec![array(IntervalYearMonthArray::from(vec![14]))],
            335_551_368,
            168,
        ),
        (
            vec![array(DurationMicrosecondArray::from(vec![93_784_500_000]))],
            1_326_975_016,
            16,
        ),
        (
            vec![array(IntervalMonthDayNanoArray::from(vec![interval(
                14,
                25,
                18_367_500_000,
            )]))],
            -504_672_070,
            130,
        ),
        (
            vec![array(IntervalMonthDayNanoArray::from(vec![interval(0, 0, 0)]))],
            1_954_791_903,
            103,
        ),
        (
            vec![list(array(IntervalMonthDayNanoArray::from(vec![
                Some(interval(1, 0, 0)),
                None,
            ])))],
            -1_557_981_773,
            27,
        ),
    ]);
}

#[test]
fn floats_hash_as_in_spark() {
    check(vec![
        (vec![array(Float32Array::from(vec![1.5]))], -221_251_528, 72),
        (vec![array(Float32Array::from(vec![f32::NAN]))], -349_261_430, 170),
        (
            vec![array(Float32Array::from(vec![f32::from_bits(0xffc0_0001)]))],
            -349_261_430,
            170,
        ),
        (vec![array(Float64Array::from(vec![0.0]))], -1_670_924_195, 5),
        (vec![array(Float64Array::from(vec![-0.0]))], -1_670_924_195, 5),
        (vec![array(Float64Array::from(vec![1.5]))], 1_290_763_749, 149),
        (
            vec![array(Float64Array::from(vec![f64::NAN]))],
            -1_281_358_385,
            15,
        ),
        (
            vec![array(Float64Array::from(vec![f64::INFINITY]))],
            833_680_482,
            82,
        ),
        (
            vec![structure(vec![
                array(Float64Array::from(vec![f64::NAN])),
                array(Float32Array::from(vec![-0.0])),
            ])],
            457_129_058,
            58,
        ),
    ]);
}

#[test]
fn decimals_hash_as_in_spark() {
    check(vec![
        (vec![decimal(10, 2, 125)], 1_910_520_950, 150),
        (vec![decimal(18, 2, -125)], -550_551_638, 162),
        (vec![decimal(19, 2, 125)], -1_153_375_511, 89),
        (
            vec![decimal(30, 5, 1_234_567_890_123_456_789_012_345)],
            992_557_280,
            80,
        ),
        (vec![decimal(38, 0, -1)], 1_398_487_324, 124),
        (vec![list(decimal(38, 0, -1))], 1_398_487_324, 124),
        (vec![decimal(38, 0, 128)], -544_401_882, 118),
        (vec![decimal(38, 0, 0)], -783_713_497, 103),
        (vec![decimal(38, 0, 10_i128.pow(38) - 1)], -817_514_053, 147),
    ]);
}

#[test]
fn strings_and_binaries_hash_as_in_spark() {
    check(vec![
        (vec![string("")], 142_593_372, 172),
        (vec![string("a")], 1_485_273_170, 170),
        (vec![string("ab")], -97_053_317, 83),
        (vec![string("abc")], 1_322_437_556, 156),
        (vec![string("abcd")], -396_302_900, 100),
        (vec![string("abcde")], 814_637_928, 128),
        (vec![string("Spark")], 228_093_765, 165),
        (vec![string("naïve")], -950_767_612, 188),
        (vec![string("日本語")], -1_143_049_834, 166),
        (vec![string("ÿþýüûúùøabc")], -1_018_482_549, 51),
        (vec![binary(&[])], 142_593_372, 172),
        (vec![binary(&[0x80])], 775_851_899, 99),
        (vec![binary(&[0x00])], -783_713_497, 103),
        (vec![binary(&[0xff, 0xfe, 0xfd, 0xfc, 0xfb])], 1_324_213_860, 60),
        (vec![binary(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])], -499_588_500, 100),
    ]);
}

#[test]
fn columns_fields_and_elements_are_chained_and_nulls_skipped() {
    let start = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000]);
    let end = TimestampMicrosecondArray::from(vec![1_704_067_210_000_000]);
    let null_struct = StructArray::new(
        fields_of(&[int(1)]),
        vec![int(1)],
        Some(NullBuffer::from(vec![false])),
    );
    let ones = || array(Int32Array::from(vec![1, 2, 3]));
    let with_null = array(Int32Array::from(vec![Some(1), None, Some(3)]));
    let inner = |length: &[usize]| {
        let field = Arc::new(Field::new("element", DataType::Int32, true));
        let offsets = OffsetBuffer::from_lengths(length.iter().copied());
        array(ListArray::new(field, offsets, ones(), None))
    };
    let two_strings = list(array(StringArray::from(vec!["a", "b"])));
    check(vec![
        (vec![int(1), string("a")], -936_062_819, 181),
        (vec![string("a"), int(1)], 532_252_686, 86),
        (vec![null_int(), int(1)], -559_580_957, 43),
        (vec![int(1), null_int()], -559_580_957, 43),
        (vec![structure(vec![int(1), string("x")])], -1_305_545_736, 64),
        (vec![structure(vec![null_int(), string("x")])], -80_340_190, 10),
        (vec![array(null_struct)], 42, 42),
        (vec![list(ones())], -912_918_097, 103),
        (vec![list(with_null)], 1_066_699_649, 49),
        (vec![list(new_empty_array(&DataType::Null))], 42, 42),
        (vec![list(array(NullArray::new(1)))], 42, 42),
        (vec![list(inner(&[2, 1]))], -912_918_097, 103),
        (
            vec![list(structure(vec![int(1), string("x")]))],
            -1_305_545_736,
            64,
        ),
        (
            vec![structure(vec![two_strings, array(Float64Array::from(vec![1.5]))])],
            1_966_361_494,
            94,
        ),
        (
            vec![structure(vec![array(start), array(end)]), string("a")],
            -262_600_135,
            65,
        ),
    ]);
}

#[test]
fn columns_hash_row_by_row_in_every_form() {
    let strings: ArrayRef = array(StringArray::from(vec![Some("a"), None, Some("ab"), Some("")]));
    let expected = [1_485_273_170, 42, -97_053_317, 142_593_372];
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for form in [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary,
    ] {
        let column = cast(&strings, &form).unwrap();
        assert_eq!(
            partition_hashes(&[column.slice(0, 4)], 4).unwrap(),
            expected,
            "{form}"
        );
        assert_eq!(
            partition_hashes(&[column.slice(1, 2)], 2).unwrap(),
            expected[1..3]
        );
    }
    let keys = Int8Array::from(vec![Some(1), Some(0)]);
    let values = concat(&[&null_int(), &int(1)]).unwrap();
    let column = array(DictionaryArray::new(keys, values));
    assert_eq!(partition_hashes(&[column], 2).unwrap(), [-559_580_957, 42]);
}

#[test]
fn without_keys_everything_is_in_partition_0() {
    let partitions = NonZeroU32::new(200).unwrap();
    assert_eq!(state_partitions(&[], 2, partitions).unwrap(), [0, 0]);
    assert_eq!(partition_hashes(&[], 2).unwrap(), [42, 42]);
}

#[test]
fn any_number_of_partitions_will_do() {
    let hash = -1_604_776_387;
    for (partitions, partition) in [(1, 0), (2, 1), (u32::MAX, u32::MAX.wrapping_add_signed(hash))] {
        let partitions = NonZeroU32::new(partitions).unwrap();
        assert_eq!(state_partitions(&[int(-1)], 1, partitions).unwrap(), [partition]);
    }
}

#[test]
fn maps_and_foreign_types_are_refused() {
    let fields = Fields::from(vec![
        Field::new("key", DataType::Int32, false),
        Field::new("value", DataType::Int32, true),
    ]);
    let entries = StructArray::new(fields.clone(), vec![int(1), int(1)], None);
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let map = array(MapArray::new(
        field,
        OffsetBuffer::from_lengths([1]),
        entries,
        None,
        false,
    ));
    let unsigned = array(arrow::array::UInt8Array::from(vec![1]));
    for column in [structure(vec![map]), unsigned] {
        let error = partition_hashes(&[int(1), column], 1).unwrap_err();
        assert_eq!(error.condition(), "UNSUPPORTED_DATATYPE");
        assert!(error.to_string().contains("key column 1"), "{error}");
    }
    let error = partition_hashes(&[int(1)], 2).unwrap_err();
    assert_eq!(error.condition(), "STATE_ROW_COLUMN_MISMATCH");
}
