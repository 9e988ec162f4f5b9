//! Many encoded rows in one buffer.

use std::slice;

/// Encoded rows, one after the other in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    data: Vec<u8>,
    /// The end of each row in `data`.
    ends: Vec<usize>,
}

impl Rows {
    /// No rows, with room for `rows` rows of `bytes` bytes in all.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self {
            data: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(rows),
        }
    }

    /// Rows one after the other in `data`, each until its end.
    pub(crate) fn from_parts(data: Vec<u8>, ends: Vec<usize>) -> Self {
        Self { data, ends }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of a row; empty when there is no such row.
    pub fn row(&self, index: usize) -> &[u8] {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.data.get(start..end).unwrap_or_default()
    }

    /// All rows in order.
    pub fn iter(&self) -> RowsIter<'_> {
        RowsIter {
            data: &self.data,
            start: 0,
            ends: self.ends.iter(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: &[u8]) {
        self.data.extend_from_slice(row);
        self.ends.push(self.data.len());
    }

    /// Makes room for as many rows and bytes as `other` has.
    pub(crate) fn reserve(&mut self, other: &Self) {
        self.data.reserve(other.data.len());
        self.ends.reserve(other.ends.len());
    }

    /// Removes all rows and keeps the room.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    /// Adds rows of zeros with these sizes; gives the buffer of all rows and where the first new one starts.
    pub(super) fn push_zeroed(&mut self, sizes: &[usize]) -> (&mut [u8], usize) {
        let first = self.data.len();
        let mut end = first;
        self.ends.extend(sizes.iter().map(|size| {
            end += size;
            end
        }));
        self.data.resize(end, 0);
        (&mut self.data, first)
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = &'a [u8];
    type IntoIter = RowsIter<'a>;

    fn into_iter(self) -> RowsIter<'a> {
        self.iter()
    }
}

/// The rows of [`Rows`], in order.
#[derive(Clone, Debug)]
pub struct RowsIter<'a> {
    data: &'a [u8],
    /// Where the next row starts.
    start: usize,
    ends: slice::Iter<'a, usize>,
}

impl<'a> Iterator for RowsIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = *self.ends.next()?;
        let row = self.data.get(self.start..end).unwrap_or_default();
        self.start = end;
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for RowsIter<'_> {}

impl<'a> DoubleEndedIterator for RowsIter<'a> {
    fn next_back(&mut self) -> Option<&'a [u8]> {
        let end = *self.ends.next_back()?;
        let start = self.ends.as_slice().last().copied().unwrap_or(self.start);
        Some(self.data.get(start..end).unwrap_or_default())
    }
}
