//! `approx_count_distinct`: HyperLogLog++ with Spark's hash, registers and bias correction.
//!
//! Registers are 6 bits, ten in a word. `hyperloglog_bias.txt` holds, for each precision from 4, a line of raw estimates and a
//! line of their biases, as measured by the authors of HyperLogLog++.

use std::hash::Hasher;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, Float32Type, Float64Type, Int32Type, Int64Type};
use datafusion::common::Result;
use datafusion::common::cast::{as_int64_array, as_list_array};
use twox_hash::XxHash64;

use super::checked::offsets;
use super::fold::{Fold, Rows, column};
use crate::SqlError;

const SEED: u64 = 42;
const REGISTER_BITS: usize = 6;
const REGISTERS_PER_WORD: usize = 10;
const MIN_PRECISION: u32 = 4;

/// Up to which estimate by empty registers that one is taken, for each precision from 4.
const THRESHOLDS: [f64; 15] = [
    10.0, 20.0, 40.0, 80.0, 220.0, 400.0, 900.0, 1800.0, 3100.0, 6500.0, 15500.0, 20000.0, 50000.0,
    120_000.0, 350_000.0,
];

/// Raw estimates and biases, two entries a precision.
static BIASES: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| {
    let numbers = |line: &str| line.split(' ').filter_map(|n| n.parse().ok()).collect();
    include_str!("hyperloglog_bias.txt")
        .lines()
        .map(numbers)
        .collect()
});

/// How many bits of a hash choose the register, for a relative deviation.
///
/// # Errors
/// A deviation that would need fewer than 4 bits, or that is no number.
pub(super) fn precision(deviation: f64) -> Result<u32, SqlError> {
    let bits = (2.0 * (1.106 / deviation).ln() / 2_f64.ln()).ceil();
    if bits.is_finite() && (f64::from(MIN_PRECISION)..=24.0).contains(&bits) {
        return Ok(bits as u32);
    }
    Err(SqlError::new(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        format!("approx_count_distinct needs a relative deviation from 0.00027 to 0.39, not {deviation}."),
    ))
}

/// How many words hold the registers.
pub(super) fn word_count(precision: u32) -> usize {
    (1_usize << precision) / REGISTERS_PER_WORD + 1
}

/// The type of the state: the words.
pub(super) fn words_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)))
}

/// How many distinct values, about.
#[derive(Debug)]
pub(super) struct ApproxCountDistinct {
    /// How many bits of the hash choose the register.
    pub(super) precision: u32,
}

impl ApproxCountDistinct {
    fn take(&self, words: &mut [i64], hash: u64) {
        let register = (hash >> (64 - self.precision)) as usize;
        let rest = (hash << self.precision) | (1 << (self.precision - 1));
        let rank = i64::from(rest.leading_zeros() + 1);
        let (word, shift) = place(register);
        let held = (words[word] >> shift) & 63;
        if rank > held {
            words[word] = (words[word] & !(63 << shift)) | (rank << shift);
        }
    }

    fn estimate(&self, words: &[i64]) -> i64 {
        let registers = 1_usize << self.precision;
        let m = registers as f64;
        let (mut inverse, mut empty) = (0.0, 0.0);
        for register in 0..registers {
            let (word, shift) = place(register);
            let rank = (words[word] >> shift) & 63;
            inverse += 1.0 / (1_u64 << rank) as f64;
            if rank == 0 {
                empty += 1.0;
            }
        }
        let alpha = match self.precision {
            4 => 0.673,
            5 => 0.697,
            6 => 0.709,
            _ => 0.7213 / (1.0 + 1.079 / m),
        };
        let raw = alpha * m * m / inverse;
        let corrected = if raw < 5.0 * m { raw - self.bias(raw) } else { raw };
        let by_empty = m * (m / empty).ln();
        let threshold = THRESHOLDS.get((self.precision - MIN_PRECISION) as usize);
        let few = threshold.is_some_and(|t| by_empty <= *t);
        let estimate = if empty > 0.0 && (few || raw <= 2.5 * m) {
            by_empty
        } else {
            corrected
        };
        estimate.round() as i64
    }

    /// The mean bias of the six raw estimates next to this one.
    fn bias(&self, raw: f64) -> f64 {
        let at = 2 * (self.precision - MIN_PRECISION) as usize;
        let (Some(estimates), Some(biases)) = (BIASES.get(at), BIASES.get(at + 1)) else {
            return 0.0;
        };
        let nearest = estimates.partition_point(|e| *e < raw);
        let distance = |i: usize| (raw - estimates[i]).powi(2);
        let mut low = nearest.saturating_sub(6 - 1);
        let mut high = (low + 6).min(estimates.len());
        while high < estimates.len() && distance(high) < distance(low) {
            low += 1;
            high += 1;
        }
        let near = &biases[low.min(high)..high];
        near.iter().sum::<f64>() / near.len() as f64
    }
}

