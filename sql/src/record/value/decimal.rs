//! Decimal texts to and from unscaled values.

/// The unscaled value of a decimal text in Java's grammar, rounded half up to `scale`.
/// None if malformed or if it does not fit `precision` digits.
pub(crate) fn parse_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, unsigned) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (unsigned.get(..at)?, parse_exponent(unsigned.get(at + 1..)?)?),
        None => (unsigned, 0),
    };
    let point = memchr::memchr(b'.', mantissa);
    let digits = mantissa.len() - usize::from(point.is_some());
    let fraction = point.map_or(0, |at| mantissa.len() - at - 1);
    if digits == 0 {
        return None;
    }
    // How many digits are kept: those up to `scale` places after the point.
    let keep = i64::try_from(digits).ok()? - i64::try_from(fraction).ok()? + exponent + i64::from(scale);
    let mut value: i128 = 0;
    let mut overflow = false;
    let mut round_up = false;
    let mut place = 0i64;
    for (i, byte) in mantissa.iter().enumerate() {
        if Some(i) == point {
            continue;
        }
        if !byte.is_ascii_digit() {
            return None;
        }
        let digit = byte - b'0';
        if place < keep {
            match value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i128::from(digit)))
            {
                Some(v) => value = v,
                None => overflow = true,
            }
        } else if place == keep {
            round_up = digit >= 5;
        }
        place += 1;
    }
    if overflow {
        return None;
    }
    if value != 0 {
        for _ in place..keep {
            value = value.checked_mul(10)?;
        }
    }
    value = value.checked_add(i128::from(round_up))?;
    let limit = 10i128.checked_pow(u32::from(precision))?;
    (value < limit).then_some(if negative { -value } else { value })
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<i32>().ok().map(i64::from)
}

/// Appends a decimal as Java's `BigDecimal.toString` gives it: plain, but `1.0E-7` below a millionth.
pub fn format_decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    use std::io::Write;
    if unscaled < 0 {
        out.push(b'-');
    }
    let digits = unscaled.unsigned_abs().to_string();
    let adjusted = digits.len() as i64 - 1 - i64::from(scale);
    let Some(places) = usize::try_from(scale).ok().filter(|_| adjusted >= -6) else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let _ = write!(out, "{first}{point}{rest}E{adjusted:+}");
        return;
    };
    if places == 0 {
        out.extend_from_slice(digits.as_bytes());
        return;
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let _ = write!(out, "{whole}.{fraction}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_half_up_and_respect_the_precision() {
        for (text, expected) in [
            ("1.005", Some(101)),
            ("-1.005", Some(-101)),
            ("999.995", None),
            ("1e2", Some(10000)),
            ("1e-10", Some(0)),
            ("12345", None),
            (" 1", None),
            ("", None),
            (".5", Some(50)),
            ("5.", Some(500)),
            ("1e400", None),
            ("0e400", Some(0)),
            ("0.004", Some(0)),
            ("0.0050", Some(1)),
            ("5e-3", Some(1)),
            ("9e-4", Some(0)),
        ] {
            assert_eq!(parse_decimal(text.as_bytes(), 5, 2), expected, "{text}");
        }
    }

    #[test]
    fn decimals_are_written_as_java_writes_them() {
        for (unscaled, scale, text) in [
            (1250, 2, "12.50"),
            (-1, 6, "-0.000001"),
            (0, 2, "0.00"),
            (7, 0, "7"),
            (0, 10, "0E-10"),
            (1000, 10, "1.000E-7"),
            (5, -2, "5E+2"),
        ] {
            let mut out = Vec::new();
            format_decimal(unscaled, scale, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
