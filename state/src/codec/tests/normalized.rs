//! Keys with one zero and one NaN.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Float32Array, Float64Array, Int8Array};
use arrow::datatypes::{Float32Type, Float64Type};

use super::*;
use crate::normalize_keys;

fn odd_doubles() -> ArrayRef {
    let nan = f64::from_bits(0xfff8_0000_0000_0007);
    Arc::new(Float64Array::from(vec![
        Some(-0.0),
        Some(nan),
        None,
        Some(-1.5),
        Some(0.0),
    ]))
}

fn bits(array: &ArrayRef) -> Vec<Option<u64>> {
    let values = array.as_primitive::<Float64Type>().iter();
    values.map(|value| value.map(f64::to_bits)).collect()
}

const NORMAL: [Option<u64>; 5] = [
    Some(0),
    Some(0x7ff8_0000_0000_0000),
    None,
    Some(0xbff8_0000_0000_0000),
    Some(0),
];

#[test]
fn keys_have_one_zero_and_one_nan() {
    assert_eq!(bits(&normalize_keys(&odd_doubles()).unwrap()), NORMAL);
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![-0.0, f32::from_bits(0xffc0_0001)]));
    let normal = normalize_keys(&floats).unwrap();
    let normal = normal.as_primitive::<Float32Type>();
    assert_eq!(
        [normal.value(0).to_bits(), normal.value(1).to_bits()],
        [0, 0x7fc0_0000]
    );
}

#[test]
fn keys_are_normalised_in_structs_lists_and_dictionaries() {
    let in_struct = structs(vec![odd_doubles()], None);
    let normal = normalize_keys(&in_struct).unwrap();
    assert_eq!(bits(normal.as_struct().column(0)), NORMAL);

    let in_list = lists(&[Some(1), None, Some(4)], structs(vec![odd_doubles()], None));
    let sliced = in_list.slice(1, 2);
    let normal = normalize_keys(&sliced).unwrap();
    assert!(normal.is_null(0));
    let elements = normal.as_list::<i32>().value(1);
    assert_eq!(bits(elements.as_struct().column(0)), NORMAL[1..]);

    let keys = Int8Array::from(vec![Some(1), None, Some(0)]);
    let dictionary: ArrayRef = Arc::new(DictionaryArray::new(keys, odd_doubles()));
    let normal = normalize_keys(&dictionary).unwrap();
    assert_eq!(bits(normal.as_any_dictionary().values()), NORMAL);
}

#[test]
fn keys_without_floats_are_returned_as_they_are() {
    let column = structs(vec![ints(&[Some(1)])], None);
    assert!(Arc::ptr_eq(&normalize_keys(&column).unwrap(), &column));
}
