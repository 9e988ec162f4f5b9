//! `approx_count_distinct`: HyperLogLog++ with Spark's hash, registers and bias correction.
//!
//! Registers are 6 bits, ten in a word. `hyperloglog_bias.txt` holds, for each precision from 4, a line of raw estimates and a
//! line of their biases, as measured by the authors of HyperLogLog++.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, Float32Type, Float64Type, Int32Type, Int64Type};
use datafusion::common::Result;
use datafusion::common::cast::{as_int64_array, as_list_array};
use twox_hash::XxHash64;

use super::checked::offsets;
use super::fold::{Rows, column};
use super::groups::Groups;
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

/// How many distinct values, about, in each group.
#[derive(Clone, Debug)]
pub(super) struct ApproxCountDistinct {
    /// How many bits of the hash choose the register.
    precision: u32,
    /// The registers of all groups, one group after the other.
    words: Vec<i64>,
}

impl ApproxCountDistinct {
    /// Before any group.
    pub(super) fn new(precision: u32) -> Self {
        Self {
            precision,
            words: Vec::new(),
        }
    }

    /// The words of a group.
    fn words_of(&mut self, group: usize) -> &mut [i64] {
        let count = word_count(self.precision);
        &mut self.words[group * count..(group + 1) * count]
    }

    fn take(&mut self, group: usize, hash: u64) {
        let register = (hash >> (64 - self.precision)) as usize;
        let rest = (hash << self.precision) | (1 << (self.precision - 1));
        let rank = i64::from(rest.leading_zeros() + 1);
        let (word, shift) = place(register);
        let word = &mut self.words_of(group)[word];
        if rank > (*word >> shift) & 63 {
            *word = (*word & !(63 << shift)) | (rank << shift);
        }
    }

