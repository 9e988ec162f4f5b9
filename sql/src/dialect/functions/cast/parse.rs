//! Strings as numbers and booleans, as Spark casts them: blanks around are dropped, the rest must fit whole.

use arrow::datatypes::i256;

use super::super::arithmetic::rescale;

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// A whole number.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = trim(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A whole number whose fraction, if it has one, is cut off.
pub(crate) fn truncated_integer(text: &str) -> Option<i64> {
    let text = trim(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match whole {
        "" | "+" | "-" if whole.len() < text.len() => Some(0),
        _ => integer(whole),
    }
}

/// A DOUBLE, as Java reads it: also `1d`, `Infinity`, `NaN`, in any case.
pub(crate) fn double(text: &str) -> Option<f64> {
    let text = trim(text);
    match text.to_ascii_lowercase().as_str() {
        "nan" => return Some(f64::NAN),
        "inf" | "+inf" | "infinity" | "+infinity" => return Some(f64::INFINITY),
        "-inf" | "-infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let digits = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    if !digits
        .bytes()
        .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
    {
        return None;
    }
    digits.parse().ok()
}

/// A decimal of this scale, rounded half up; `None` for no number or too many digits.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let text = trim(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let all = all.trim_start_matches('0');
    if all.is_empty() {
        return Some(0);
    }
    let value: i256 = all.parse().ok()?;
    let from = i32::try_from(fraction.len()).ok()? - exponent;
    // Far below the scale is zero; far above does not fit.
    if from - i32::from(scale) > 76 {
        return Some(0);
    }
    let value = rescale(value, from, i32::from(scale))?.to_i128()?;
    if value.unsigned_abs() >= 10u128.checked_pow(u32::from(precision))? {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// A boolean: `true`, `t`, `yes`, `y`, `1` and their opposites.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match trim(text).to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_half_up_and_keep_their_digits() {
        for (text, value) in [
            ("1.555", Some(156)),
            ("-1.555", Some(-156)),
            ("1e2", Some(10_000)),
            (".5", Some(50)),
            ("x", None),
            ("123456789", None),
            ("1e-400", Some(0)),
        ] {
            assert_eq!(decimal(text, 10, 2), value, "{text}");
        }
    }
}
