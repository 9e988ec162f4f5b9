//! Distinct rows, numbered in the order in which they came.

use std::hint::black_box;

use super::BLOCK_ROWS;
use super::index::hash;
use super::slots::{KeptHash, Slot, SlotArray};
use crate::codec::Rows;
use crate::error::{Result, StateError};

/// Distinct rows, numbered in the order in which they came.
#[derive(Debug, Default)]
pub struct RowSet {
    rows: Rows,
    numbers: SlotArray,
}

impl RowSet {
    /// The rows, each once.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The number of each row; a row that was not there is added.
    ///
    /// # Errors
    /// More than 2^32 rows.
    pub fn intern(&mut self, rows: &Rows) -> Result<Vec<usize>> {
        let mut numbers = Vec::with_capacity(rows.len());
        let mut block = Vec::with_capacity(BLOCK_ROWS);
        let mut rows = rows.iter();
        loop {
            block.clear();
            block.extend(rows.by_ref().take(BLOCK_ROWS));
            if block.is_empty() {
                return Ok(numbers);
            }
            self.intern_block(&block, &mut numbers)?;
        }
    }

    /// As a store finds a block of keys: each loop asks memory for what does not depend on one another.
    fn intern_block(&mut self, block: &[&[u8]], numbers: &mut Vec<usize>) -> Result<()> {
        let mut hashes = [KeptHash::of(0); BLOCK_ROWS];
        let mut homes = [Slot::EMPTY; BLOCK_ROWS];
        for (kept, row) in hashes.iter_mut().zip(block) {
            *kept = KeptHash::of(hash(row));
        }
        for (home, hash) in homes.iter_mut().zip(hashes).take(block.len()) {
            *home = self.numbers.home_of(hash);
        }
        let mut sum = 0;
        for (home, hash) in homes.iter().zip(hashes).take(block.len()) {
            let row = home.number(hash).map(|number| self.rows.row(number as usize));
            sum ^= row.and_then(|row| row.first()).copied().unwrap_or_default();
        }
        black_box(sum);
        for (row, hash) in block.iter().zip(hashes) {
            let known = self
                .numbers
                .find(hash, |number| self.rows.row(number as usize) == *row);
            let number = match known {
                Some(number) => number as usize,
                None => self.add(row, hash)?,
            };
            numbers.push(number);
        }
        Ok(())
    }

    fn add(&mut self, row: &[u8], hash: KeptHash) -> Result<usize> {
        let number = self.rows.len();
        let Ok(slot) = u32::try_from(number) else {
            return Err(StateError::TooManyRows { rows: number });
        };
        self.rows.push(row);
        self.numbers.insert(hash, slot);
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_the_number_it_got_first() {
        let mut set = RowSet::default();
        let mut rows = Rows::default();
        let text = |number: usize| format!("row {}", number % 5000).into_bytes();
        for number in 0..20_000 {
            rows.push(&text(number));
        }
        let numbers = set.intern(&rows).unwrap();
        let expected: Vec<usize> = (0..20_000).map(|number| number % 5000).collect();
        assert_eq!(numbers, expected);
        let mut later = Rows::default();
        later.push(b"another");
        later.push(&text(17));
        assert_eq!(set.intern(&later).unwrap(), [5000, 17]);
        assert_eq!(set.rows().len(), 5001);
        assert_eq!(set.rows().row(17), text(17));
    }
}
