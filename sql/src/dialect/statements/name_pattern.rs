//! The pattern of SHOW TABLES and SHOW VIEWS.

use regex::{Regex, RegexBuilder};

use crate::{Result, SqlError};

/// Alternatives that `|` separates, in each of which `*` stands for any text; without regard to case, as in Spark.
///
/// The rest is a regular expression that must take the whole name.
#[derive(Clone, Debug)]
pub struct NamePattern(Vec<Regex>);

impl NamePattern {
    /// Parses the text of a pattern.
    ///
    /// # Errors
    /// When an alternative is no regular expression.
    pub fn new(text: &str) -> Result<Self> {
        text.split('|').map(alternative).collect::<Result<_>>().map(Self)
    }

    /// Whether the name fits one of the alternatives.
    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|alternative| alternative.is_match(name))
    }
}

fn alternative(text: &str) -> Result<Regex> {
    let expression = format!("^(?:{})$", text.trim().replace('*', ".*"));
    RegexBuilder::new(&expression)
        .case_insensitive(true)
        .build()
        .map_err(|error| {
            SqlError::new(
                "INVALID_PARAMETER_VALUE.PATTERN",
                format!("The pattern '{text}' is not valid; `*` stands for any text: {error}"),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_bars_and_case() {
        let pattern = NamePattern::new("ev*| LOC ").unwrap();
        for (name, fits) in [
            ("events", true),
            ("loc", true),
            ("located", false),
            ("prev", false),
        ] {
            assert_eq!(pattern.matches(name), fits, "{name}");
        }
        assert!(NamePattern::new("*").unwrap().matches(""));
        assert!(!NamePattern::new("").unwrap().matches("a"));
        assert!(NamePattern::new("(").is_err());
    }
}
