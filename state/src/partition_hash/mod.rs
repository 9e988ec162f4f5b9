//! Which state partition a key belongs to: Spark's hash of the key columns, modulo the number of partitions.
//!
//! The hash is Spark's 32-bit Murmur3: seed 42, the hash of a column is the seed of the next, a null leaves the seed
//! as it is. It differs from the published Murmur3 in how the last bytes of a string go in: each as a word of its own,
//! sign-extended. Fields of a struct and elements of a list are chained like columns.

use std::num::NonZeroU32;

use arrow::array::ArrayRef;

use crate::Result;
use crate::codec::{
    Column, NANOS_PER_MICRO, RowType, Values, check_length, decimal_bytes, normal_double, normal_float,
    unsupported,
};

const SEED: u32 = 42;

/// Spark's `hash` of these columns, row by row. -0.0 hashes as 0.0, every NaN as the same.
///
/// # Errors
///
/// UNSUPPORTED_DATATYPE for types that Spark does not have, and for maps, which Spark does not hash; columns of
/// another length than `row_count`.
pub fn partition_hashes(columns: &[ArrayRef], row_count: usize) -> Result<Vec<i32>> {
    Ok(hashes(columns, row_count)?
        .into_iter()
        .map(u32::cast_signed)
        .collect())
}

/// The state partition of each row: the hash modulo `partitions`, never negative. Without key columns (a global
/// aggregation, a limit) it is 0, where Spark has such state.
///
/// # Errors
///
/// As [`partition_hashes`].
pub fn state_partitions(columns: &[ArrayRef], row_count: usize, partitions: NonZeroU32) -> Result<Vec<u32>> {
    if columns.is_empty() {
        return Ok(vec![0; row_count]);
    }
    let modulus = i64::from(partitions.get());
    let partition = |hash: u32| {
        let partition = i64::from(hash.cast_signed()).rem_euclid(modulus);
        u32::try_from(partition).unwrap_or_default()
    };
    Ok(hashes(columns, row_count)?.into_iter().map(partition).collect())
}

fn hashes(columns: &[ArrayRef], row_count: usize) -> Result<Vec<u32>> {
    let mut hashes = vec![SEED; row_count];
    for (index, array) in columns.iter().enumerate() {
        let name = format!("key column {index}");
        check_length(&name, array, row_count)?;
        if RowType::of(array.data_type()).is_some_and(|row_type| row_type.has_map()) {
            return Err(unsupported(&name, array.data_type()));
        }
        hash_column(&Column::try_new(array, &name)?, &mut hashes);
    }
    Ok(hashes)
}

/// Chains a column, one value per hash.
fn hash_column(column: &Column, hashes: &mut [u32]) {
    if column.nulls.is_none() {
        match &column.values {
            Values::Int(values) => {
                for (hash, value) in hashes.iter_mut().zip(values) {
                    *hash = hash_int(*value, *hash);
                }
                return;
            }
            Values::Long(values) => {
                for (hash, value) in hashes.iter_mut().zip(values) {
                    *hash = hash_long(*value, *hash);
                }
                return;
            }
            Values::Bytes(values) => {
                for (row, hash) in hashes.iter_mut().enumerate() {
                    *hash = hash_bytes(values.value(row), *hash);
                }
                return;
            }
            Values::Struct(fields) => {
                for field in fields {
                    hash_column(field, hashes);
                }
                return;
            }
            _ => {}
        }
    }
    for (row, hash) in hashes.iter_mut().enumerate() {
        *hash = hash_value(column, row, *hash);
    }
}

/// The hash of one value; of a null the seed.
fn hash_value(column: &Column, row: usize, seed: u32) -> u32 {
    if column.is_null(row) {
        return seed;
    }
    match &column.values {
        Values::Boolean(values) => hash_int(i32::from(values.value(row)), seed),
        Values::Byte(values) => hash_int(i32::from(at(values, row)), seed),
        Values::Short(values) => hash_int(i32::from(at(values, row)), seed),
        Values::Int(values) => hash_int(at(values, row), seed),
        Values::Long(values) => hash_long(at(values, row), seed),
        Values::Float(values) => hash_int(normal_float(at(values, row)).to_bits().cast_signed(), seed),
        Values::Double(values) => hash_long(normal_double(at(values, row)).to_bits().cast_signed(), seed),
        Values::Decimal(values) => {
            let value = at(values, row);
            let bytes = value.to_be_bytes();
            let shortest = bytes.get(bytes.len() - decimal_bytes(value)..);
            hash_bytes(shortest.unwrap_or_default(), seed)
        }
        Values::CalendarInterval(values) => {
            let value = at(values, row);
            let hash = hash_long(value.nanoseconds / NANOS_PER_MICRO, seed);
            hash_int(value.months, hash_int(value.days, hash))
        }
        Values::Bytes(values) => hash_bytes(values.value(row), seed),
        Values::Struct(fields) => fields
            .iter()
            .fold(seed, |seed, field| hash_value(field, row, seed)),
        Values::Array(lists) => {
            let elements = lists.range(row);
            elements.fold(seed, |seed, row| hash_value(&lists.elements, row, seed))
        }
        Values::Void | Values::Map { .. } => seed,
    }
}

fn at<T: Copy + Default>(values: &[T], row: usize) -> T {
    values.get(row).copied().unwrap_or_default()
}

#[inline(always)]
fn mix_word(word: u32) -> u32 {
    word.wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593)
}

#[inline(always)]
fn mix(hash: u32, word: u32) -> u32 {
    (hash ^ mix_word(word))
        .rotate_left(13)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64)
}

/// `length` is in bytes, modulo 2^32.
#[inline(always)]
fn finalize(hash: u32, length: u32) -> u32 {
    let hash = hash ^ length;
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[inline(always)]
fn hash_int(value: i32, seed: u32) -> u32 {
    finalize(mix(seed, value.cast_unsigned()), 4)
}

#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves of the value are wanted"
)]
fn hash_long(value: i64, seed: u32) -> u32 {
    let value = value.cast_unsigned();
    finalize(mix(mix(seed, value as u32), (value >> 32) as u32), 8)
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a value is shorter than 2 GiB")]
fn hash_bytes(bytes: &[u8], seed: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let hash = words
        .iter()
        .fold(seed, |hash, word| mix(hash, u32::from_le_bytes(*word)));
    let hash = rest.iter().fold(hash, |hash, byte| {
        mix(hash, i32::from(byte.cast_signed()).cast_unsigned())
    });
    finalize(hash, bytes.len() as u32)
}

#[cfg(test)]
mod tests;
