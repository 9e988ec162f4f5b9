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

/// Microseconds of a local time as Spark casts a timestamp: no fraction's trailing zeros.
pub(crate) fn timestamp_text(local: chrono::NaiveDateTime) -> String {
    let text = local.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() {
                whole.to_owned()
            } else {
                format!("{whole}.{fraction}")
            }
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