    fn estimate(&self, words: &[i64]) -> i64 {
        let m = (1_usize << self.precision) as f64;
        let Totals { inverse, empty } = Totals::of(words, self.precision);
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

/// What the estimates go by.
struct Totals {
    /// The sum of `2^-rank` over the registers.
    inverse: f64,
    /// How many registers are empty.
    empty: f64,
}

impl Totals {
    fn of(words: &[i64], precision: u32) -> Self {
        // A sum of doubles, register by register, is exact while its digits have room: then one of whole numbers is the same.
        let exact_to = 53 - precision;
        let (mut sum, mut empty, mut highest) = (0_u64, 0_u32, 0_u64);
        for rank in ranks(words, precision) {
            sum += 1_u64
                .checked_shl(exact_to.saturating_sub(rank as u32))
                .unwrap_or(0);
            empty += u32::from(rank == 0);
            highest = highest.max(rank);
        }
        let inverse = if highest <= u64::from(exact_to) {
            sum as f64 / (1_u64 << exact_to) as f64
        } else {
            ranks(words, precision)
                .map(|rank| 1.0 / (1_u64 << rank) as f64)
                .sum()
        };
        Self {
            inverse,
            empty: f64::from(empty),
        }
    }
}

/// The registers, in order.
fn ranks(words: &[i64], precision: u32) -> impl Iterator<Item = u64> {
    let registers = words.iter().flat_map(|word| {
        (0..REGISTERS_PER_WORD).map(|register| (*word as u64 >> (REGISTER_BITS * register)) & 63)
    });
    registers.take(1 << precision)
}

/// Every second register of a word.
const EVERY_SECOND: i64 = 0x003f_03f0_3f03_f03f;

/// The bit above each of them.
const ABOVE_THEM: i64 = 0x0040_0400_4004_0040;

/// The higher of each two registers of two words.
fn higher_registers(one: i64, other: i64) -> i64 {
    let even = higher_of_every_second(one & EVERY_SECOND, other & EVERY_SECOND);
    let odd = higher_of_every_second(
        (one >> REGISTER_BITS) & EVERY_SECOND,
        (other >> REGISTER_BITS) & EVERY_SECOND,
    );
    even | (odd << REGISTER_BITS)
}

/// Of registers with a register's room above each: a bit set there outlives the subtraction where `one` is not less.
fn higher_of_every_second(one: i64, other: i64) -> i64 {
    let not_less = ((one | ABOVE_THEM) - other) & ABOVE_THEM;
    let mask = not_less - (not_less >> REGISTER_BITS);
    (one & mask) | (other & EVERY_SECOND & !mask)
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(SEED, bytes)
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

impl Groups for ApproxCountDistinct {
    fn empty(&self) -> Self {
        Self::new(self.precision)
    }

    fn grow_to(&mut self, groups: usize) {
        self.words.resize(groups * word_count(self.precision), 0);
    }

    fn update(&mut self, values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = column(values, 0)?;
        let hashes = hashes(values)?;
        rows.each(values.logical_nulls().as_ref(), |row, group| {
            self.take(group, hashes[row]);
            Ok(())
        })
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let states = as_list_array(column(states, 0)?)?;
        let words = as_int64_array(states.values())?.values();
        let offsets = states.value_offsets();
        rows.each(states.nulls(), |row, group| {
            let words = &words[offsets[row] as usize..offsets[row + 1] as usize];
            for (held, word) in self.words_of(group).iter_mut().zip(words) {
                *held = higher_registers(*held, *word);
            }
            Ok(())
        })
    }

    fn take_first(&mut self, groups: usize) -> Self {
        let taken = groups * word_count(self.precision);
        let rest = self.words.split_off(taken.min(self.words.len()));
        Self {
            precision: self.precision,
            words: std::mem::replace(&mut self.words, rest),
        }
    }

    fn states(self) -> Result<Vec<ArrayRef>> {
        let count = word_count(self.precision);
        let lengths = std::iter::repeat_n(count, self.words.len() / count);
        let field = Arc::new(Field::new_list_field(DataType::Int64, true));
        let words = Arc::new(Int64Array::from(self.words));
        let words = ListArray::try_new(field, offsets(lengths)?, words, None)?;
        Ok(vec![Arc::new(words)])
    }

    fn results(self) -> Result<ArrayRef> {
        let groups = self.words.chunks_exact(word_count(self.precision));
        let counts = groups.map(|words| self.estimate(words));
        Ok(Arc::new(Int64Array::from_iter_values(counts)))
    }

    fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_compared_side_by_side() {
        let word = |seed: i64| {
            let ranks = (0..REGISTERS_PER_WORD as i64).map(|at| (seed * 37 + at * at * 11) % 64);
            ranks.rev().fold(0, |word, rank| (word << REGISTER_BITS) | rank)
        };
        for (one, other) in (0..64).flat_map(|one| (0..64).map(move |other| (word(one), word(other)))) {
            let expected = (0..REGISTERS_PER_WORD).fold(0, |word, register| {
                let mask = 63_i64 << (REGISTER_BITS * register);
                word | (one & mask).max(other & mask)
            });
            assert_eq!(higher_registers(one, other), expected, "{one:x} {other:x}");
        }
    }

    #[test]
    fn totals_are_those_of_doubles_added_one_by_one() {
        let precision = 9;
        let mut seed = 7_u64;
        for most in [3, 20, 44, 45, 63] {
            let words: Vec<i64> = (0..word_count(precision))
                .map(|_| {
                    (0..REGISTERS_PER_WORD).fold(0, |word, _| {
                        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (word << REGISTER_BITS) | ((seed >> 40) % (most + 1)) as i64
                    })
                })
                .collect();
            let expected = ranks(&words, precision).fold(0.0, |sum, rank| sum + 1.0 / (1_u64 << rank) as f64);
            let totals = Totals::of(&words, precision);
            assert_eq!(
                totals.inverse.to_bits(),
                f64::to_bits(expected),
                "ranks up to {most}"
            );
            let empty = ranks(&words, precision).filter(|rank| *rank == 0).count();
            assert_eq!(totals.empty, empty as f64);
        }
    }
}
