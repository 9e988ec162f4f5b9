//! The forms in which Arrow may hold the same values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::*;

fn rows_of(codec: &StateRowCodec, column: &ArrayRef) -> Vec<Vec<u8>> {
    let mut rows = Rows::default();
    codec
        .encode(std::slice::from_ref(column), column.len(), &mut rows)
        .unwrap();
    rows.iter().map(<[u8]>::to_vec).collect()
}

/// Every form of a column has the same rows, and they decode to every form.
fn check_forms(column: &ArrayRef, forms: &[DataType]) {
    let expected = rows_of(&codec_of(&[Arc::clone(column)]), column);
    for from in forms {
        let given = cast(column, from).unwrap();
        for to in forms {
            let codec = StateRowCodec::try_new(&vec![Field::new("c", to.clone(), true)].into()).unwrap();
            assert_eq!(rows_of(&codec, &given), expected, "{from} for {to}");
            let decoded = codec.decode(expected.iter().map(Vec::as_slice)).unwrap();
            assert_eq!(decoded[0].data_type(), to);
            assert_eq!(&cast(&decoded[0], column.data_type()).unwrap(), column);
        }
    }
}

fn dictionary(key: DataType, value: DataType) -> DataType {
    DataType::Dictionary(Box::new(key), Box::new(value))
}

#[test]
fn strings_come_in_every_form() {
    let long = "a string that does not fit a view";
    let column = strings(&[Some("a"), None, Some(""), Some(long), Some("日本語")]);
    let forms = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary(DataType::Int32, DataType::Utf8),
        dictionary(DataType::UInt8, DataType::LargeUtf8),
    ];
    check_forms(&column, &forms);
    check_forms(&column.slice(1, 3), &forms);
}

#[test]
fn binaries_come_in_every_form() {
    let values: Vec<Option<&[u8]>> = vec![Some(&[0, 0xff, 1]), None, Some(&[1, 2, 3])];
    let column: ArrayRef = Arc::new(BinaryArray::from(values));
    let forms = [
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::FixedSizeBinary(3),
        dictionary(DataType::Int16, DataType::Binary),
    ];
    check_forms(&column, &forms);
    let fixed: ArrayRef = Arc::new(cast(&column, &DataType::FixedSizeBinary(3)).unwrap());
    let sliced = fixed.slice(1, 2);
    assert_eq!(
        rows_of(&codec_of(&[Arc::clone(&fixed)]), &sliced),
        rows_of(&codec_of(&[Arc::clone(&column)]), &column)[1..]
    );
    assert!(sliced.as_any().is::<FixedSizeBinaryArray>());
}

#[test]
fn a_value_that_does_not_fit_the_form_is_an_error_and_no_null() {
    let column: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&[1_u8, 2][..]), Some(&[1])]));
    let rows = rows_of(&codec_of(&[Arc::clone(&column)]), &column);
    let fixed = Field::new("c", DataType::FixedSizeBinary(2), true);
    let codec = StateRowCodec::try_new(&vec![fixed].into()).unwrap();
    let error = codec.decode(rows.iter().map(Vec::as_slice)).unwrap_err();
    assert_eq!(error.condition(), "STATE_ROW_VALUE_OUT_OF_RANGE");
}

#[test]
fn lists_come_in_every_form() {
    let elements = strings(&[Some("a"), None, Some("bc"), Some("d")]);
    let column = lists(&[Some(2), None, Some(0), Some(2)], elements);
    let forms = |value: DataType| {
        let element = Arc::new(Field::new("element", value, true));
        [
            DataType::List(Arc::clone(&element)),
            DataType::LargeList(Arc::clone(&element)),
            DataType::ListView(element),
        ]
    };
    check_forms(&column, &forms(DataType::Utf8));
    check_forms(&column.slice(1, 3), &forms(DataType::Utf8));
    check_forms(&column, &forms(DataType::LargeUtf8));
}

#[test]
fn times_come_with_any_zone() {
    let values = TimestampMicrosecondArray::from(vec![Some(1_704_067_200_000_000), None]);
    let utc: ArrayRef = Arc::new(values.clone().with_timezone("UTC"));
    let other: ArrayRef = Arc::new(values.with_timezone("+00:00"));
    let codec = codec_of(&[Arc::clone(&utc)]);
    let rows = rows_of(&codec, &other);
    assert_eq!(hex(&rows[0]), words("00 00202110d70d0600"));
    let decoded = codec.decode(rows.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(
        decoded[0].data_type(),
        &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    );
    assert_eq!(&decoded[0], &utc);
}

#[test]
fn nulls_in_the_values_of_a_dictionary_count() {
    let values = strings(&[None, Some("a")]);
    let keys = arrow::array::Int8Array::from(vec![Some(0), Some(1), None]);
    let column: ArrayRef = Arc::new(arrow::array::DictionaryArray::new(keys, values));
    let codec = codec_of(&[strings(&[])]);
    let plain = strings(&[None, Some("a"), None]);
    assert_eq!(rows_of(&codec, &column), rows_of(&codec, &plain));
}

#[test]
fn values_under_a_null_struct_or_list_do_not_show() {
    let hidden = structs(vec![strings(&[Some("hidden"), Some("x")])], Some(&[false, true]));
    let empty = structs(vec![strings(&[None, Some("x")])], Some(&[false, true]));
    assert_eq!(
        rows_of(&codec_of(std::slice::from_ref(&hidden)), &hidden),
        rows_of(&codec_of(std::slice::from_ref(&empty)), &empty)
    );
}
