//! Date-time patterns in the letters of Java's `DateTimeFormatter`, as Spark restricts them.
//!
//! Letters: `y u M L d D E F Q q G a H h K k m s S V z O X x Z`, text in quotes, `[optional]` parts.
//! Week-based and locale-bound letters are refused, as Spark refuses them. Names are English.

mod names;
mod read;
mod write;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateTimePattern {
    items: Vec<Item>,
}

/// A number in a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Month,
    Day,
    DayOfYear,
    /// The day of a week that begins with the month, 1 to 7.
    DayOfMonthWeek,
    /// 0 to 23.
    Hour,
    /// 1 to 12.
    ClockHourOfHalfDay,
    /// 0 to 11.
    HourOfHalfDay,
    /// 1 to 24.
    ClockHour,
    Minute,
    Second,
}

/// A part of a pattern; counts are of letters.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(String),
    Year(usize),
    Number(Field, usize),
    /// So many digits of the fraction of a second at most.
    Fraction(usize),
    /// The name of the month; long if true.
    MonthName(bool),
    Weekday(bool),
    Quarter(usize),
    Era(bool),
    HalfDay,
    /// `X` (zero is Z) if true, else `x`.
    Offset(usize, bool),
    /// `Z`.
    OffsetZ(usize),
    /// `O`: GMT+1; long if true.
    OffsetGmt(bool),
    /// `VV`.
    ZoneId,
    /// `z`: an abbreviation, or a long name if true.
    ZoneName(bool),
    Optional(Vec<Item>),
}

impl DateTimePattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A sentence saying what is wrong with it.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let items = compile(&chars, &mut at, false)?;
        Ok(Self { items })
    }
}

fn compile(chars: &[char], at: &mut usize, nested: bool) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    while let Some(c) = chars.get(*at).copied() {
        match c {
            '[' => {
                *at += 1;
                items.push(Item::Optional(compile(chars, at, true)?));
            }
            ']' if nested => {
                *at += 1;
                return Ok(items);
            }
            ']' => return Err("a ']' has no '['".into()),
            '\'' => push_literal(&mut items, &quoted(chars, at)?),
            'a'..='z' | 'A'..='Z' => {
                let count = chars.iter().skip(*at).take_while(|other| **other == c).count();
                *at += count;
                items.push(letter(c, count)?);
            }
            '{' | '}' | '#' => return Err(format!("'{c}' is reserved")),
            _ => {
                *at += 1;
                push_literal(&mut items, c.encode_utf8(&mut [0; 4]));
            }
        }
    }
    // Java lets an optional part run to the end without its ']'.
    Ok(items)
}

fn push_literal(items: &mut Vec<Item>, text: &str) {
    match items.last_mut() {
        Some(Item::Literal(last)) => last.push_str(text),
        _ => items.push(Item::Literal(text.to_owned())),
    }
}

/// The text of a quoted part; two quotes are one.
fn quoted(chars: &[char], at: &mut usize) -> Result<String, String> {
    let mut text = String::new();
    *at += 1;
    loop {
        match (chars.get(*at), chars.get(*at + 1)) {
            (Some('\''), Some('\'')) => {
                text.push('\'');
                *at += 2;
            }
            (Some('\''), _) => {
                *at += 1;
                if text.is_empty() {
                    text.push('\'');
                }
                return Ok(text);
            }
            (Some(c), _) => {
                text.push(*c);
                *at += 1;
            }
            (None, _) => return Err("a quote is not closed".into()),
        }
    }
}

fn letter(c: char, count: usize) -> Result<Item, String> {
    let too_many = || format!("too many letters '{c}'");
    let number = |field, most: usize| {
        if count <= most {
            Ok(Item::Number(field, count))
        } else {
            Err(too_many())
        }
    };
    match (c, count) {
        ('y' | 'u', 1..=6) => Ok(Item::Year(count)),
        ('M' | 'L', 1..=2) => Ok(Item::Number(Field::Month, count)),
        ('M' | 'L', 3..=4) => Ok(Item::MonthName(count == 4)),
        ('E', 1..=4) => Ok(Item::Weekday(count == 4)),
        ('Q' | 'q', 1..=4) => Ok(Item::Quarter(count)),
        ('G', 1..=4) => Ok(Item::Era(count == 4)),
        ('a', 1) => Ok(Item::HalfDay),
        ('S', 1..=9) => Ok(Item::Fraction(count)),
        ('X' | 'x', 1..=5) => Ok(Item::Offset(count, c == 'X')),
        ('Z', 1..=5) => Ok(Item::OffsetZ(count)),
        ('O', 1 | 4) => Ok(Item::OffsetGmt(count == 4)),
        ('V', 2) => Ok(Item::ZoneId),
        ('z', 1..=4) => Ok(Item::ZoneName(count == 4)),
        ('F', _) => number(Field::DayOfMonthWeek, 1),
        ('d', _) => number(Field::Day, 2),
        ('D', _) => number(Field::DayOfYear, 3),
        ('H', _) => number(Field::Hour, 2),
        ('h', _) => number(Field::ClockHourOfHalfDay, 2),
        ('K', _) => number(Field::HourOfHalfDay, 2),
        ('k', _) => number(Field::ClockHour, 2),
        ('m', _) => number(Field::Minute, 2),
        ('s', _) => number(Field::Second, 2),
        (
            'y' | 'u' | 'M' | 'L' | 'E' | 'Q' | 'q' | 'G' | 'a' | 'S' | 'X' | 'x' | 'Z' | 'O' | 'V' | 'z',
            _,
        ) => Err(format!("'{c}' cannot stand {count} times")),
        ('Y' | 'W' | 'w', _) => Err(format!("week-based letter '{c}' is not supported")),
        _ => Err(format!("letter '{c}' is not supported")),
    }
}

#[cfg(test)]
mod tests;
