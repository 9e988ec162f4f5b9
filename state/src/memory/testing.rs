//! Rows for tests.

use crate::store::{ExpiryIndex, StateStoreSpec, TimeField};

/// A column of a row.
#[derive(Clone, Debug)]
pub(crate) enum Column<'a> {
    /// No value.
    Null,
    /// Eight bytes in the slot.
    Long(i64),
    /// Bytes in the variable part.
    Bytes(&'a [u8]),
    /// A nested row.
    Struct(Vec<Column<'a>>),
    /// A decimal of more than 18 digits: 16 bytes are always reserved.
    Decimal(Option<&'a [u8]>),
}

/// A row in Spark's layout.
pub(crate) fn row(columns: &[Column<'_>]) -> Vec<u8> {
    let bitset_bytes = columns.len().div_ceil(64) * 8;
    let fixed_bytes = bitset_bytes + columns.len() * 8;
    let mut row = vec![0; fixed_bytes];
    for (index, column) in columns.iter().enumerate() {
        let start = row.len() as u64;
        let mut slot = 0;
        let mut is_null = false;
        match column {
            Column::Null => is_null = true,
            Column::Long(value) => slot = value.cast_unsigned(),
            Column::Bytes(bytes) => {
                slot = start << 32 | bytes.len() as u64;
                row.extend_from_slice(bytes);
            }
            Column::Struct(fields) => {
                let nested = self::row(fields);
                slot = start << 32 | nested.len() as u64;
                row.extend(nested);
            }
            Column::Decimal(bytes) => {
                is_null = bytes.is_none();
                let bytes = bytes.unwrap_or_default();
                slot = start << 32 | bytes.len() as u64;
                row.extend_from_slice(bytes);
                row.resize(start as usize + 16, 0);
            }
        }
        row.resize(row.len().next_multiple_of(8), 0);
        if is_null {
            row[index / 8] |= 1 << (index % 8);
        }
        let at = bitset_bytes + index * 8;
        row[at..at + 8].copy_from_slice(&slot.to_le_bytes());
    }
    row
}

/// The key rows of the tests: a name, then a number.
pub(crate) fn key(name: &str, number: i64) -> Vec<u8> {
    row(&[Column::Bytes(name.as_bytes()), Column::Long(number)])
}

/// A row of the name alone.
pub(crate) fn prefix(name: &str) -> Vec<u8> {
    row(&[Column::Bytes(name.as_bytes())])
}

/// The value rows of the tests: a time, then some bytes.
pub(crate) fn value(time: Option<i64>, payload: &[u8]) -> Vec<u8> {
    row(&[time.map_or(Column::Null, Column::Long), Column::Bytes(payload)])
}

/// The time in a row of [`value`].
pub(crate) fn time_of(value: &[u8]) -> Option<i64> {
    (value[0] & 1 == 0).then(|| i64::from_le_bytes(value[8..16].try_into().unwrap()))
}

/// The name in a row of [`key`].
pub(crate) fn name_of(key: &[u8]) -> &[u8] {
    &key[24..24 + usize::from(key[8])]
}

/// A store of such keys and values with both indexes.
pub(crate) fn spec() -> StateStoreSpec {
    StateStoreSpec {
        expiry: Some(ExpiryIndex::Value(TimeField {
            column: 0,
            column_count: 2,
            nested: None,
        })),
        prefix_columns: 1,
        key_columns: 2,
        prefix_variable_columns: vec![0],
    }
}
