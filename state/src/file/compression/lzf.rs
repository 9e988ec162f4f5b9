//! compress-lzf's chunks: `ZV`, a type, lengths, then stored bytes or an LZF block.
//!
//! ```text
//! 5a 56 00 | 2 length BE | bytes
//! 5a 56 01 | 2 compressed length BE | 2 length BE | LZF block
//! ```
//!
//! An LZF block is a sequence of literal runs (`000LLLLL`, L + 1 bytes follow) and back references (`LLLooooo oooooooo`,
//! with a length byte between when L is 7): copy L + 2 bytes from o + 1 bytes back.

use super::Damage;
use super::input::Input;
use crate::{Result, StateError};

const MAGIC: [u8; 2] = *b"ZV";
const STORED: u8 = 0;
const COMPRESSED: u8 = 1;

const MAX_LITERALS: usize = 32;
const MAX_OFFSET: usize = 1 << 13;
const MIN_MATCH: usize = 3;
/// The longest match: 7 in the control byte, 255 in the length byte, and 2.
const MAX_MATCH: usize = 7 + 255 + 2;
/// The length from which a length byte is needed.
const LONG_MATCH: usize = 7 + 2;
const HASH_BITS: u32 = 13;

pub(in crate::file) struct Compressor {
    /// Where a hash was last seen, plus one; 0 is nowhere.
    seen: Vec<u32>,
    scratch: Vec<u8>,
    out: Vec<u8>,
}

impl Compressor {
    pub(super) fn new() -> Self {
        Self {
            seen: vec![0; 1 << HASH_BITS],
            scratch: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(super) fn block(&mut self, block: &[u8]) -> Result<()> {
        self.scratch.clear();
        compress(block, &mut self.seen, &mut self.scratch);
        let too_long = |_| StateError::RowTooLong { bytes: block.len() };
        let length = u16::try_from(block.len()).map_err(too_long)?;
        self.out.extend_from_slice(&MAGIC);
        // The header of a compressed chunk is two bytes longer.
        if self.scratch.len().saturating_add(2) < block.len() {
            let compressed = u16::try_from(self.scratch.len()).map_err(too_long)?;
            self.out.push(COMPRESSED);
            self.out.extend_from_slice(&compressed.to_be_bytes());
            self.out.extend_from_slice(&length.to_be_bytes());
            self.out.extend_from_slice(&self.scratch);
        } else {
            self.out.push(STORED);
            self.out.extend_from_slice(&length.to_be_bytes());
            self.out.extend_from_slice(block);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }
}

fn hash(bytes: &[u8]) -> Option<(u32, usize)> {
    let [a, b, c] = *bytes.first_chunk::<MIN_MATCH>()?;
    let sequence = u32::from_be_bytes([0, a, b, c]);
    let hash = sequence.wrapping_mul(0x9e37_79b1) >> (u32::BITS - HASH_BITS);
    Some((sequence, usize::try_from(hash).ok()?))
}

fn compress(block: &[u8], seen: &mut [u32], out: &mut Vec<u8>) {
    seen.fill(0);
    let mut literals = 0;
    let mut position = 0_usize;
    while let Some((rest, (sequence, slot))) = block.get(position..).and_then(|r| Some((r, hash(r)?))) {
        let before = match seen.get_mut(slot) {
            Some(last) => std::mem::replace(last, u32::try_from(position + 1).unwrap_or_default()),
            None => 0,
        };
        let candidate = usize::try_from(before).unwrap_or_default().wrapping_sub(1);
        let matched = match block.get(candidate..) {
            Some(earlier)
                if position.wrapping_sub(candidate) <= MAX_OFFSET
                    && hash(earlier).is_some_and(|(same, _)| same == sequence) =>
            {
                let equal = earlier
                    .iter()
                    .zip(rest)
                    .take(MAX_MATCH)
                    .take_while(|(a, b)| a == b);
                equal.count()
            }
            _ => 0,
        };
        if matched < MIN_MATCH {
            position += 1;
            continue;
        }
        put_literals(block.get(literals..position).unwrap_or_default(), out);
        put_match(position - candidate - 1, matched, out);
        position += matched;
        literals = position;
    }
    put_literals(block.get(literals..).unwrap_or_default(), out);
}

fn put_literals(bytes: &[u8], out: &mut Vec<u8>) {
    for run in bytes.chunks(MAX_LITERALS) {
        out.push(u8::try_from(run.len().saturating_sub(1)).unwrap_or_default());
        out.extend_from_slice(run);
    }
}

fn put_match(offset: usize, length: usize, out: &mut Vec<u8>) {
    let [high, low] = u16::try_from(offset).unwrap_or_default().to_be_bytes();
    let short = u8::try_from(length.min(LONG_MATCH) - 2).unwrap_or_default();
    out.push(short << 5 | high);
    if length >= LONG_MATCH {
        out.push(u8::try_from(length - LONG_MATCH).unwrap_or_default());
    }
    out.push(low);
}

pub(in crate::file) struct Decompressor<'a> {
    input: Input<'a>,
}

impl<'a> Decompressor<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self {
            input: Input::new(content),
        }
    }

    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, Damage> {
        if self.input.is_empty() {
            return Ok(false);
        }
        let position = self.input.position_bytes();
        let expected = "the header of an lzf chunk";
        if *self.input.array::<2>(expected)? != MAGIC {
            return Err(Damage::corrupt(position, "expected the magic ZV"));
        }
        let [kind] = *self.input.array::<1>(expected)?;
        let first = usize::from(u16::from_be_bytes(*self.input.array(expected)?));
        match kind {
            STORED => out.extend_from_slice(self.input.take(first, "an lzf chunk")?),
            COMPRESSED => {
                let length = usize::from(u16::from_be_bytes(*self.input.array(expected)?));
                let chunk = self.input.take(first, "an lzf chunk")?;
                let start = out.len();
                let fits = decompress(chunk, out).is_some() && out.len() - start == length;
                if !fits {
                    return Err(Damage::corrupt(
                        position,
                        "lzf chunk: it does not decompress to its length",
                    ));
                }
            }
            other => {
                return Err(Damage::corrupt(
                    position,
                    format!("lzf chunk: unknown type {other}"),
                ));
            }
        }
        Ok(true)
    }
}

/// Appends what `chunk` stands for; `None` when it is no LZF block.
fn decompress(mut chunk: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    while let Some((&control, rest)) = chunk.split_first() {
        if usize::from(control) < MAX_LITERALS {
            let (literals, rest) = rest.split_at_checked(usize::from(control) + 1)?;
            out.extend_from_slice(literals);
            chunk = rest;
            continue;
        }
        let (mut length, mut rest) = (usize::from(control >> 5) + 2, rest);
        if length == LONG_MATCH {
            let (&more, after) = rest.split_first()?;
            length += usize::from(more);
            rest = after;
        }
        let (&low, rest) = rest.split_first()?;
        let offset = usize::from(u16::from_be_bytes([control & 0x1f, low])) + 1;
        let from = out.len().checked_sub(offset).filter(|from| *from >= start)?;
        if offset >= length {
            out.extend_from_within(from..from + length);
        } else {
            // The copy overlaps what it makes.
            for at in from..from + length {
                out.push(*out.get(at)?);
            }
        }
        chunk = rest;
    }
    Some(())
}
