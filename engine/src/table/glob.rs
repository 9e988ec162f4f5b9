//! Path patterns as Hadoop reads them: `*`, `?`, `[a-c]`, `[^x]`, `{a,b}` and `\` for the next character.
//!
//! A pattern is matched element by element: no wildcard crosses a slash, except that `{a/b,c}` is unfolded first.

use globset::{GlobBuilder, GlobMatcher};

use crate::{Result, TidemillError};

/// A pattern for one element of a path.
pub(super) fn element(pattern: &str) -> Result<GlobMatcher> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|e| {
            TidemillError::invalid(
                "INVALID_PATH_PATTERN",
                format!("cannot read '{pattern}' as a path pattern: {e}"),
            )
        })
}

/// Unfolds braces that hold a slash, until every brace lies within one element.
pub(super) fn unfold(pattern: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    while let Some(next) = todo.pop() {
        match slashed_braces(&next) {
            None => out.push(next),
            Some((open, close)) => {
                let (head, tail) = (&next[..open], &next[close + 1..]);
                for choice in alternatives(&next[open + 1..close]).into_iter().rev() {
                    todo.push(format!("{head}{choice}{tail}"));
                }
            }
        }
    }
    out
}

/// The first outermost pair of braces that holds a slash.
fn slashed_braces(pattern: &str) -> Option<(usize, usize)> {
    let (mut depth, mut open, mut slash, mut escaped) = (0_usize, 0, false, false);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => {
                if depth == 0 {
                    (open, slash) = (at, false);
                }
                depth += 1;
            }
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 && slash {
                    return Some((open, at));
                }
            }
            '/' if depth > 0 => slash = true,
            _ => {}
        }
    }
    None
}

/// Splits at the commas that lie outside inner braces.
fn alternatives(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut from, mut escaped) = (Vec::new(), 0_usize, 0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                out.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_within_one_element() {
        let matches = |pattern: &str, name: &str| element(pattern).unwrap().is_match(name);
        assert!(matches("*.json", "a.json"));
        assert!(matches("*", ".hidden"));
        assert!(matches("a?[0-9][^x]{c,dd}", "ab1ydd"));
        assert!(!matches("a?[0-9][^x]{c,dd}", "ab1xdd"));
        assert!(matches("\\*", "*"));
        assert!(!matches("\\*", "a"));
        assert!(!matches("*", "a/b"));
    }

    #[test]
    fn braces_with_slashes_are_unfolded() {
        assert_eq!(unfold("/a/{b/c,d}/e"), ["/a/b/c/e", "/a/d/e"]);
        assert_eq!(unfold("/a/{b,c}"), ["/a/{b,c}"]);
        assert_eq!(unfold("/{a{x,y}/b,c}"), ["/a{x,y}/b", "/c"]);
        assert_eq!(unfold("/\\{a/b}"), ["/\\{a/b}"]);
    }

    #[test]
    fn a_broken_pattern_is_named() {
        let error = element("[a").unwrap_err();
        assert!(error.message().contains("[a"), "{error}");
    }
}
