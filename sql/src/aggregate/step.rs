//! The steps between state columns and buffer columns: each makes one column from the others.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, make_array};
use arrow::compute::kernels::{boolean, cmp, zip};
use arrow::compute::{CastOptions, cast_with_options, nullif};
use arrow::datatypes::DataType;
use arrow::util::display::FormatOptions;
use datafusion::common::cast::{as_boolean_array, as_decimal128_array, as_float64_array, as_int64_array};
use datafusion::common::{DataFusionError, Result, ScalarValue};

use super::buffer_bytes;
use super::fold::column;
use super::sum::overflow;

/// One column of the other side, made from the columns at hand.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The column as another type.
    Cast { at: usize, to: DataType },
    /// The column as another type, zero where it is null.
    OrZero { at: usize, to: DataType },
    /// The column as another type of the same width, bit for bit.
    Bits { at: usize, to: DataType },
    /// The unscaled values of a decimal, as BIGINT or DOUBLE; an empty one is zero where asked.
    Unscaled { at: usize, to: DataType, or_zero: bool },
    /// A decimal from its unscaled values; null where the count in another column is zero.
    Scaled {
        at: usize,
        to: DataType,
        count: Option<usize>,
    },
    /// Whether the column is null.
    IsNull { at: usize },
    /// The column as another type, null where the count in another column is zero.
    NullWithoutCount { at: usize, to: DataType, count: usize },
    /// A decimal sum, null where the flag says that no value was added; a null sum with values added is an overflow.
    NullIfEmpty { at: usize, to: DataType, empty: usize },
    /// The bytes of a row of an array.
    RowOfList { at: usize },
    /// The array of such bytes.
    ListOfRow { at: usize, to: DataType },
    /// The bytes of values with their counts.
    BytesOfCounted { at: usize },
    /// The values with their counts of such bytes.
    CountedOfBytes { at: usize, to: DataType },
    /// One word of a list of words.
    Word { word: usize },
    /// All columns as a list of words.
    Words,
}

impl Step {
    /// The column at this place as another type.
    pub(super) fn cast(at: usize, to: &DataType) -> Self {
        Self::Cast { at, to: to.clone() }
    }

    /// The same, zero where it is null.
    pub(super) fn or_zero(at: usize, to: &DataType) -> Self {
        Self::OrZero { at, to: to.clone() }
    }

    /// The same, unsigned numbers bit for bit.
    pub(super) fn bits(at: usize, to: &DataType) -> Self {
        Self::Bits { at, to: to.clone() }
    }

    /// The step's column.
    ///
    /// # Errors
    /// A value that the other side cannot hold.
    pub(super) fn apply(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        Ok(match self {
            Self::Cast { at, to } => cast(column(columns, *at)?, to)?,
            Self::OrZero { at, to } => or_zero(&cast(column(columns, *at)?, to)?)?,
            Self::Bits { at, to } => bits(column(columns, *at)?, to)?,
            Self::Unscaled {
                at,
                to,
                or_zero: zero,
            } => {
                let values = unscaled(column(columns, *at)?, to)?;
                if *zero { or_zero(&values)? } else { values }
            }
            Self::Scaled { at, to, count } => {
                let values = scaled(column(columns, *at)?, to)?;
                match count {
                    Some(count) => null_where(&values, &is_zero(column(columns, *count)?)?)?,
                    None => values,
                }
            }
            Self::RowOfList { at } => buffer_bytes::rows_of_lists(column(columns, *at)?)?,
            Self::ListOfRow { at, to } => buffer_bytes::lists_of_rows(column(columns, *at)?, to)?,
            Self::BytesOfCounted { at } => buffer_bytes::bytes_of_counted(column(columns, *at)?)?,
            Self::CountedOfBytes { at, to } => buffer_bytes::counted_of_bytes(column(columns, *at)?, to)?,
            Self::Word { word } => buffer_bytes::word(column(columns, 0)?, *word)?,
            Self::Words => buffer_bytes::words(columns)?,
            Self::IsNull { at } => Arc::new(boolean::is_null(column(columns, *at)?)?),
            Self::NullWithoutCount { at, to, count } => {
                let values = cast(column(columns, *at)?, to)?;
                null_where(&values, &is_zero(column(columns, *count)?)?)?
            }
            Self::NullIfEmpty { at, to, empty } => {
                let values = cast(column(columns, *at)?, to)?;
                let empty = as_boolean_array(column(columns, *empty)?)?;
                let overflown = boolean::and(&boolean::is_null(&values)?, &boolean::not(empty)?)?;
                if overflown.true_count() > 0 {
                    return Err(overflow().into());
                }
                null_where(&values, empty)?
            }
        })
    }
}

fn cast(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if values.data_type() == to {
        return Ok(Arc::clone(values));
    }
    let options = CastOptions {
        safe: false,
        format_options: FormatOptions::default(),
    };
    Ok(cast_with_options(values, to, &options)?)
}

fn or_zero(values: &ArrayRef) -> Result<ArrayRef> {
    if values.null_count() == 0 {
        return Ok(Arc::clone(values));
    }
    let zero = ScalarValue::new_zero(values.data_type())?.to_scalar()?;
    Ok(zip::zip(&boolean::is_null(values)?, &zero, values)?)
}

fn bits(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if values.data_type().is_integer() && to.is_integer() {
        let data = values.to_data().into_builder().data_type(to.clone());
        return Ok(make_array(data.build()?));
    }
    cast(values, to)
}

/// The digits of a decimal without its point.
fn unscaled(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    // A wider decimal of the same scale has the same digits.
    let values = match values.data_type() {
        DataType::Decimal128(..) => Arc::clone(values),
        DataType::Decimal32(_, s) | DataType::Decimal64(_, s) | DataType::Decimal256(_, s) => {
            cast(values, &DataType::Decimal128(38, *s))?
        }
        other => return Err(DataFusionError::Internal(format!("{other} is no decimal"))),
    };
    let values = as_decimal128_array(&values)?;
    Ok(match to {
        DataType::Int64 => {
            let digits: Int64Array =
                values.try_unary(|v| i64::try_from(v).map_err(|_| DataFusionError::from(overflow())))?;
            Arc::new(digits)
        }
        _ => {
            let digits: Float64Array = values.unary(|v| v as f64);
            Arc::new(digits)
        }
    })
}

fn scaled(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let (DataType::Decimal32(_, scale)
    | DataType::Decimal64(_, scale)
    | DataType::Decimal128(_, scale)
    | DataType::Decimal256(_, scale)) = to
    else {
        return Err(DataFusionError::Internal(format!("{to} is no decimal")));
    };
    let digits: Decimal128Array = match values.data_type() {
        DataType::Int64 => as_int64_array(values)?.unary(i128::from),
        _ => as_float64_array(values)?.unary(|v| v as i128),
    };
    let digits: ArrayRef = Arc::new(digits.with_precision_and_scale(38, *scale)?);
    cast(&digits, to)
}

fn is_zero(counts: &ArrayRef) -> Result<BooleanArray> {
    let zero = ScalarValue::new_zero(counts.data_type())?.to_scalar()?;
    Ok(cmp::eq(counts, &zero)?)
}

fn null_where(values: &ArrayRef, condition: &BooleanArray) -> Result<ArrayRef> {
    Ok(nullif(values, condition)?)
}
