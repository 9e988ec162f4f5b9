//! `format_string`: Java's format specifiers, as far as numbers, truths and strings have them.

use super::simple::{Row, Value};
use super::text_of::{java_double, java_float};
use crate::SqlError;

/// An argument's value.
pub(super) enum Printed<'a> {
    Null,
    /// A whole number, and how many bits its type has.
    Whole(i64, u32),
    Double(f64),
    Float(f32),
    Boolean(bool),
    Text(&'a str),
}

/// `%[place$][flags][width][.precision]conversion`
#[derive(Default)]
struct Specifier {
    place: Option<usize>,
    flags: String,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

impl Specifier {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }
}

/// `format_string(format, …)`
pub(super) fn format_string(row: Row<'_>) -> Option<Value> {
    let format = row.text(0)?;
    Some(match formatted(format, row) {
        Ok(text) => text.into(),
        Err(error) => error.into(),
    })
}

fn formatted(format: &str, row: Row<'_>) -> Result<String, SqlError> {
    let mut out = String::new();
    let mut rest = format;
    let mut next = 1;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (specifier, after) = parse(after).ok_or_else(|| wrong(format, "it has an unknown specifier"))?;
        rest = after;
        match specifier.conversion {
            '%' => out.push_str(&padded("%".to_owned(), &specifier)),
            'n' => out.push('\n'),
            _ => {
                let place = specifier.place.unwrap_or(next);
                next += usize::from(specifier.place.is_none());
                if place == 0 || place >= row.width() {
                    return Err(wrong(format, "it has more specifiers than there are arguments"));
                }
                let text = one(&row.printed(place), &specifier).ok_or_else(|| {
                    wrong(
                        format,
                        "an argument is of another type, or the specifier is not known",
                    )
                })?;
                out.push_str(&text);
            }
        }
    }
    Ok(out + rest)
}

fn wrong(format: &str, why: &str) -> SqlError {
    SqlError::new(
        "INVALID_PARAMETER_VALUE.FORMAT",
        format!(
            "The format string '{format}' cannot be used: {why}. Known are %s %d %f %e %x %o %c %b %n %%."
        ),
    )
}

/// The specifier at the start of a text, and what follows it.
fn parse(text: &str) -> Option<(Specifier, &str)> {
    let mut out = Specifier::default();
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut rest = text;
    let (number, after) = rest.split_at(digits(rest));
    if let Some(after) = after.strip_prefix('$') {
        out.place = Some(number.parse().ok()?);
        rest = after;
    }
    let flags = rest.find(|c: char| !"-#+ 0,(".contains(c)).unwrap_or(rest.len());
    let (flags, after) = rest.split_at(flags);
    out.flags = flags.to_owned();
    let (width, after) = after.split_at(digits(after));
    if !width.is_empty() {
        out.width = width.parse().ok()?;
    }
    rest = after;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = after.split_at(digits(after));
        out.precision = Some(precision.parse().ok()?);
        rest = after;
    }
    let mut chars = rest.chars();
    out.conversion = chars.next()?;
    Some((out, chars.as_str()))
}

fn padded(text: String, specifier: &Specifier) -> String {
    let missing = specifier.width.saturating_sub(text.chars().count());
    let fill = " ".repeat(missing);
    if specifier.has('-') {
        text + &fill
    } else {
        fill + &text
    }
}

/// A number's digits with its sign, zeros and commas as the flags say.
fn signed(digits: String, negative: bool, specifier: &Specifier) -> String {
    let digits = if specifier.has(',') {
        super::number_text::grouped(&digits)
    } else {
        digits
    };
    let (start, end) = match negative {
        true if specifier.has('(') => ("(", ")"),
        true => ("-", ""),
        false if specifier.has('+') => ("+", ""),
        false if specifier.has(' ') => (" ", ""),
        false => ("", ""),
    };
    let zeros = if specifier.has('0') {
        specifier
            .width
            .saturating_sub(start.len() + digits.len() + end.len())
    } else {
        0
    };
    padded(format!("{start}{}{digits}{end}", "0".repeat(zeros)), specifier)
}

