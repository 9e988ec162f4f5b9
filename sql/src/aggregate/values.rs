//! Values of columns, for what a group keeps.

use arrow::array::{Array, ArrayRef, new_empty_array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};

/// An array of these values.
pub(super) fn array_of(values: impl Iterator<Item = ScalarValue>, data_type: &DataType) -> Result<ArrayRef> {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return Ok(new_empty_array(data_type));
    }
    ScalarValue::iter_to_array(values)
}

/// The value in a row, holding nothing else of its column.
pub(super) fn value_at(values: &ArrayRef, row: usize) -> Result<ScalarValue> {
    let mut value = ScalarValue::try_from_array(values, row)?;
    value.compact();
    Ok(value)
}

/// What the values of a column take: it may be a slice of a longer one.
pub(crate) fn bytes_of(column: &ArrayRef) -> usize {
    let slice = column.to_data().get_slice_memory_size();
    slice.unwrap_or_else(|_| column.get_array_memory_size())
}
