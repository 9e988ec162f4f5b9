//! Values as bytes that order as Spark orders the values: nulls first, NaN last, and `-0.0` as `0.0`, also in what is nested.

use arrow::array::ArrayRef;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result;
use tidemill_state::normalize_keys;

use crate::error::state;

/// The bytes of every value.
///
/// # Errors
/// A type without an order, such as a map.
pub(super) fn order_keys(values: &ArrayRef) -> Result<Rows> {
    let values = normalize_keys(values).map_err(state)?;
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    Ok(converter.convert_columns(&[values])?)
}
