//! Rows as bytes: Spark's UnsafeRow.
//!
//! The layout of every type is in FORMAT.md. What is written here is canonical: equal values give equal bytes, with
//! padding zero and no gaps, because stores compare keys and Spark compares partitions by bytes. The one exception
//! are floats: -0.0 and 0.0 differ, so that grouping keys go through [`normalize_keys`] first.

mod column;
mod decoder;
mod encoder;
mod normalize;
mod row_type;
mod rows;
#[cfg(test)]
mod tests;

pub use normalize::{holds_floats, normalize_keys};
pub(crate) use normalize::{normal_double, normal_float};
pub use row_type::is_supported;
pub use rows::{Rows, RowsIter};

pub(crate) use column::{Column, NANOS_PER_MICRO, Values, unsupported};
pub(crate) use encoder::decimal_bytes;
pub(crate) use row_type::RowType;

use arrow::array::ArrayRef;
use arrow::datatypes::Fields;

use crate::{Result, StateError};
use decoder::Node;

/// Encodes and decodes rows of one schema.
///
/// Arrow has several forms of some types; a column may come in any of them:
///
/// | field | columns |
/// |---|---|
/// | `Utf8`, `LargeUtf8`, `Utf8View` | any of the three |
/// | `Binary`, `LargeBinary`, `BinaryView`, `FixedSizeBinary` | any of the four |
/// | `List`, `LargeList`, `ListView` | any of the three |
/// | any type | a dictionary of it |
///
/// The nanoseconds of `Interval(MonthDayNano)` are stored as microseconds, the rest cut off.
#[derive(Clone, Debug)]
pub struct StateRowCodec {
    nodes: Vec<Node>,
}

impl StateRowCodec {
    /// A codec for rows of these fields.
    ///
    /// # Errors
    ///
    /// UNSUPPORTED_DATATYPE, by the field's name, for a type that Spark does not have.
    pub fn try_new(fields: &Fields) -> Result<Self> {
        Ok(Self {
            nodes: fields
                .iter()
                .map(|field| Node::try_new(field))
                .collect::<Result<_>>()?,
        })
    }

    /// Appends one row per value of the columns, one column per field, each of `row_count` values.
    ///
    /// # Errors
    ///
    /// Columns that are not the fields', and values without a place in a row; nothing is appended then.
    pub fn encode(&self, columns: &[ArrayRef], row_count: usize, out: &mut Rows) -> Result<()> {
        if columns.len() != self.nodes.len() {
            return Err(mismatch("columns", &self.nodes.len(), &columns.len()));
        }
        let columns = self.nodes.iter().zip(columns).map(|(node, array)| {
            if RowType::of(array.data_type()).as_ref() != Some(&node.row_type) {
                return Err(mismatch(&node.name, &node.data_type, array.data_type()));
            }
            check_length(&node.name, array, row_count)?;
            Column::try_new(array, &node.name)
        });
        encoder::encode(&columns.collect::<Result<Vec<_>>>()?, row_count, out)
    }

    /// The columns of these rows, each of its field's type. Rows of no fields give no columns.
    ///
    /// # Errors
    ///
    /// STATE_ROW_MALFORMED, by the field's name, for bytes that are not a row of these fields.
    pub fn decode<'a>(&self, rows: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> Result<Vec<ArrayRef>> {
        decoder::decode(&self.nodes, rows)
    }
}

/// Refuses a column with another number of values than rows.
pub(crate) fn check_length(name: &str, array: &ArrayRef, row_count: usize) -> Result<()> {
    if array.len() == row_count {
        return Ok(());
    }
    Err(mismatch(
        name,
        &format!("{row_count} values"),
        &format!("{} values", array.len()),
    ))
}

fn mismatch(field: &str, expected: &dyn ToString, found: &dyn ToString) -> StateError {
    StateError::ColumnMismatch {
        field: field.to_owned(),
        expected: expected.to_string(),
        found: found.to_string(),
    }
}
