//! Distinct rows, each with a number.

use std::hint::black_box;

use super::BLOCK_ROWS;
use super::key::{hash, is_same};
use super::slots::{KeptHash, Slot};
use super::table::KeyTable;
use crate::codec::{Rows, RowsIter};
use crate::error::{Result, StateError};

/// From so many rows on, the order in which they are looked up matters: their tables and rows leave the nearest caches.
const ROWS_WORTH_ORDERING: usize = 16 * 1024;
/// How many classes there are by the hash bits that choose a key's table, the same in every set and store: so many that one
/// class of a million keys fits a near cache, so few that rows are dealt out to all of them at once.
const CLASSES: u8 = 64;

/// Rows with their hashes.
type Block<'r> = Vec<(u64, &'r [u8])>;

/// Distinct rows, each with a number.
#[derive(Debug, Default)]
pub struct RowSet {
    rows: Rows,
    numbers: KeyTable,
}

impl RowSet {
    /// The rows, each once.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The number of each row; a row that was not there is added. Of many rows those that come near one another in a
    /// store get numbers that are near one another; a few are numbered as they come.
    ///
    /// # Errors
    /// More than 2^32 rows.
    pub fn intern(&mut self, rows: &Rows) -> Result<Vec<u32>> {
        let count = rows.len();
        let places = 0..u32::try_from(count).map_err(|_| StateError::TooManyRows { rows: count })?;
        let mut numbers = vec![0; count];
        if count < ROWS_WORTH_ORDERING {
            self.intern_in_order(rows, places, &mut numbers)?;
            return Ok(numbers);
        }
        if self.rows.is_empty() {
            self.numbers = KeyTable::split_by(CLASSES.ilog2(), count);
        }
        self.rows.reserve(rows);
        let classes: Vec<u8> = rows.iter().map(class_of).collect();
        // A file of a store comes in the store's order, but for the new keys behind the others.
        let breaks = classes.windows(2).filter(|pair| !pair.is_sorted()).count();
        if breaks < usize::from(CLASSES) {
            self.intern_in_order(rows, places, &mut numbers)?;
        } else {
            let (rows, places) = by_class(rows, &classes, places);
            self.intern_in_order(&rows, places.into_iter(), &mut numbers)?;
        }
        Ok(numbers)
    }

    /// The number of each row at its place.
    fn intern_in_order(
        &mut self,
        rows: &Rows,
        mut places: impl Iterator<Item = u32>,
        numbers: &mut [u32],
    ) -> Result<()> {
        let mut rows = rows.iter();
        let mut block = Block::with_capacity(BLOCK_ROWS);
        while next_block(&mut rows, &mut block) {
            self.warm(&block);
            for ((hash, row), place) in block.iter().zip(&mut places) {
                let number = match self.find(*hash, row) {
                    Some(number) => number,
                    None => self.add(row, *hash)?,
                };
                if let Some(slot) = numbers.get_mut(place as usize) {
                    *slot = number;
                }
            }
        }
        Ok(())
    }

    /// Whether each row is there.
    pub fn contains(&self, rows: &Rows) -> Vec<bool> {
        let mut are_there = Vec::with_capacity(rows.len());
        let mut rows = rows.iter();
        let mut block = Block::with_capacity(BLOCK_ROWS);
        while next_block(&mut rows, &mut block) {
            self.warm(&block);
            let found = block.iter().map(|(hash, row)| self.find(*hash, row).is_some());
            are_there.extend(found);
        }
        are_there
    }

    /// As a store finds a block of keys: each loop asks memory for what does not depend on one another.
    fn warm(&self, block: &Block<'_>) {
        let mut homes = [Slot::EMPTY; BLOCK_ROWS];
        for (home, (hash, _)) in homes.iter_mut().zip(block) {
            *home = self.numbers.home_of(*hash);
        }
        let mut sum = 0;
        for (home, (hash, _)) in homes.iter().zip(block) {
            let number = home.number(KeptHash::of(*hash));
            let row = number.map(|number| self.rows.row(number as usize));
            sum ^= row.and_then(|row| row.first()).copied().unwrap_or_default();
        }
        black_box(sum);
    }

    fn find(&self, hash: u64, row: &[u8]) -> Option<u32> {
        self.numbers
            .find(hash, |number| is_same(self.rows.row(number as usize), row))
    }

    fn add(&mut self, row: &[u8], hash: u64) -> Result<u32> {
        let number = self.rows.len();
        let number = u32::try_from(number).map_err(|_| StateError::TooManyRows { rows: number })?;
        self.rows.push(row);
        self.numbers.insert(hash, number);
        Ok(number)
    }
}

