//! Java's strings in files: a big-endian length of two bytes and modified UTF-8, and texts in chunks of these.
//!
//! Modified UTF-8 writes NUL as two bytes and a character above U+FFFF as its two surrogates, three bytes each.

use tidemill_checkpoint::CheckpointError;

use crate::{Result, StateError};

/// The most bytes that one string can have.
const MAX_BYTES: usize = 0xffff;

/// Adds a string; one that is too long is an error.
pub(super) fn put_utf(text: &str, out: &mut Vec<u8>) -> Result<()> {
    let mut encoded = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        put_unit(unit, &mut encoded);
    }
    put_encoded(&encoded, out)
}

/// Adds a text as the number of its chunks and the chunks, each as long as possible.
pub(super) fn put_chunks(text: &str, out: &mut Vec<u8>) -> Result<()> {
    let mut chunks = vec![Vec::new()];
    let mut unit_bytes = Vec::with_capacity(3);
    for unit in text.encode_utf16() {
        unit_bytes.clear();
        put_unit(unit, &mut unit_bytes);
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + unit_bytes.len() <= MAX_BYTES => {
                chunk.extend_from_slice(&unit_bytes)
            }
            _ => chunks.push(unit_bytes.clone()),
        }
    }
    let count = i32::try_from(chunks.len()).map_err(|_| StateError::RowTooLong { bytes: text.len() })?;
    out.extend_from_slice(&count.to_be_bytes());
    for chunk in &chunks {
        put_encoded(chunk, out)?;
    }
    Ok(())
}

fn put_encoded(encoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let bytes = encoded.len();
    let length = u16::try_from(bytes).map_err(|_| StateError::RowTooLong { bytes })?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(encoded);
    Ok(())
}

fn put_unit(unit: u16, out: &mut Vec<u8>) {
    let [high, low] = unit.to_be_bytes();
    let last = 0x80 | (low & 0x3f);
    let middle = (high << 2 | low >> 6) & 0x3f;
    match unit {
        0x01..=0x7f => out.push(low),
        0..=0x7ff => out.extend_from_slice(&[0xc0 | middle, last]),
        _ => out.extend_from_slice(&[0xe0 | high >> 4, 0x80 | middle, last]),
    }
}

/// Takes a file of Java's data output apart; `path` is for messages.
pub(super) struct Input<'a> {
    path: &'a str,
    size_bytes: usize,
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn new(path: &'a str, content: &'a [u8]) -> Self {
        Self {
            path,
            size_bytes: content.len(),
            rest: content,
        }
    }

    pub(super) fn int(&mut self, expected: &str) -> Result<i32> {
        self.array(expected).map(i32::from_be_bytes)
    }

    pub(super) fn short(&mut self, expected: &str) -> Result<i16> {
        self.array(expected).map(i16::from_be_bytes)
    }

    pub(super) fn utf(&mut self, expected: &str) -> Result<String> {
        let units = self.units(expected)?;
        self.decode(&units, expected)
    }

    /// A text in chunks.
    pub(super) fn chunks(&mut self, expected: &str) -> Result<String> {
        let count = self.int(expected)?;
        if count < 0 {
            return Err(self.malformed(expected, format!("{count} chunks")));
        }
        let mut units = Vec::new();
        for _ in 0..count {
            units.extend(self.units(expected)?);
        }
        self.decode(&units, expected)
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.malformed("the end of the file", format!("{} more bytes", self.rest.len())))
    }

    pub(super) fn malformed(&self, expected: &str, found: String) -> StateError {
        CheckpointError::Malformed {
            path: self.path.to_owned(),
            expected: expected.to_owned(),
            found,
            reason: format!("before byte {}", self.size_bytes - self.rest.len()),
        }
        .into()
    }

    fn torn(&self, expected: &str) -> StateError {
        CheckpointError::Torn {
            path: self.path.to_owned(),
            expected: expected.to_owned(),
            found: format!("{} bytes", self.size_bytes),
        }
        .into()
    }

    fn array<const N: usize>(&mut self, expected: &str) -> Result<[u8; N]> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.torn(expected))?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn units(&mut self, expected: &str) -> Result<Vec<u16>> {
        let length = usize::from(self.array(expected).map(u16::from_be_bytes)?);
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.torn(expected))?;
        self.rest = rest;
        units_of(text).ok_or_else(|| self.malformed(expected, "bytes that are no modified UTF-8".to_owned()))
    }

    fn decode(&self, units: &[u16], expected: &str) -> Result<String> {
        String::from_utf16(units).map_err(|error| self.malformed(expected, error.to_string()))
    }
}

fn units_of(mut text: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(text.len());
    while let Some((&first, rest)) = text.split_first() {
        let more = match first {
            0x00..=0x7f => 0,
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            _ => return None,
        };
        let (tail, rest) = rest.split_at_checked(more)?;
        let lead = match more {
            0 => first,
            1 => first & 0x1f,
            _ => first & 0x0f,
        };
        let mut unit = u16::from(lead);
        for byte in tail {
            if byte & 0xc0 != 0x80 {
                return None;
            }
            unit = unit << 6 | u16::from(byte & 0x3f);
        }
        units.push(unit);
        text = rest;
    }
    Some(units)
}
