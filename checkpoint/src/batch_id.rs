//! The number of a micro-batch: 0 for the first one, then without gaps.

use std::fmt;

/// The id of a micro-batch, as it stands in file names (plain decimal, no padding).
///
/// Log entries of sources, which Spark numbers apart from the query's batches, use the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(u64);

impl BatchId {
    /// The first batch of a query.
    pub const FIRST: Self = Self(0);

    /// The batch with this number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The batch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The id that a file name stands for; none for anything but a plain decimal number without padding.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let padded = name.len() > 1 && name.starts_with('0');
        let digits = !padded && name.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| name.parse().ok().map(Self)).flatten()
    }

    /// The batch before this one; none before the first.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