/// Takes the next rows for a block; `false` when there are none.
fn next_block<'r>(rows: &mut RowsIter<'r>, block: &mut Block<'r>) -> bool {
    block.clear();
    block.extend(rows.take(BLOCK_ROWS).map(|row| (hash(row), row)));
    !block.is_empty()
}

/// The class of a row.
fn class_of(row: &[u8]) -> u8 {
    let [low, ..] = KeptHash::of(hash(row)).bits().to_le_bytes();
    low % CLASSES
}

/// The rows, gathered by class, each with its place. They are copied, because to follow the classes through rows that stay
/// where they are would cost a wait for memory at each.
fn by_class(rows: &Rows, classes: &[u8], places: impl Iterator<Item = u32>) -> (Rows, Vec<u32>) {
    /// Where the next row of a class goes.
    #[derive(Clone, Copy, Default)]
    struct Next {
        row: usize,
        byte: usize,
    }
    let mut next = [Next::default(); CLASSES as usize];
    for (row, class) in rows.iter().zip(classes) {
        if let Some(next) = next.get_mut(usize::from(*class)) {
            next.row += 1;
            next.byte += row.len();
        }
    }
    let mut start = Next::default();
    for next in &mut next {
        let size = std::mem::replace(next, start);
        start.row += size.row;
        start.byte += size.byte;
    }
    let (mut data, mut ends) = (vec![0; start.byte], vec![0; start.row]);
    let mut ordered_places = vec![0; start.row];
    for ((row, class), place) in rows.iter().zip(classes).zip(places) {
        let Some(next) = next.get_mut(usize::from(*class)) else {
            continue;
        };
        let end = next.byte + row.len();
        if let (Some(bytes), Some(row_end), Some(row_place)) = (
            data.get_mut(next.byte..end),
            ends.get_mut(next.row),
            ordered_places.get_mut(next.row),
        ) {
            bytes.copy_from_slice(row);
            *row_end = end;
            *row_place = place;
        }
        *next = Next {
            row: next.row + 1,
            byte: end,
        };
    }
    (Rows::from_parts(data, ends), ordered_places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_the_number_it_got_first() {
        let mut set = RowSet::default();
        let mut rows = Rows::default();
        let text = |number: usize| format!("row {}", number % 5000).into_bytes();
        for number in 0..10_000 {
            rows.push(&text(number));
        }
        let numbers = set.intern(&rows).unwrap();
        let expected: Vec<u32> = (0..10_000).map(|number| number % 5000).collect();
        assert_eq!(numbers, expected);
        let mut later = Rows::default();
        later.push(b"another");
        later.push(&text(17));
        assert_eq!(set.intern(&later).unwrap(), [5000, 17]);
        assert_eq!(set.rows().len(), 5001);
        assert_eq!(set.rows().row(17), text(17));
        later.push(b"a third");
        assert_eq!(set.contains(&later), [true, true, false]);
    }

    #[test]
    fn many_rows_are_numbered_class_by_class_in_the_same_order_everywhere() {
        let row = |number: usize| format!("row {number}").into_bytes();
        let set_of = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut rows = Rows::default();
            numbers.for_each(|number| rows.push(&row(number)));
            let mut set = RowSet::default();
            let numbers = set.intern(&rows).unwrap();
            for (row, number) in rows.iter().zip(numbers) {
                assert_eq!(set.rows().row(number as usize), row);
            }
            set
        };
        let set = set_of(&mut (0..100_000).chain(0..100_000));
        assert_eq!(set.rows().len(), 100_000);
        assert!(set.rows().iter().is_sorted_by_key(class_of));
        let part = set_of(&mut (0..100_000).rev().step_by(3));
        assert!(part.rows().iter().is_sorted_by_key(class_of));
    }

    #[test]
    fn rows_in_the_order_of_a_set_are_added_at_no_greater_cost() {
        let mut set = RowSet::default();
        let mut rows = Rows::default();
        (0..200_000_usize).for_each(|number| rows.push(number.to_string().as_bytes()));
        set.intern(&rows).unwrap();
        // A table whose slots followed the same order would search through half of itself for each row.
        let mut again = RowSet::default();
        let numbers = again.intern(set.rows()).unwrap();
        assert_eq!(numbers, Vec::from_iter(0..200_000));
        assert_eq!(again.rows().len(), 200_000);
    }
}
