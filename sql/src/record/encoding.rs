//! The character sets that record files may have besides UTF-8: from their bytes to UTF-8, and back.

use super::RecordError;

/// A character set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; bytes stay as they are.
    #[default]
    Utf8,
    /// US-ASCII; what is beyond becomes a byte that UTF-8 never has.
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// UTF-16 with the high byte first, unless a mark at the start says otherwise.
    Utf16,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// UTF-32 with the high byte first, unless a mark at the start says otherwise.
    Utf32,
    /// What the first four bytes of a JSON text, which begins with two ASCII characters, say.
    Json,
}

impl Encoding {
    /// The set that Spark calls so.
    pub(crate) fn parse(option: &str, name: &str) -> Result<Self, RecordError> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "utf-8" => Self::Utf8,
            "us-ascii" => Self::Ascii,
            "iso-8859-1" => Self::Latin1,
            "utf-16" => Self::Utf16,
            "utf-16le" => Self::Utf16Le,
            "utf-16be" => Self::Utf16Be,
            "utf-32" => Self::Utf32,
            _ => {
                return Err(RecordError::Charset {
                    option: option.to_owned(),
                    value: name.to_owned(),
                });
            }
        })
    }

    /// Whether a character of ASCII takes one byte, so that lines can be told before decoding.
    pub(crate) fn is_single_byte(self) -> bool {
        matches!(self, Self::Utf8 | Self::Ascii | Self::Latin1)
    }

    /// What a file in this set begins with when it is written.
    pub(super) fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf16 => b"\xfe\xff",
            _ => b"",
        }
    }

    /// Appends the bytes of a text, high bytes first where the set leaves it open; a character that the set lacks becomes `?`.
    pub(super) fn append(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Utf8 | Self::Json => out.extend_from_slice(text.as_bytes()),
            Self::Ascii => out.extend(text.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' })),
            Self::Latin1 => out.extend(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?'))),
            Self::Utf16Le => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::Utf16 | Self::Utf16Be => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Self::Utf32 => out.extend(text.chars().flat_map(|c| u32::from(c).to_be_bytes())),
        }
    }

    /// The bytes of a text; none where the set lacks one of its characters, or leaves the order of bytes to a mark.
    pub(crate) fn bytes_of(self, text: &str) -> Option<Vec<u8>> {
        let has_all = match self {
            Self::Utf16 | Self::Utf32 => false,
            Self::Ascii => text.is_ascii(),
            Self::Latin1 => text.chars().all(|c| u8::try_from(c).is_ok()),
            Self::Utf8 | Self::Utf16Le | Self::Utf16Be | Self::Json => true,
        };
        let mut bytes = Vec::new();
        self.append(text, &mut bytes);
        has_all.then_some(bytes)
    }
}

/// How the bytes of one file are grouped into characters.
#[derive(Clone, Copy, Debug)]
enum Form {
    Utf8,
    Ascii,
    Latin1,
    /// Units of so many bytes; whether the low byte is first.
    Units(usize, bool),
}

/// Turns the bytes of one file, piece by piece, into UTF-8.
#[derive(Debug)]
pub struct Transcoder {
    encoding: Encoding,
    form: Option<Form>,
    /// Bytes that are not yet a whole character.
    pending: Vec<u8>,
}

impl Transcoder {
    /// For one file.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            form: None,
            pending: Vec::new(),
        }
    }

    /// Appends the text of the next bytes to `out`; what is no character becomes U+FFFD.
    pub fn push(&mut self, input: &[u8], end_of_input: bool, out: &mut Vec<u8>) {
        self.pending.extend_from_slice(input);
        if self.form.is_none() && self.pending.len() < 4 && !end_of_input {
            return;
        }
        let (form, mark) = match self.form {
            Some(form) => (form, 0),
            None => form_of(self.encoding, &self.pending),
        };
        self.form = Some(form);
        let bytes = self.pending.get(mark..).unwrap_or_default();
        let taken = match form {
            Form::Utf8 => {
                out.extend_from_slice(bytes);
                bytes.len()
            }
            Form::Ascii => {
                out.extend(bytes.iter().map(|b| if b.is_ascii() { *b } else { 0xff }));
                bytes.len()
            }
            Form::Latin1 => {
                bytes.iter().for_each(|b| push_char(char::from(*b), out));
                bytes.len()
            }
            Form::Units(2, low_first) => utf16(bytes, low_first, end_of_input, out),
            Form::Units(_, low_first) => utf32(bytes, low_first, out),
        };
        self.pending.drain(..mark + taken);
        if end_of_input && !self.pending.is_empty() {
            self.pending.clear();
            push_char(char::REPLACEMENT_CHARACTER, out);
        }
    }
}

