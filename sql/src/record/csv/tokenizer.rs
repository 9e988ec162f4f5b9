//! One CSV record to its fields, with the rules of the parser Spark uses (univocity).
//!
//! A field that is not quoted ends at the separator. In a quoted field an escape makes a quote plain, and a
//! quote that is followed by neither blank, separator nor line end is «unescaped»: by default the field is
//! then taken as it stands, quotes included, up to the next separator.

use crate::record::line::LineSeparator;

/// What to do with a quote inside a quoted field that is not escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UnescapedQuote {
    StopAtClosingQuote,
    #[default]
    StopAtDelimiter,
    SkipValue,
    RaiseError,
}

/// The shape of a CSV file.
#[derive(Clone, Debug)]
pub(crate) struct Syntax {
    pub(crate) delimiter: Vec<u8>,
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    /// The character that makes an escape plain.
    pub(crate) escape_escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    pub(crate) trim_start: bool,
    pub(crate) trim_end: bool,
    pub(crate) unescaped_quote: UnescapedQuote,
    pub(crate) max_columns: usize,
    /// None: no limit.
    pub(crate) max_column_chars: Option<usize>,
    pub(crate) separator: LineSeparator,
    /// Whether a line end inside quotes is part of the field.
    pub(crate) multi_line: bool,
}

/// A field of the current record.
#[derive(Clone, Copy, Debug)]
enum Field {
    /// Bytes of the input.
    Plain(usize, usize),
    /// Bytes of `text`; quoted in the input.
    Quoted(usize, usize),
    /// Left out because of an unescaped quote.
    Skipped,
}

/// The text of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Nothing between separators.
    Missing,
    /// `""`.
    QuotedEmpty,
    Text(&'a [u8]),
}

/// Why a record could not be tokenized.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The record may go on in bytes not yet there.
    Incomplete,
    /// The file cannot be read with these options.
    Fatal(&'static str),
}

/// The fields of one record; reused.
#[derive(Default)]
pub(crate) struct Record {
    fields: Vec<Field>,
    /// The unescaped text of quoted fields.
    text: Vec<u8>,
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Field number `index` of the record last read from `input`.
    pub(crate) fn get<'a>(&'a self, input: &'a [u8], index: usize) -> Token<'a> {
        match self.fields.get(index).copied() {
            Some(Field::Plain(start, end)) if start < end => {
                Token::Text(input.get(start..end).unwrap_or_default())
            }
            Some(Field::Quoted(start, end)) if start < end => {
                Token::Text(self.text.get(start..end).unwrap_or_default())
            }
            Some(Field::Quoted(..)) => Token::QuotedEmpty,
            _ => Token::Missing,
        }
    }

    /// Reads the record at the front of `input`; returns its length and that with the line end.
    ///
    /// Without `multi_line` the input is one line.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        syntax: &Syntax,
        end_of_input: bool,
    ) -> Result<(usize, usize), Failure> {
        self.fields.clear();
        self.text.clear();
        let mut reader = Reader {
            input,
            syntax,
            record: self,
            at: 0,
            end_of_input,
        };
        loop {
            reader.field()?;
            if reader.record.fields.len() > syntax.max_columns {
                return Err(Failure::Fatal(
                    "a record has more columns than option 'maxColumns' allows",
                ));
            }
            if reader.at_delimiter() {
                reader.at += syntax.delimiter.len();
                continue;
            }
            return match reader.line_end() {
                Some(len) => Ok((reader.at, reader.at + len)),
                None if end_of_input || !syntax.multi_line => Ok((reader.at, reader.at)),
                None => Err(Failure::Incomplete),
            };
        }
    }
}

