//! One pass over a JSON text: its tokens on a flat tape, with the end of every container known.
//!
//! Nothing is copied: tokens point into the text. The tape lets a malformed record fail before any column
//! is touched, and lets unneeded values be stepped over. Jackson's rules, with its relaxations as options.

mod scan;

use scan::{identifier_end, number_end, string_end};

/// Which relaxations of JSON are accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    pub(crate) comments: bool,
    pub(crate) unquoted_field_names: bool,
    pub(crate) single_quotes: bool,
    pub(crate) numeric_leading_zeros: bool,
    pub(crate) non_numeric_numbers: bool,
    pub(crate) backslash_escaping_any_character: bool,
    pub(crate) unquoted_control_chars: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            comments: false,
            unquoted_field_names: false,
            single_quotes: true,
            numeric_leading_zeros: false,
            non_numeric_numbers: true,
            backslash_escaping_any_character: false,
            unquoted_control_chars: false,
        }
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    /// A string or field name without escapes; the span is inside the quotes.
    String,
    /// A string or field name with escapes.
    Escaped,
    Integer,
    /// A number with a fraction or an exponent.
    Decimal,
    /// `NaN`, `Infinity`, `-INF` and the like.
    NonNumeric,
    True,
    False,
    Null,
}

/// A token: bytes `start..end` of the text; `next` is the tape index after it and what it contains.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) next: u32,
}

/// The deepest nesting accepted, Jackson's limit.
const MAX_DEPTH: usize = 1000;

/// The largest text a tape can index.
pub(crate) const MAX_TEXT_BYTES: usize = 512 << 20;

/// The text is not JSON.
#[derive(Debug)]
pub(crate) struct Malformed;

/// The tokens of one JSON value; reused from record to record.
#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) tokens: Vec<Token>,
    /// Tape indexes of the open containers.
    open: Vec<u32>,
}

impl Tape {
    /// The token at `index`, if there is one.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<Token> {
        self.tokens.get(index).copied()
    }

    /// Reads the first value of `text`. What follows it is not looked at, as in Spark.
    ///
    /// Returns the number of bytes read, 0 if there was no value.
    pub(crate) fn read(&mut self, text: &[u8], syntax: &Syntax) -> Result<usize, Malformed> {
        self.tokens.clear();
        self.open.clear();
        if text.len() > MAX_TEXT_BYTES {
            return Err(Malformed);
        }
        let bom = usize::from(text.starts_with(b"\xef\xbb\xbf")) * 3;
        let mut reader = Reader {
            tape: self,
            text,
            syntax,
            at: bom,
        };
        reader.skip_blanks()?;
        if reader.peek().is_none() {
            return Ok(0);
        }
        reader.value()?;
        while !reader.tape.open.is_empty() {
            reader.member()?;
        }
        Ok(reader.at)
    }
}

struct Reader<'a> {
    tape: &'a mut Tape,
    text: &'a [u8],
    syntax: &'a Syntax,
    at: usize,
}

impl Reader<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn skip_blanks(&mut self) -> Result<(), Malformed> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.syntax.comments => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), Malformed> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(b"//") {
            self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            return Ok(());
        }
        if !rest.starts_with(b"/*") {
            return Err(Malformed);
        }
        let end = memchr::memmem::find(rest.get(2..).unwrap_or_default(), b"*/").ok_or(Malformed)?;
        self.at += end + 4;
        Ok(())
    }

    #[inline]
    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.tape.tokens.len() as u32 + 1;
        self.tape.tokens.push(Token {
            kind,
            start: start as u32,
            end: end as u32,
            next,
        });
    }

    /// Reads a scalar, or opens a container.
    #[inline]
    fn value(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        match self.peek().ok_or(Malformed)? {
            b'"' => self.string(b'"'),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => self.open(Kind::Object),
            b'[' => self.open(Kind::Array),
            b't' => self.word(b"true", Kind::True, start),
            b'f' => self.word(b"false", Kind::False, start),
            b'n' => self.word(b"null", Kind::Null, start),
            b'\'' if self.syntax.single_quotes => self.string(b'\''),
            b'N' | b'I' | b'+' => self.non_numeric(),
            _ => Err(Malformed),
        }
    }

    fn open(&mut self, kind: Kind) -> Result<(), Malformed> {
        if self.tape.open.len() >= MAX_DEPTH {
            return Err(Malformed);
        }
        self.tape.open.push(self.tape.tokens.len() as u32);
        self.push(kind, self.at, self.at);
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        let next = self.tape.tokens.len() as u32;
        if let Some(index) = self.tape.open.pop()
            && let Some(token) = self.tape.tokens.get_mut(index as usize)
        {
            token.end = self.at as u32;
            token.next = next;
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind, start: usize) -> Result<(), Malformed> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let continues = rest
            .get(word.len())
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        if !rest.starts_with(word) || continues {
            return Err(Malformed);
        }
        self.at += word.len();
        self.push(kind, start, self.at);
        Ok(())
    }

    #[inline]
    fn string(&mut self, quote: u8) -> Result<(), Malformed> {
        let start = self.at + 1;
        let (end, escaped) = string_end(self.text, start, quote, self.syntax).ok_or(Malformed)?;
        self.push(if escaped { Kind::Escaped } else { Kind::String }, start, end);
        self.at = end + 1;
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(), Malformed> {
        match number_end(self.text, self.at, self.syntax.numeric_leading_zeros) {
            Some((end, kind)) => {
                self.push(kind, self.at, end);
                self.at = end;
                Ok(())
            }
            None => self.non_numeric(),
        }
    }

    fn non_numeric(&mut self) -> Result<(), Malformed> {
        const WORDS: [&[u8]; 6] = [b"NaN", b"Infinity", b"+INF", b"-INF", b"+Infinity", b"-Infinity"];
        if !self.syntax.non_numeric_numbers {
            return Err(Malformed);
        }
        let start = self.at;
        WORDS
            .iter()
            .find_map(|word| self.word(word, Kind::NonNumeric, start).ok())
            .ok_or(Malformed)
    }

    fn field_name(&mut self) -> Result<(), Malformed> {
        match self.peek().ok_or(Malformed)? {
            b'"' => self.string(b'"')?,
            b'\'' if self.syntax.single_quotes => self.string(b'\'')?,
            _ if self.syntax.unquoted_field_names => {
                let end = identifier_end(self.text, self.at).ok_or(Malformed)?;
                self.push(Kind::String, self.at, end);
                self.at = end;
            }
            _ => return Err(Malformed),
        }
        self.skip_blanks()?;
        if self.peek() != Some(b':') {
            return Err(Malformed);
        }
        self.at += 1;
        self.skip_blanks()
    }

    /// One step inside the innermost open container: its next member or its end.
    #[inline]
    fn member(&mut self) -> Result<(), Malformed> {
        let container = self.tape.open.last().copied().ok_or(Malformed)? as usize;
        let kind = self.tape.get(container).ok_or(Malformed)?.kind;
        let first = container + 1 == self.tape.tokens.len();
        self.skip_blanks()?;
        let end = if kind == Kind::Object { b'}' } else { b']' };
        if self.peek() == Some(end) {
            self.close();
            return Ok(());
        }
        if !first {
            if self.peek() != Some(b',') {
                return Err(Malformed);
            }
            self.at += 1;
            self.skip_blanks()?;
        }
        if kind == Kind::Object {
            self.field_name()?;
        }
        self.value()
    }
}