fn push_char(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The form of a file that starts so, and the length of the mark at its start.
fn form_of(encoding: Encoding, start: &[u8]) -> (Form, usize) {
    match encoding {
        Encoding::Utf8 => (Form::Utf8, 0),
        Encoding::Ascii => (Form::Ascii, 0),
        Encoding::Latin1 => (Form::Latin1, 0),
        Encoding::Utf16Le => (Form::Units(2, true), 0),
        Encoding::Utf16Be => (Form::Units(2, false), 0),
        Encoding::Utf16 => match start {
            [0xff, 0xfe, ..] => (Form::Units(2, true), 2),
            [0xfe, 0xff, ..] => (Form::Units(2, false), 2),
            _ => (Form::Units(2, false), 0),
        },
        Encoding::Utf32 => match start {
            [0xff, 0xfe, 0, 0, ..] => (Form::Units(4, true), 4),
            [0, 0, 0xfe, 0xff, ..] => (Form::Units(4, false), 4),
            _ => (Form::Units(4, false), 0),
        },
        Encoding::Json => match start {
            [0, 0, 0xfe, 0xff, ..] => (Form::Units(4, false), 4),
            [0xff, 0xfe, 0, 0, ..] => (Form::Units(4, true), 4),
            [0xfe, 0xff, ..] => (Form::Units(2, false), 2),
            [0xff, 0xfe, ..] => (Form::Units(2, true), 2),
            [0, 0, 0, _, ..] => (Form::Units(4, false), 0),
            [_, 0, 0, 0, ..] => (Form::Units(4, true), 0),
            [0, _, ..] => (Form::Units(2, false), 0),
            [_, 0, ..] => (Form::Units(2, true), 0),
            _ => (Form::Utf8, 0),
        },
    }
}

/// Decodes whole characters; returns the bytes taken.
fn utf16(bytes: &[u8], low_first: bool, end_of_input: bool, out: &mut Vec<u8>) -> usize {
    let (pairs, _) = bytes.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| match low_first {
        true => u16::from_le_bytes(*pair),
        false => u16::from_be_bytes(*pair),
    };
    // The second half of a character may still come.
    let cut = pairs
        .last()
        .is_some_and(|pair| (0xd800..0xdc00).contains(&unit(pair)));
    let whole = pairs.len() - usize::from(cut && !end_of_input);
    for c in char::decode_utf16(pairs.iter().take(whole).map(unit)) {
        push_char(c.unwrap_or(char::REPLACEMENT_CHARACTER), out);
    }
    whole * 2
}

fn utf32(bytes: &[u8], low_first: bool, out: &mut Vec<u8>) -> usize {
    let (units, _) = bytes.as_chunks::<4>();
    for unit in units {
        let code = match low_first {
            true => u32::from_le_bytes(*unit),
            false => u32::from_be_bytes(*unit),
        };
        push_char(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), out);
    }
    units.len() * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, bytes: &[u8], step: usize) -> String {
        let mut transcoder = Transcoder::new(encoding);
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            transcoder.push(piece, false, &mut out);
        }
        transcoder.push(&[], true, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_text_is_the_same_in_every_set_however_it_is_cut() {
        let text = "{\"k\":\"é😀\"}";
        let wide = |low: bool| -> Vec<u8> {
            let units = text.chars().map(u32::from);
            units
                .flat_map(|u| if low { u.to_le_bytes() } else { u.to_be_bytes() })
                .collect()
        };
        let bytes = |encoding: Encoding| encoding.bytes_of(text).unwrap();
        let with = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        let low = bytes(Encoding::Utf16Le);
        let high = bytes(Encoding::Utf16Be);
        for (encoding, bytes) in [
            (Encoding::Utf8, text.as_bytes().to_vec()),
            (Encoding::Utf16Le, low.clone()),
            (Encoding::Utf16Be, high.clone()),
            (Encoding::Utf16, high.clone()),
            (Encoding::Utf16, with(&[0xff, 0xfe], low.clone())),
            (Encoding::Utf16, with(&[0xfe, 0xff], high.clone())),
            (Encoding::Utf32, wide(false)),
            (Encoding::Utf32, with(&[0xff, 0xfe, 0, 0], wide(true))),
            (Encoding::Json, text.as_bytes().to_vec()),
            (Encoding::Json, low),
            (Encoding::Json, high),
            (Encoding::Json, wide(true)),
            (Encoding::Json, wide(false)),
        ] {
            for step in 1..8 {
                assert_eq!(decoded(encoding, &bytes, step), text, "{encoding:?} by {step}");
            }
        }
    }

    #[test]
    fn what_is_no_character_is_marked() {
        assert_eq!(decoded(Encoding::Latin1, b"caf\xe9", 1), "café");
        assert_eq!(decoded(Encoding::Ascii, b"caf\xe9", 1), "caf\u{fffd}");
        assert_eq!(decoded(Encoding::Utf16Le, b"a\0\x00\xd8b\0", 3), "a\u{fffd}b");
        assert_eq!(decoded(Encoding::Utf16Le, b"a\0b", 3), "a\u{fffd}");
        assert_eq!(decoded(Encoding::Utf32, b"\0\x11\0\0", 3), "\u{fffd}");
        assert_eq!(decoded(Encoding::Json, b"1", 1), "1");
    }
}
