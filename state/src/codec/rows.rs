//! Many encoded rows in one buffer.

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
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| self.data.get(start..*end).unwrap_or_default())
    }

    /// Adds a row.
    pub fn push(&mut self, row: &[u8]) {
        self.data.extend_from_slice(row);
        self.ends.push(self.data.len());
    }

    /// Removes all rows and keeps the room.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }
}
