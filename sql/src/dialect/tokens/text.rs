//! The text of a script with its lines: from a position (line and column, both from 1) to a place in the text.

use datafusion::sql::sqlparser::tokenizer::{Location, TokenWithSpan};

/// A script's text.
#[derive(Debug)]
pub(crate) struct SqlText<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> SqlText<'a> {
    /// The text with the start of each line.
    pub(crate) fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self { text, lines }
    }

    /// The byte offset of a position; the end of the text for one beyond it.
    pub(crate) fn offset(&self, at: Location) -> usize {
        let line = usize::try_from(at.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let column = usize::try_from(at.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(start) = self.lines.get(line) else {
            return self.text.len();
        };
        let rest = self.text.get(*start..).unwrap_or_default();
        rest.char_indices()
            .nth(column)
            .map_or(self.text.len(), |(bytes, _)| start + bytes)
    }

    /// The text from the first token's start to the last token's end.
    pub(crate) fn slice(&self, tokens: &[TokenWithSpan]) -> &'a str {
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => self.between(first.span.start, last.span.end),
            _ => "",
        }
    }

    /// The text between two positions.
    pub(crate) fn between(&self, start: Location, end: Location) -> &'a str {
        self.text
            .get(self.offset(start)..self.offset(end))
            .unwrap_or_default()
    }
}