/// The argument by the specifier; `None` where Java has no such text.
fn one(argument: &Printed<'_>, specifier: &Specifier) -> Option<String> {
    let lower = specifier.conversion.to_ascii_lowercase();
    let is_upper = specifier.conversion.is_ascii_uppercase();
    if is_upper && !matches!(lower, 's' | 'b' | 'x' | 'e' | 'c') {
        return None;
    }
    let general = |text: String| {
        let kept = specifier
            .precision
            .map_or(text.clone(), |most| text.chars().take(most).collect());
        padded(kept, specifier)
    };
    let text = match (lower, argument) {
        ('b', Printed::Boolean(value)) => general(value.to_string()),
        ('b', Printed::Null) => general("false".to_owned()),
        ('b', _) => general("true".to_owned()),
        ('s' | 'd' | 'f' | 'e' | 'x' | 'o' | 'c', Printed::Null) => general("null".to_owned()),
        ('s', Printed::Whole(value, _)) => general(value.to_string()),
        ('s', Printed::Double(value)) => general(java_double(*value)),
        ('s', Printed::Float(value)) => general(java_float(*value)),
        ('s', Printed::Boolean(value)) => general(value.to_string()),
        ('s', Printed::Text(text)) => general((*text).to_owned()),
        ('d', Printed::Whole(value, _)) => signed(value.unsigned_abs().to_string(), *value < 0, specifier),
        ('x' | 'o', Printed::Whole(value, bits)) => {
            let mask = u64::MAX.checked_shr(64 - bits)?;
            let value = value.cast_unsigned() & mask;
            let digits = if lower == 'x' {
                format!("{value:x}")
            } else {
                format!("{value:o}")
            };
            let zeros = if specifier.has('0') {
                specifier.width.saturating_sub(digits.len())
            } else {
                0
            };
            padded("0".repeat(zeros) + &digits, specifier)
        }
        ('c', Printed::Whole(value, _)) => padded(
            char::from_u32(u32::try_from(*value).ok()?)?.to_string(),
            specifier,
        ),
        ('f' | 'e', Printed::Double(value)) => fraction(*value, lower, specifier),
        ('f' | 'e', Printed::Float(value)) => fraction(java_float(*value).parse().ok()?, lower, specifier),
        _ => return None,
    };
    Some(if is_upper { text.to_uppercase() } else { text })
}

fn fraction(value: f64, conversion: char, specifier: &Specifier) -> String {
    if !value.is_finite() {
        return padded(java_double(value), specifier);
    }
    let precision = specifier.precision.unwrap_or(6);
    let (digits, point) = decimal_digits(value.abs());
    let text = match conversion {
        'f' => fixed(&digits, point, precision),
        _ if value == 0.0 => format!("{}e+00", fixed(&[0], 1, precision)),
        _ => {
            let mut exponent = point - 1;
            let mut mantissa = fixed(&digits, 1, precision);
            if mantissa.starts_with("10") {
                exponent += 1;
                mantissa = fixed(&[1], 1, precision);
            }
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
    };
    signed(text, value.is_sign_negative(), specifier)
}

/// The shortest digits that read back as the number, and how many of them are before the point.
fn decimal_digits(value: f64) -> (Vec<u8>, i32) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = mantissa
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| b - b'0')
        .collect();
    (digits, exponent.parse::<i32>().unwrap_or(0) + 1)
}

/// The digits with that many after the point; a half goes up.
fn fixed(digits: &[u8], point: i32, precision: usize) -> String {
    let wanted = i64::from(point) + i64::try_from(precision).unwrap_or(i64::MAX);
    let digit = |at: i64| {
        usize::try_from(at)
            .ok()
            .and_then(|at| digits.get(at))
            .copied()
            .unwrap_or(0)
    };
    let first = i64::from(point).min(1) - 1;
    let mut kept: Vec<u8> = (first..wanted).map(digit).collect();
    let mut carry = digit(wanted) >= 5;
    for digit in kept.iter_mut().rev() {
        if !carry {
            break;
        }
        carry = *digit == 9;
        *digit = if carry { 0 } else { *digit + 1 };
    }
    if carry {
        kept.insert(0, 1);
    }
    let text: String = kept.iter().map(|d| char::from(b'0' + d)).collect();
    let (whole, fraction) = text.split_at(text.len().saturating_sub(precision));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if precision == 0 {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction:0>precision$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_the_shortest_digits_go_up() {
        for (value, precision, text) in [
            (0.5, 0, "1"),
            (1.5, 0, "2"),
            (2.0005, 3, "2.001"),
            (0.04, 1, "0.0"),
            (0.05, 1, "0.1"),
            (9.99, 1, "10.0"),
            (1234.5, 2, "1234.50"),
            (0.000_01, 2, "0.00"),
            (0.006, 2, "0.01"),
        ] {
            let (digits, point) = decimal_digits(value);
            assert_eq!(fixed(&digits, point, precision), text, "{value}");
        }
    }
}
