//! Doubles and floats as Java writes them: `100.0`, `1.0E20`, `-0.0`, `NaN`.
//!
//! The shortest digits that read back as the same value, as Java 19 and later; plain between 1e-3 and 1e7.

use std::io::Write;

/// Appends `value` as Java's `Double.toString` gives it.
pub fn format_double(value: f64, out: &mut Vec<u8>) {
    if !push_special(value.is_nan(), value.is_infinite(), value < 0.0, out) {
        push_digits(&shortest_double(value), out);
    }
}

/// Appends `value` as Java's `Float.toString` gives it.
pub fn format_float(value: f32, out: &mut Vec<u8>) {
    if !push_special(value.is_nan(), value.is_infinite(), value < 0.0, out) {
        push_digits(&shortest_float(value), out);
    }
}

fn push_special(nan: bool, infinite: bool, negative: bool, out: &mut Vec<u8>) -> bool {
    if nan {
        out.extend_from_slice(b"NaN");
    } else if infinite {
        out.extend_from_slice(if negative { b"-Infinity" } else { b"Infinity" });
    }
    nan || infinite
}

/// Java writes two digits at least and then chooses the nearest pair: 4.9E-324, not 5.0E-324.
fn shortest_double(value: f64) -> String {
    let text = format!("{value:e}");
    if !text.contains('.') {
        let two = format!("{value:.1e}");
        if two.parse() == Ok(value) {
            return two;
        }
    }
    text
}

fn shortest_float(value: f32) -> String {
    let text = format!("{value:e}");
    if !text.contains('.') {
        let two = format!("{value:.1e}");
        if two.parse() == Ok(value) {
            return two;
        }
    }
    text
}

/// Lays out `d.ddde±n` as Java does.
fn push_digits(scientific: &str, out: &mut Vec<u8>) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let unsigned = match mantissa.strip_prefix('-') {
        Some(rest) => {
            out.push(b'-');
            rest
        }
        None => mantissa,
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let fraction = fraction.trim_end_matches('0');
    if !(-3..7).contains(&exponent) {
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        let _ = write!(out, "{whole}.{fraction}E{exponent}");
        return;
    }
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let point = exponent + 1;
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend_from_slice(&digits);
        return;
    }
    let point = point as usize;
    for i in 0..point.max(digits.len()) {
        if i == point {
            out.push(b'.');
        }
        out.push(digits.get(i).copied().unwrap_or(b'0'));
    }
    if digits.len() <= point {
        out.extend_from_slice(b".0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(v: f64) -> String {
        let mut out = Vec::new();
        format_double(v, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_are_written_as_java_writes_them() {
        for (v, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1e20, "1.0E20"),
            (1e-7, "1.0E-7"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (12345.678, "12345.678"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (-1.25, "-1.25"),
            (4.9e-324, "4.9E-324"),
            (2e-3, "0.002"),
            (1.234e-5, "1.234E-5"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::MAX, "1.7976931348623157E308"),
        ] {
            assert_eq!(double(v), text);
        }
        let mut out = Vec::new();
        format_float(1.1, &mut out);
        out.push(b' ');
        format_float(1e10, &mut out);
        assert_eq!(out, b"1.1 1.0E10");
    }
}
