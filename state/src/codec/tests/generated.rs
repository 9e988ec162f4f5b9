//! Generated columns of nested types: what is encoded is decoded, slices too, and damage is survived.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray,
    IntervalYearMonthArray, NullArray, StringArray, StructArray, Time64NanosecondArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// The shape of a generated column.
#[derive(Clone, Debug)]
enum Shape {
    /// One of the types without nested ones.
    Leaf(u8),
    List(Box<Shape>, u8),
    Map(Box<Shape>, Box<Shape>),
    Struct(Vec<Shape>),
}

const LEAVES: u8 = 23;
const MAX_ROWS: usize = 12;

fn shapes() -> impl Strategy<Value = Shape> {
    (0..LEAVES)
        .prop_map(Shape::Leaf)
        .prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), 0..2_u8).prop_map(|(element, form)| Shape::List(Box::new(element), form)),
                (inner.clone(), inner.clone())
                    .prop_map(|(key, value)| Shape::Map(Box::new(key), Box::new(value))),
                vec(inner, 1..4).prop_map(Shape::Struct),
            ]
        })
}

fn optional<S>(values: S, nullable: bool) -> BoxedStrategy<Option<S::Value>>
where
    S: Strategy + 'static,
    S::Value: Clone,
{
    match nullable {
        true => option::weighted(0.7, values).boxed(),
        false => values.prop_map(Some).boxed(),
    }
}

/// So many values of a type; `nullable` false for the keys of maps.
macro_rules! leaf {
    ($array:ty, $strategy:expr, $len:expr, $nullable:expr) => {{
        vec(optional($strategy, $nullable), $len)
            .prop_map(|values| Arc::new(<$array>::from(values)) as ArrayRef)
            .boxed()
    }};
}

fn decimal_strategy(digits: u32) -> impl Strategy<Value = i128> {
    let limit = 10_i128.pow(digits);
    prop_oneof![Just(0), -300..300_i128, 1 - limit..limit]
}

fn interval_strategy() -> impl Strategy<Value = IntervalMonthDayNano> {
    let micros = -9_000_000_000_000_000..9_000_000_000_000_000_i64;
    (any::<i32>(), any::<i32>(), micros).prop_map(|(months, days, micros)| IntervalMonthDayNano {
        months,
        days,
        nanoseconds: micros * 1000,
    })
}

fn leaf(leaf: u8, len: usize, nullable: bool) -> BoxedStrategy<ArrayRef> {
    let decimal = |digits: u8, scale: i8| {
        leaf!(Decimal128Array, decimal_strategy(digits.into()), len, nullable).prop_map(move |array| {
            let array = array.as_any().downcast_ref::<Decimal128Array>().unwrap().clone();
            Arc::new(array.with_precision_and_scale(digits, scale).unwrap()) as ArrayRef
        })
    };
    let strings = || leaf!(StringArray, ".{0,20}", len, nullable);
    let form = |strategy: BoxedStrategy<ArrayRef>, data_type: DataType| {
        strategy
            .prop_map(move |array| cast(&array, &data_type).unwrap())
            .boxed()
    };
    match leaf {
        0 => Just(Arc::new(NullArray::new(len)) as ArrayRef).boxed(),
        1 => leaf!(BooleanArray, any::<bool>(), len, nullable),
        2 => leaf!(Int8Array, any::<i8>(), len, nullable),
        3 => leaf!(Int16Array, any::<i16>(), len, nullable),
        4 => leaf!(Int32Array, any::<i32>(), len, nullable),
        5 => leaf!(Int64Array, any::<i64>(), len, nullable),
        6 => leaf!(Float32Array, any::<f32>(), len, nullable),
        7 => leaf!(Float64Array, any::<f64>(), len, nullable),
        8 => leaf!(Date32Array, any::<i32>(), len, nullable),
        9 => leaf!(TimestampMicrosecondArray, any::<i64>(), len, nullable),
        10 => leaf!(DurationMicrosecondArray, any::<i64>(), len, nullable),
        11 => leaf!(IntervalYearMonthArray, any::<i32>(), len, nullable),
        12 => leaf!(IntervalMonthDayNanoArray, interval_strategy(), len, nullable),
        13 => leaf!(Time64NanosecondArray, any::<i64>(), len, nullable),
        14 => decimal(10, 2).boxed(),
        15 => decimal(18, 0).boxed(),
        16 => decimal(19, 4).boxed(),
        17 => decimal(38, 10).boxed(),
        18 => strings(),
        19 => form(strings(), DataType::LargeUtf8),
        20 => form(strings(), DataType::Utf8View),
        21 => {
            let indexed = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            form(strings(), indexed)
        }
        _ => {
            let bytes = optional(vec(any::<u8>(), 0..20), nullable);
            vec(bytes, len)
                .prop_map(|values| Arc::new(BinaryArray::from_iter(values)) as ArrayRef)
                .boxed()
        }
    }
}

