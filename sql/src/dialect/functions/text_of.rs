//! Values as text, as Spark prints them.

/// A DOUBLE as Java prints it: `1.0`, `1.0E20`, `1.0E-5`, `NaN`, `Infinity`.
pub(crate) fn java_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let text = format!("{value}");
        return if text.contains('.') { text } else { text + ".0" };
    }
    scientific(&format!("{value:e}"))
}

/// A FLOAT as Java prints it.
pub(crate) fn java_float(value: f32) -> String {
    if !value.is_finite() {
        return java_double(f64::from(value));
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let text = format!("{value}");
        return if text.contains('.') { text } else { text + ".0" };
    }
    scientific(&format!("{value:e}"))
}

/// `1e20` as `1.0E20`.
fn scientific(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    if mantissa.contains('.') {
        format!("{mantissa}E{exponent}")
    } else {
        format!("{mantissa}.0E{exponent}")
    }
}

/// A DECIMAL as Java's BigDecimal prints it: with an exponent where there would be more than six leading zeros.
pub(crate) fn java_decimal(unscaled: i128, scale: i8) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let sign = if unscaled < 0 { "-" } else { "" };
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    if scale > digits.len() + 5 {
        let exponent = scale + 1 - digits.len();
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}E-{exponent}");
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_print_as_java_prints_them() {
        for (unscaled, scale, text) in [
            (1, 7, "1E-7"),
            (1, 6, "0.000001"),
            (0, 10, "0E-10"),
            (-1234, 2, "-12.34"),
            (123, 10, "1.23E-8"),
            (5, 0, "5"),
        ] {
            assert_eq!(java_decimal(unscaled, scale), text);
        }
    }

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (1e20, "1.0E20"),
            (1e-5, "1.0E-5"),
            (123_456_789.0, "1.23456789E8"),
            (0.001, "0.001"),
            (-0.0, "-0.0"),
            (9_999_999.0, "9999999.0"),
        ] {
            assert_eq!(java_double(value), text);
        }
    }
}
