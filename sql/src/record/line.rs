//! Cutting input into lines.

/// What ends a line.
#[derive(Clone, Debug, Default)]
pub(crate) enum LineSeparator {
    /// `\n`, `\r` or `\r\n`, mixed as they come.
    #[default]
    Any,
    /// Exactly these bytes.
    Bytes(Vec<u8>),
    /// These bytes, which the file's first line has.
    Detected(&'static [u8]),
}

/// A line at the front of some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The bytes of the line without its separator.
    pub(crate) len: usize,
    /// The bytes of the line with its separator.
    pub(crate) consumed: usize,
}

impl LineSeparator {
    pub(crate) fn new(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::Any, Self::Bytes)
    }

    /// The bytes, unless any line end is one.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Any => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::Detected(bytes) => Some(bytes),
        }
    }

    /// The separator of a file that begins so: its first line end, wherever that stands. None if more must be read.
    pub(crate) fn detect(input: &[u8], end_of_input: bool) -> Option<Self> {
        let at = memchr::memchr2(b'\n', b'\r', input);
        match at.and_then(|at| input.get(at..)) {
            Some([b'\n', ..]) => Some(Self::Detected(b"\n")),
            Some([_, b'\n', ..]) => Some(Self::Detected(b"\r\n")),
            Some([_]) | None if !end_of_input => None,
            Some(_) => Some(Self::Detected(b"\r")),
            None => Some(Self::Any),
        }
    }

    /// The first line of `input`, or none if its end is not there yet. The last line needs no separator.
    pub(crate) fn next(&self, input: &[u8], end_of_input: bool) -> Option<Line> {
        let found = match self.bytes() {
            None => match memchr::memchr2(b'\n', b'\r', input) {
                Some(at) if input.get(at) == Some(&b'\n') => Some((at, 1)),
                Some(at) => match input.get(at + 1) {
                    Some(b'\n') => Some((at, 2)),
                    Some(_) => Some((at, 1)),
                    // More bytes may show that a line feed belongs to this separator.
                    None if end_of_input => Some((at, 1)),
                    None => return None,
                },
                None => None,
            },
            Some(separator) => memchr::memmem::find(input, separator).map(|at| (at, separator.len())),
        };
        match found {
            Some((len, separator)) => Some(Line {
                len,
                consumed: len + separator,
            }),
            None if end_of_input && !input.is_empty() => Some(Line {
                len: input.len(),
                consumed: input.len(),
            }),
            None => None,
        }
    }
}
