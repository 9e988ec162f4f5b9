//! `format_number`: commas between thousands, and a half goes to the even digit.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type};
use datafusion::common::Result as DataFusionResult;

use super::super::analyzer::is_float;

/// The numbers with these digits after the point; NULL for fewer than none.
pub(super) fn format_number(numbers: &ArrayRef, digits: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let digits = digits.as_primitive::<Int32Type>();
    let digits = |row: usize| {
        digits
            .is_valid(row)
            .then(|| usize::try_from(digits.value(row)).ok())
            .flatten()
    };
    let mut out = StringBuilder::new();
    if is_float(numbers.data_type()) {
        let numbers = cast(numbers, &DataType::Float64)?;
        for (row, number) in numbers.as_primitive::<Float64Type>().iter().enumerate() {
            out.append_option(
                number
                    .zip(digits(row))
                    .map(|(number, digits)| of_double(number, digits)),
            );
        }
        return Ok(Arc::new(out.finish()));
    }
    let scale = match numbers.data_type() {
        DataType::Decimal128(_, scale) => *scale,
        _ => 0,
    };
    let numbers = match numbers.data_type() {
        DataType::Decimal128(..) => Arc::clone(numbers),
        _ => cast(numbers, &DataType::Decimal128(20, 0))?,
    };
    let scale = usize::try_from(scale).unwrap_or(0);
    for (row, number) in numbers.as_primitive::<Decimal128Type>().iter().enumerate() {
        out.append_option(
            number
                .zip(digits(row))
                .map(|(number, digits)| of_decimal(number, scale, digits)),
        );
    }
    Ok(Arc::new(out.finish()))
}

fn of_double(number: f64, digits: usize) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return with_sign(number < 0.0, "\u{221e}");
    }
    with_sign(
        number.is_sign_negative(),
        &grouped(&format!("{:.digits$}", number.abs())),
    )
}

fn of_decimal(number: i128, scale: usize, digits: usize) -> String {
    let dropped = u32::try_from(scale.saturating_sub(digits)).unwrap_or(0);
    let unit = 10_u128.saturating_pow(dropped);
    let (mut kept, rest) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    let half = unit / 2;
    if dropped > 0 && (rest > half || (rest == half && kept % 2 == 1)) {
        kept += 1;
    }
    let scale = scale.min(digits);
    let text = format!("{kept:0>width$}", width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    let fraction = format!("{fraction:0<digits$}");
    let text = if digits == 0 {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    };
    with_sign(number < 0, &grouped(&text))
}

fn with_sign(negative: bool, text: &str) -> String {
    if negative {
        format!("-{text}")
    } else {
        text.to_owned()
    }
}

/// The digits with commas between thousands.
pub(super) fn grouped(text: &str) -> String {
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::with_capacity(text.len() * 4 / 3);
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}
