//! A file that is being taken apart from its beginning.

use super::Damage;

/// What of a file is still to be read.
pub(super) struct Input<'a> {
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self {
            content,
            rest: content,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes have been taken.
    pub(super) fn position_bytes(&self) -> usize {
        self.content.len() - self.rest.len()
    }

    pub(super) fn take(&mut self, bytes: usize, expected: &'static str) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or(Damage::torn(self.content.len(), expected))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, expected: &'static str) -> Result<&'a [u8; N], Damage> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Damage::torn(self.content.len(), expected))?;
        self.rest = rest;
        Ok(taken)
    }
}
