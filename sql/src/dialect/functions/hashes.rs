//! `hash` and `xxhash64`: the hash of one column is the seed of the next, and a null leaves the seed as it is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type,
};
use datafusion::common::Result as DataFusionResult;
use tidemill_state::{normalize_keys, partition_hashes};
use twox_hash::XxHash64;

use crate::SqlError;
use crate::error::state;

/// The seed of the first column.
const SEED: u64 = 42;

/// Spark's `hash`.
pub(super) fn murmur(columns: &[ArrayRef], rows: usize) -> DataFusionResult<ArrayRef> {
    let hashes = partition_hashes(columns, rows).map_err(state)?;
    Ok(Arc::new(Int32Array::from(hashes)))
}

/// Spark's `xxhash64`.
pub(super) fn xx(columns: &[ArrayRef], rows: usize) -> DataFusionResult<ArrayRef> {
    let columns: Vec<ArrayRef> = columns
        .iter()
        .map(|column| normalize_keys(column).map_err(state))
        .collect::<DataFusionResult<_>>()?;
    let hash = |row| {
        columns
            .iter()
            .try_fold(SEED, |seed, column| value(column, row, seed))
            .map(u64::cast_signed)
    };
    let hashes: Vec<i64> = (0..rows).map(hash).collect::<DataFusionResult<_>>()?;
    Ok(Arc::new(Int64Array::from(hashes)))
}

/// Refuses what Spark does not hash: maps, wherever they are.
pub(super) fn check(name: &str, data_type: &DataType) -> Result<(), SqlError> {
    match data_type {
        DataType::Map(..) => Err(SqlError::new(
            "DATATYPE_MISMATCH.HASH_MAP_TYPE",
            format!("Input to the function `{name}` cannot contain elements of the \"MAP\" type."),
        )),
        DataType::List(field) => check(name, field.data_type()),
        DataType::Struct(fields) => fields.iter().try_for_each(|f| check(name, f.data_type())),
        _ => Ok(()),
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> &PrimitiveArray<T> {
    array.as_primitive::<T>()
}

fn value(array: &ArrayRef, row: usize, seed: u64) -> DataFusionResult<u64> {
    if array.is_null(row) {
        return Ok(seed);
    }
    let of = |bytes: &[u8]| Ok(XxHash64::oneshot(seed, bytes));
    let int = |value: i32| of(&value.to_le_bytes());
    let long = |value: i64| of(&value.to_le_bytes());
    match array.data_type() {
        DataType::Null => Ok(seed),
        DataType::Boolean => int(i32::from(array.as_boolean().value(row))),
        DataType::Int8 => int(i32::from(primitive::<Int8Type>(array).value(row))),
        DataType::Int16 => int(i32::from(primitive::<Int16Type>(array).value(row))),
        DataType::Int32 => int(primitive::<Int32Type>(array).value(row)),
        DataType::Date32 => int(primitive::<Date32Type>(array).value(row)),
        DataType::Int64 => long(primitive::<Int64Type>(array).value(row)),
        DataType::Timestamp(..) => {
            let micros = cast(&array.slice(row, 1), &DataType::Int64)?;
            long(primitive::<Int64Type>(&micros).value(0))
        }
        DataType::Float32 => of(&primitive::<Float32Type>(array).value(row).to_le_bytes()),
        DataType::Float64 => of(&primitive::<Float64Type>(array).value(row).to_le_bytes()),
        DataType::Utf8 => of(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => of(array.as_binary::<i32>().value(row)),
        DataType::Decimal128(precision, _) => {
            let digits = primitive::<Decimal128Type>(array).value(row);
            match i64::try_from(digits) {
                Ok(short) if *precision <= 18 => long(short),
                _ => of(shortest(&digits.to_be_bytes())),
            }
        }
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            (0..elements.len()).try_fold(seed, |seed, at| value(&elements, at, seed))
        }
        DataType::Struct(_) => {
            let mut fields = array.as_struct().columns().iter();
            fields.try_fold(seed, |seed, field| value(field, row, seed))
        }
        other => {
            let message = format!(
                "xxhash64 of {} is not supported in the spark dialect.",
                super::type_name(other)
            );
            Err(SqlError::new("UNSUPPORTED_FEATURE", message).into())
        }
    }
}

/// The fewest bytes that hold a big-endian number with its sign.
fn shortest(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        let sign = if rest.first().is_some_and(|b| *b >= 0x80) {
            0xff
        } else {
            0
        };
        if *first != sign || rest.is_empty() {
            break;
        }
        bytes = rest;
    }
    bytes
}