/// The word of a register and how far its bits are shifted there.
fn place(register: usize) -> (usize, usize) {
    (
        register / REGISTERS_PER_WORD,
        REGISTER_BITS * (register % REGISTERS_PER_WORD),
    )
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = XxHash64::with_seed(SEED);
    hasher.write(bytes);
    hasher.finish()
}

/// The hash of each value; those of nulls mean nothing.
fn hashes(values: &ArrayRef) -> Result<Vec<u64>> {
    use DataType as D;
    let int = |v: i32| hash_bytes(&v.to_le_bytes());
    let long = |v: i64| hash_bytes(&v.to_le_bytes());
    Ok(match values.data_type() {
        D::Boolean | D::Int8 | D::Int16 | D::Int32 | D::Date32 => {
            let values = cast(values, &D::Int32)?;
            values
                .as_primitive::<Int32Type>()
                .values()
                .iter()
                .map(|v| int(*v))
                .collect()
        }
        D::Int64 | D::Timestamp(..) => {
            let values = cast(values, &D::Int64)?;
            values
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .map(|v| long(*v))
                .collect()
        }
        D::Float32 => {
            let bits = |v: f32| if v.is_nan() { f32::NAN } else { v + 0.0 }.to_bits() as i32;
            let values = values.as_primitive::<Float32Type>().values();
            values.iter().map(|v| int(bits(*v))).collect()
        }
        D::Float64 => {
            let bits = |v: f64| if v.is_nan() { f64::NAN } else { v + 0.0 }.to_bits() as i64;
            let values = values.as_primitive::<Float64Type>().values();
            values.iter().map(|v| long(bits(*v))).collect()
        }
        D::Decimal128(precision, _) => {
            let values = values.as_primitive::<Decimal128Type>().values().iter();
            if *precision <= 18 {
                values.map(|v| long(*v as i64)).collect()
            } else {
                values.map(|v| hash_bytes(shortest(&v.to_be_bytes()))).collect()
            }
        }
        D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Binary | D::LargeBinary | D::BinaryView => {
            let values = cast(values, &D::Binary)?;
            let values = values.as_binary::<i32>();
            (0..values.len())
                .map(|row| hash_bytes(values.value(row)))
                .collect()
        }
        D::Null => vec![0; values.len()],
        other => {
            return Err(SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!("approx_count_distinct of {other} is not supported."),
            )
            .into());
        }
    })
}

/// The big-endian bytes of a number without those that only repeat its sign.
fn shortest(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, second, ..] = rest {
        let sign = if second & 0x80 == 0 { 0 } else { 0xff };
        if *first != sign {
            break;
        }
        rest = &rest[1..];
    }
    rest
}

impl Fold for ApproxCountDistinct {
    type Group = Vec<i64>;

    fn empty(&self) -> Self::Group {
        Vec::new()
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = column(values, 0)?;
        let hashes = hashes(values)?;
        rows.each(values.logical_nulls().as_ref(), |row, group| {
            let words = &mut groups[group];
            words.resize(word_count(self.precision), 0);
            self.take(words, hashes[row]);
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let states = as_list_array(column(states, 0)?)?;
        rows.each(states.nulls(), |row, group| {
            let words = states.value(row);
            let held = &mut groups[group];
            held.resize(word_count(self.precision), 0);
            for (held, word) in held.iter_mut().zip(as_int64_array(&words)?.values()) {
                let higher = (0..REGISTERS_PER_WORD).map(|register| {
                    let mask = 63_i64 << (REGISTER_BITS * register);
                    (*held & mask).max(*word & mask)
                });
                *held = higher.fold(0, |word, register| word | register);
            }
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let count = word_count(self.precision);
        let mut words = Vec::with_capacity(groups.len() * count);
        for mut group in groups {
            group.resize(count, 0);
            words.append(&mut group);
        }
        let lengths = std::iter::repeat_n(count, words.len() / count);
        let field = Arc::new(Field::new_list_field(DataType::Int64, true));
        let words = Arc::new(Int64Array::from(words));
        let words = ListArray::try_new(field, offsets(lengths)?, words, None)?;
        Ok(vec![Arc::new(words)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let counts: Int64Array = groups
            .iter()
            .map(|words| Some(if words.is_empty() { 0 } else { self.estimate(words) }))
            .collect();
        Ok(Arc::new(counts))
    }

    fn heap_bytes(&self, group: &Self::Group) -> usize {
        group.capacity() * size_of::<i64>()
    }

    fn has_heap(&self) -> bool {
        true
    }
}
