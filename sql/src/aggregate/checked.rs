//! Arrays of strings, bytes and lists whose offsets are checked: one array holds less than 2 GiB, and Arrow's builders panic.

use arrow::array::{BinaryArray, StringArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use datafusion::common::Result;

use crate::SqlError;

fn too_large() -> SqlError {
    SqlError::new(
        "AGGREGATE_BUFFER_TOO_LARGE",
        "The buffers of an aggregate function have 2 GiB or more in one task of a batch. Read less in a batch \
         (maxFilesPerTrigger), or start the query anew with more spark.sql.shuffle.partitions.",
    )
}

/// The offsets of items of these lengths.
///
/// # Errors
/// AGGREGATE_BUFFER_TOO_LARGE.
pub(super) fn offsets(lengths: impl Iterator<Item = usize>) -> Result<OffsetBuffer<i32>> {
    let mut offsets = vec![0_i32];
    let mut end = 0_i32;
    for length in lengths {
        let length = i32::try_from(length).map_err(|_| too_large())?;
        end = end.checked_add(length).ok_or_else(too_large)?;
        offsets.push(end);
    }
    Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
}

/// The values as an array.
///
/// # Errors
/// AGGREGATE_BUFFER_TOO_LARGE.
pub(super) fn binary(values: &[impl AsRef<[u8]>]) -> Result<BinaryArray> {
    let offsets = offsets(values.iter().map(|value| value.as_ref().len()))?;
    let mut bytes = Vec::with_capacity(values.iter().map(|value| value.as_ref().len()).sum());
    for value in values {
        bytes.extend_from_slice(value.as_ref());
    }
    Ok(BinaryArray::try_new(offsets, bytes.into(), None)?)
}

/// The texts as an array.
///
/// # Errors
/// AGGREGATE_BUFFER_TOO_LARGE.
pub(super) fn strings<'a>(texts: impl Iterator<Item = Option<&'a str>> + Clone) -> Result<StringArray> {
    offsets(texts.clone().map(|text| text.map_or(0, str::len)))?;
    Ok(texts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_an_array_holds_is_an_error() {
        assert_eq!(*offsets([2, 3].into_iter()).unwrap(), [0, 2, 5]);
        let half = 1_usize << 30;
        for lengths in [vec![half, half], vec![half * 4], vec![usize::MAX, 1]] {
            let error = offsets(lengths.into_iter()).unwrap_err();
            assert!(
                error.to_string().contains("AGGREGATE_BUFFER_TOO_LARGE"),
                "{error}"
            );
        }
        assert_eq!(binary(&[b"ab", b"cd"]).unwrap().value(1), b"cd");
    }
}