struct Reader<'a> {
    input: &'a [u8],
    syntax: &'a Syntax,
    record: &'a mut Record,
    at: usize,
    end_of_input: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn at_delimiter(&self) -> bool {
        self.rest().starts_with(&self.syntax.delimiter)
    }

    /// The length of the line end here, if one is here.
    fn line_end(&self) -> Option<usize> {
        if !self.syntax.multi_line {
            return None;
        }
        match self.syntax.separator.bytes() {
            Some(bytes) => self.rest().starts_with(bytes).then_some(bytes.len()),
            None => match self.rest() {
                [b'\n', ..] => Some(1),
                [b'\r', b'\n', ..] => Some(2),
                [b'\r'] if !self.end_of_input => None,
                [b'\r', ..] => Some(1),
                _ => None,
            },
        }
    }

    fn at_end(&self) -> bool {
        self.at >= self.input.len() || self.at_delimiter() || self.line_end().is_some()
    }

    fn skip_blanks(&mut self) {
        while !self.at_end() && self.input.get(self.at).is_some_and(|b| *b <= b' ') {
            self.at += 1;
        }
    }

    fn field(&mut self) -> Result<(), Failure> {
        if self.syntax.trim_start {
            self.skip_blanks();
        }
        let quote = self.syntax.quote;
        let field = if quote.is_some() && self.input.get(self.at).copied() == quote && !self.at_end() {
            self.at += 1;
            let field = self.quoted(quote.unwrap_or(b'"'))?;
            self.plain_line_ends(field)
        } else {
            let start = self.at;
            let end = self.seek_end();
            Field::Plain(start, end)
        };
        if let (Some(limit), Field::Plain(start, end) | Field::Quoted(start, end)) =
            (self.syntax.max_column_chars, field)
            && end - start > limit
        {
            return Err(Failure::Fatal(
                "a field is longer than option 'maxCharsPerColumn' allows",
            ));
        }
        self.record.fields.push(field);
        Ok(())
    }

    /// Goes to the end of an unquoted field; returns where its text ends.
    fn seek_end(&mut self) -> usize {
        let start = self.at;
        let first = self.syntax.delimiter.first().copied().unwrap_or(b',');
        loop {
            let rest = self.input.get(self.at..).unwrap_or_default();
            let found = match (self.syntax.separator.bytes(), self.syntax.multi_line) {
                (_, false) => memchr::memchr(first, rest),
                (None, _) => memchr::memchr3(first, b'\n', b'\r', rest),
                (Some(s), _) => memchr::memchr2(first, s.first().copied().unwrap_or(b'\n'), rest),
            };
            self.at = found.map_or(self.input.len(), |i| self.at + i);
            if self.at_end() {
                break;
            }
            self.at += 1;
        }
        let mut end = self.at;
        if self.syntax.trim_end {
            while end > start && self.input.get(end - 1).is_some_and(|b| *b <= b' ') {
                end -= 1;
            }
        }
        end
    }

    /// Reads a quoted field from behind its opening quote.
    fn quoted(&mut self, quote: u8) -> Result<Field, Failure> {
        let start = self.record.text.len();
        let escape = self.syntax.escape;
        let special = escape.unwrap_or(quote);
        // The quote or escape just read whose meaning depends on what follows.
        let mut pending: Option<u8> = None;
        while let Some(byte) = self.input.get(self.at).copied() {
            let closing = pending == Some(quote);
            if closing && (byte <= b' ' || self.at_end()) {
                match self.after_quote(quote, start)? {
                    Some(field) => return Ok(field),
                    None => pending = None,
                }
                continue;
            }
            if byte != quote && Some(byte) != escape {
                if closing {
                    if let Some(field) = self.unescaped(quote, start, self.at)? {
                        return Ok(field);
                    }
                } else if let Some(escape) = pending {
                    self.record.text.push(escape);
                }
                self.plain_run(quote, special);
                pending = None;
                continue;
            }
            self.at += 1;
            pending = match pending {
                Some(p) if Some(p) == self.syntax.escape_escape && Some(byte) == escape => {
                    self.record.text.push(byte);
                    None
                }
                Some(p) if Some(p) == escape && byte == quote => {
                    self.record.text.push(quote);
                    None
                }
                Some(p) if Some(p) == escape => {
                    self.record.text.push(p);
                    Some(byte)
                }
                Some(_) if byte == quote => {
                    self.record.text.push(quote);
                    Some(quote)
                }
                Some(_) => {
                    self.at -= 1;
                    if let Some(field) = self.unescaped(quote, start, self.at)? {
                        return Ok(field);
                    }
                    None
                }
                None => Some(byte),
            };
        }
        if self.syntax.multi_line && !self.end_of_input {
            return Err(Failure::Incomplete);
        }
        if let Some(p) = pending.filter(|p| *p != quote) {
            self.record.text.push(p);
        }
        Ok(Field::Quoted(start, self.record.text.len()))
    }

    /// The line ends within a quoted field as `\n`, where the file told its line end itself.
    fn plain_line_ends(&mut self, field: Field) -> Field {
        let (LineSeparator::Detected(end), Field::Quoted(start, _)) = (&self.syntax.separator, field) else {
            return field;
        };
        let text = &mut self.record.text;
        let quoted = text.get(start..).unwrap_or_default();
        if *end == b"\n" || memchr::memmem::find(quoted, end).is_none() {
            return field;
        }
        let quoted = text.split_off(start);
        let mut rest = quoted.as_slice();
        while let Some(at) = memchr::memmem::find(rest, end) {
            text.extend_from_slice(rest.get(..at).unwrap_or_default());
            text.push(b'\n');
            rest = rest.get(at + end.len()..).unwrap_or_default();
        }
        text.extend_from_slice(rest);
        Field::Quoted(start, text.len())
    }

    /// Takes bytes that are neither quote nor escape.
    fn plain_run(&mut self, quote: u8, escape: u8) {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let len = memchr::memchr2(quote, escape, rest).unwrap_or(rest.len());
        let run = rest.get(..len).unwrap_or_default();
        self.record.text.extend_from_slice(run);
        self.at += len;
        // A separate character that makes the escape behind it plain.
        let other = self.syntax.escape_escape.filter(|x| *x != escape && *x != quote);
        if other.is_some() && run.last().copied() == other && rest.get(len).copied() == self.syntax.escape {
            self.record.text.pop();
            self.record.text.push(escape);
            self.at += 1;
        }
    }

    /// Behind a closing quote: blanks up to the end of the field are dropped; other text makes it unescaped.
    fn after_quote(&mut self, quote: u8, start: usize) -> Result<Option<Field>, Failure> {
        let blanks = self.at;
        self.skip_blanks();
        if self.at_end() {
            return Ok(Some(Field::Quoted(start, self.record.text.len())));
        }
        self.unescaped(quote, start, blanks)
    }

    /// An unescaped quote was found and the text from `from` on follows it.
    ///
    /// Returns the field if it ends here; none if it goes on as a quoted one.
    fn unescaped(&mut self, quote: u8, start: usize, from: usize) -> Result<Option<Field>, Failure> {
        match self.syntax.unescaped_quote {
            UnescapedQuote::RaiseError => Err(Failure::Fatal(
                "a quoted field has an unescaped quote (option 'unescapedQuoteHandling')",
            )),
            UnescapedQuote::SkipValue => {
                self.seek_end();
                Ok(Some(Field::Skipped))
            }
            UnescapedQuote::StopAtDelimiter => {
                self.at = from;
                let end = self.seek_end();
                let text = &mut self.record.text;
                text.insert(start, quote);
                text.push(quote);
                text.extend_from_slice(self.input.get(from..end).unwrap_or_default());
                Ok(Some(Field::Quoted(start, text.len())))
            }
            UnescapedQuote::StopAtClosingQuote => {
                self.record.text.push(quote);
                let blanks = self.input.get(from..self.at).unwrap_or_default();
                self.record.text.extend_from_slice(blanks);
                Ok(None)
            }
        }
    }
}