fn column(shape: Shape, len: usize, nullable: bool) -> BoxedStrategy<ArrayRef> {
    let lengths = vec(optional(0..4_usize, nullable), len);
    match shape {
        Shape::Leaf(0) if !nullable => leaf(5, len, nullable),
        Shape::Leaf(number) => leaf(number, len, nullable),
        Shape::List(element, form) => lengths
            .prop_flat_map(move |lengths| {
                let total = lengths.iter().flatten().sum();
                column((*element).clone(), total, true).prop_map(move |elements| lists(&lengths, elements))
            })
            .prop_map(move |array| match array.data_type() {
                DataType::List(field) if form == 1 => {
                    cast(&array, &DataType::LargeList(Arc::clone(field))).unwrap()
                }
                _ => array,
            })
            .boxed(),
        Shape::Map(key, value) => lengths
            .prop_flat_map(move |lengths| {
                let total = lengths.iter().flatten().sum();
                let entries = (
                    column((*key).clone(), total, false),
                    column((*value).clone(), total, true),
                );
                entries.prop_map(move |(keys, values)| maps(&lengths, keys, values))
            })
            .boxed(),
        Shape::Struct(fields) => {
            let columns: Vec<_> = fields.into_iter().map(|field| column(field, len, true)).collect();
            let valid = vec(any::<bool>().prop_map(move |valid| valid || !nullable), len);
            (columns, valid)
                .prop_map(|(columns, valid)| {
                    let nulls = NullBuffer::from(valid);
                    Arc::new(StructArray::new(fields_of(&columns), columns, Some(nulls))) as ArrayRef
                })
                .boxed()
        }
    }
}

/// Some columns of the same length.
fn columns() -> impl Strategy<Value = Vec<ArrayRef>> {
    (vec(shapes(), 1..4), 1..MAX_ROWS).prop_flat_map(|(shapes, len)| {
        shapes
            .into_iter()
            .map(|shape| column(shape, len, true))
            .collect::<Vec<_>>()
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(columns in columns()) {
        let rows = encoded(&columns);
        prop_assert!(rows.iter().all(|row| row.len() % 8 == 0));
        let decoded = codec_of(&columns).decode(rows.iter()).unwrap();
        prop_assert_eq!(&decoded, &columns);
        let again = encoded(&decoded);
        prop_assert!(again.iter().eq(rows.iter()));
    }

    #[test]
    fn rows_do_not_depend_on_where_they_lie(columns in columns(), cut in any::<prop::sample::Index>()) {
        let rows = encoded(&columns);
        let len = rows.len();
        let start = cut.index(len);
        let sliced: Vec<_> = columns.iter().map(|column| column.slice(start, len - start)).collect();
        prop_assert!(encoded(&sliced).iter().eq(rows.iter().skip(start)));
        let backwards: Vec<_> = (0..u32::try_from(len).unwrap()).rev().collect();
        let reversed: Vec<_> = columns.iter().map(|column| take(column, &indices(&backwards), None).unwrap()).collect();
        let mut found: Vec<_> = encoded(&reversed).iter().map(<[u8]>::to_vec).collect();
        found.reverse();
        prop_assert!(found.iter().eq(rows.iter()));
    }

    #[test]
    fn damaged_rows_are_refused_or_read_but_never_panic(
        columns in columns(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let rows = encoded(&columns);
        let codec = codec_of(&columns);
        let mut damaged: Vec<_> = rows.iter().map(<[u8]>::to_vec).collect();
        for row in &mut damaged {
            for (place, byte) in &damage {
                let place = place.index(row.len());
                row[place] = *byte;
            }
            if let Some(cut) = &cut {
                row.truncate(cut.index(row.len()) / 8 * 8);
            }
        }
        let bytes: usize = damaged.iter().map(Vec::len).sum();
        if let Ok(decoded) = codec.decode(damaged.iter().map(Vec::as_slice)) {
            let memory: usize = decoded.iter().map(|column| column.get_array_memory_size()).sum();
            prop_assert!(memory < 100_000 + 100 * bytes, "{} bytes of rows became {}", bytes, memory);
        }
    }
}

#[test]
fn many_rows_are_encoded_as_each_alone() {
    // More rows than one block, with nulls in some blocks only.
    let strings: ArrayRef = Arc::new(StringArray::from_iter(
        (0..1000).map(|row| (row % 700 != 1).then(|| "x".repeat(row % 20))),
    ));
    let longs: ArrayRef = Arc::new(Int64Array::from_iter(
        (0..1000).map(|row| (row % 900 != 3).then_some(row)),
    ));
    let nested = structs(vec![Arc::clone(&longs), Arc::clone(&strings)], None);
    let valid: Vec<_> = (0..1000).map(|row| row % 300 != 299).collect();
    let nullable = structs(vec![Arc::clone(&longs)], Some(&valid));
    let columns = [strings, nested, longs, nullable];
    let rows = encoded(&columns);
    for row in 0..1000 {
        let one: Vec<_> = columns.iter().map(|column| column.slice(row, 1)).collect();
        assert_eq!(encoded(&one).row(0), rows.row(row), "{row}");
    }
    let decoded = codec_of(&columns).decode(rows.iter()).unwrap();
    assert_eq!(decoded, columns);
}

#[test]
fn rows_are_appended_to_those_there() {
    let columns = [strings(&[Some("a"), Some("b")])];
    let codec = codec_of(&columns);
    let mut rows = Rows::default();
    rows.push(b"12345678");
    codec.encode(&columns, 2, &mut rows).unwrap();
    codec.encode(&columns, 2, &mut rows).unwrap();
    assert_eq!(rows.row(0), b"12345678");
    let twice = concat(&[columns[0].as_ref(), columns[0].as_ref()]).unwrap();
    assert_eq!(codec.decode(rows.iter().skip(1)).unwrap(), [twice]);
}
