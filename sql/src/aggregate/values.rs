//! Single values of columns, for what a group keeps.

use arrow::array::{ArrayRef, new_empty_array};
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
