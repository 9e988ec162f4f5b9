//! Functions of DOUBLEs, a row at a time; NULL where Spark has it, else what IEEE gives.

use std::f64::consts::{E, LN_2, PI};

use super::simple::{Row, Value};

macro_rules! of_one {
    ($($(#[$doc:meta])* $name:ident => $function:expr;)*) => {
        $($(#[$doc])*
        pub(super) fn $name(row: Row<'_>) -> Option<Value> {
            let function: fn(f64) -> f64 = $function;
            Some(function(row.double(0)?).into())
        }
        )*
    };
}

of_one! {
    /// `sin(x)`
    sin => f64::sin;
    /// `cos(x)`
    cos => f64::cos;
    /// `tan(x)`
    tan => f64::tan;
    /// `cot(x)`
    cot => |x| 1.0 / x.tan();
    /// `sec(x)`
    sec => |x| 1.0 / x.cos();
    /// `csc(x)`
    csc => |x| 1.0 / x.sin();
    /// `asin(x)`
    asin => f64::asin;
    /// `acos(x)`
    acos => f64::acos;
    /// `atan(x)`
    atan => f64::atan;
    /// `sinh(x)`
    sinh => f64::sinh;
    /// `cosh(x)`
    cosh => f64::cosh;
    /// `tanh(x)`
    tanh => f64::tanh;
    /// `asinh(x)`
    asinh => f64::asinh;
    /// `acosh(x)`, by the formula that Spark has
    acosh => |x| (x + (x * x - 1.0).sqrt()).ln();
    /// `atanh(x)`, likewise
    atanh => |x| 0.5 * (x.ln_1p() - (-x).ln_1p());
    /// `cbrt(x)`
    cbrt => f64::cbrt;
    /// `expm1(x)`
    expm1 => f64::exp_m1;
    /// `rint(x)`: a half goes to the even number
    rint => f64::round_ties_even;
    /// `degrees(x)`
    degrees => |x| x * (180.0 / PI);
    /// `radians(x)`
    radians => |x| x * (PI / 180.0);
}

/// `atan2(y, x)`
pub(super) fn atan2(row: Row<'_>) -> Option<Value> {
    // A sum with 0 leaves no negative zero.
    Some((row.double(0)? + 0.0).atan2(row.double(1)? + 0.0).into())
}

/// `hypot(x, y)`
pub(super) fn hypot(row: Row<'_>) -> Option<Value> {
    Some(row.double(0)?.hypot(row.double(1)?).into())
}

/// `log([base, ]x)`: NULL for 0 and below
pub(super) fn log(row: Row<'_>) -> Option<Value> {
    let positive = |x: f64| (x > 0.0 || x.is_nan()).then_some(x);
    if row.width() == 1 {
        return Some(positive(row.double(0)?)?.ln().into());
    }
    let (base, x) = (positive(row.double(0)?)?, positive(row.double(1)?)?);
    Some((x.ln() / base.ln()).into())
}

/// `log2(x)`: NULL for 0 and below
pub(super) fn log2(row: Row<'_>) -> Option<Value> {
    let x = Some(row.double(0)?).filter(|x| *x > 0.0 || x.is_nan())?;
    Some((x.ln() / LN_2).into())
}

/// `log1p(x)`: NULL for -1 and below
pub(super) fn log1p(row: Row<'_>) -> Option<Value> {
    let x = Some(row.double(0)?).filter(|x| *x > -1.0 || x.is_nan())?;
    Some(x.ln_1p().into())
}

/// `e()`
pub(super) fn e(_: Row<'_>) -> Option<Value> {
    Some(E.into())
}

/// `pi()`
pub(super) fn pi(_: Row<'_>) -> Option<Value> {
    Some(PI.into())
}

/// `factorial(n)`: NULL beyond 0 to 20
pub(super) fn factorial(row: Row<'_>) -> Option<Value> {
    let n = Some(row.int(0)?).filter(|n| (0..=20).contains(n))?;
    Some((1..=i64::from(n)).product::<i64>().into())
}

/// `width_bucket(x, from, to, buckets)`
pub(super) fn width_bucket(row: Row<'_>) -> Option<Value> {
    let (x, from, to) = (row.double(0)?, row.double(1)?, row.double(2)?);
    let buckets = Some(row.long(3)?).filter(|n| *n > 0 && *n != i64::MAX)?;
    let usable = !x.is_nan() && from.is_finite() && to.is_finite() && from != to;
    if !usable {
        return None;
    }
    // The distance from the first edge, and the whole width, whichever way the edges go.
    let (distance, width) = if from < to {
        (x - from, to - from)
    } else {
        (from - x, from - to)
    };
    let bucket = if distance < 0.0 {
        0
    } else if distance >= width {
        buckets + 1
    } else {
        (buckets as f64 * distance / width) as i64 + 1
    };
    Some(bucket.into())
}

/// `bitmap_bit_position(n)`: which bit of its bucket of 32768 a number is
pub(super) fn bitmap_bit_position(row: Row<'_>) -> Option<Value> {
    let n = row.long(0)?;
    let from_start = if n > 0 { n - 1 } else { n.wrapping_neg() };
    Some((from_start % 32768).into())
}

/// `bitmap_bucket_number(n)`
pub(super) fn bitmap_bucket_number(row: Row<'_>) -> Option<Value> {
    let n = row.long(0)?;
    let bucket = if n > 0 { 1 + (n - 1) / 32768 } else { n / 32768 };
    Some(bucket.into())
}

/// `bitmap_count(bytes)`
pub(super) fn bitmap_count(row: Row<'_>) -> Option<Value> {
    let ones: u32 = row.bytes(0)?.iter().map(|b| b.count_ones()).sum();
    Some(i64::from(ones).into())
}
