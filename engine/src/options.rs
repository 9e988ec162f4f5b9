//! Options of sources and sinks: case-insensitive names, checked against what the connector declares.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::{Result, TidemillError};

/// Options by name; names compare without regard to case and keep the spelling they were given in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    entries: BTreeMap<String, (String, String)>,
}

/// One option that a connector declares.
#[derive(Clone, Copy, Debug)]
pub enum OptionSpec {
    /// Understood.
    Known(&'static str),
    /// Spark has it, Tidemill has not: refused unless the value equals Spark's default (compared without case).
    NotImplemented {
        /// Its name.
        name: &'static str,
        /// Spark's default; none when Spark has none, so that any value is refused.
        default: Option<&'static str>,
    },
}

impl OptionSpec {
    /// The option's name, in Spark's spelling.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Known(name) | Self::NotImplemented { name, .. } => name,
        }
    }
}

impl Options {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option, replacing an older value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.entries.insert(name.to_lowercase(), (name, value.into()));
    }

    /// The value of an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entries
            .get(&name.to_lowercase())
            .map(|(_, value)| value.as_str())
    }

    /// Removes an option and gives its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.entries.remove(&name.to_lowercase()).map(|(_, value)| value)
    }

    /// Names as given, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .values()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// `true` or `false`, without regard to case.
    pub fn get_bool(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name) {
            None => Ok(default),
            Some(v) if v.eq_ignore_ascii_case("true") => Ok(true),
            Some(v) if v.eq_ignore_ascii_case("false") => Ok(false),
            Some(v) => Err(invalid_value(name, v, "'true' or 'false'")),
        }
    }

    /// A positive integer.
    pub fn get_positive(&self, name: &str) -> Result<Option<u64>> {
        self.get(name)
            .map(|v| match v.trim().parse::<u64>() {
                Ok(n) if n > 0 => Ok(n),
                _ => Err(invalid_value(name, v, "a positive integer")),
            })
            .transpose()
    }

    /// Refuses names that `specs` do not declare (with the nearest name) and options that are not implemented.
    /// `what` is for the message: `source 'json'`.
    pub fn check(&self, what: &str, specs: &[&[OptionSpec]]) -> Result<()> {
        let known = || specs.iter().flat_map(|s| s.iter());
        for (name, value) in self.iter() {
            match known().find(|s| s.name().eq_ignore_ascii_case(name)) {
                Some(OptionSpec::Known(_)) => {}
                Some(OptionSpec::NotImplemented { default, .. }) => {
                    if !default.is_some_and(|d| d.eq_ignore_ascii_case(value)) {
                        return Err(not_implemented(what, name, *default));
                    }
                }
                None => return Err(unknown(what, name, known().map(OptionSpec::name))),
            }
        }
        Ok(())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        let mut out = Self::new();
        for (name, value) in iter {
            out.set(name, value);
        }
        out
    }
}

/// The error for a value that an option cannot have.
pub(crate) fn invalid_value(name: &str, value: &str, expected: &str) -> TidemillError {
    TidemillError::invalid(
        "INVALID_OPTION_VALUE",
        format!("Invalid value '{value}' for option '{name}', must be {expected}"),
    )
}

fn not_implemented(what: &str, name: &str, default: Option<&str>) -> TidemillError {
    let mut text = format!("option '{name}' of {what} is Spark's, but Tidemill does not implement it; ");
    let _ = match default {
        Some(d) => write!(text, "leave it out or set it to '{d}'"),
        None => write!(text, "leave it out"),
    };
    TidemillError::unsupported("UNSUPPORTED_OPTION", text)
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> TidemillError {
    let lower = name.to_lowercase();
    let nearest = known
        .map(|k| {
            (
                strsim::normalized_damerau_levenshtein(&k.to_lowercase(), &lower),
                k,
            )
        })
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = nearest.map_or(String::new(), |(_, k)| format!("; did you mean '{k}'?"));
    TidemillError::invalid(
        "UNKNOWN_OPTION",
        format!("unknown option '{name}' for {what}{hint}"),
    )
}
