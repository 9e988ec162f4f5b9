//! Collects the values of one column.

use arrow::array::{ArrayRef, BooleanBufferBuilder, NullBufferBuilder};
use arrow::datatypes::IntervalMonthDayNano;

use super::super::column::NANOS_PER_MICRO;
use super::super::row_type::RowType;
use super::cell::{ArrayCells, Cell, read};
use super::finish::finish;
use super::node::Node;
use super::{append_rows, malformed};
use crate::{Result, StateError};

/// Variable bytes before the first values are there; they grow as needed.
const BYTES_PER_VALUE: usize = 16;

/// The values of one column so far.
pub(super) struct ColumnDecoder<'n> {
    pub(super) node: &'n Node,
    pub(super) nulls: NullBufferBuilder,
    pub(super) values: Values<'n>,
}

/// Values, null ones any.
pub(super) enum Values<'n> {
    Void,
    Boolean(BooleanBufferBuilder),
    Byte(Vec<i8>),
    Short(Vec<i16>),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    LongDecimal(Vec<i128>),
    Decimal(Vec<i128>),
    CalendarInterval(Vec<IntervalMonthDayNano>),
    Bytes {
        ends: Vec<i32>,
        data: Vec<u8>,
    },
    Struct(Vec<ColumnDecoder<'n>>),
    Array {
        ends: Vec<i32>,
        element: Box<ColumnDecoder<'n>>,
    },
    Map {
        ends: Vec<i32>,
        key: Box<ColumnDecoder<'n>>,
        value: Box<ColumnDecoder<'n>>,
    },
}

impl<'n> ColumnDecoder<'n> {
    /// A column without values yet, with room for this many.
    pub(super) fn new(node: &'n Node, capacity: usize) -> Self {
        let mut children = node.children.iter();
        // How many elements there will be is not known.
        let mut child = || children.next().map(|child| Box::new(Self::new(child, 0)));
        let values = match &node.row_type {
            RowType::Void => Values::Void,
            RowType::Boolean => Values::Boolean(BooleanBufferBuilder::new(capacity)),
            RowType::Byte => Values::Byte(Vec::with_capacity(capacity)),
            RowType::Short => Values::Short(Vec::with_capacity(capacity)),
            RowType::Int | RowType::Date | RowType::YearMonthInterval => {
                Values::Int(Vec::with_capacity(capacity))
            }
            RowType::Long
            | RowType::Timestamp
            | RowType::TimestampNtz
            | RowType::Time
            | RowType::DayTimeInterval => Values::Long(Vec::with_capacity(capacity)),
            RowType::Float => Values::Float(Vec::with_capacity(capacity)),
            RowType::Double => Values::Double(Vec::with_capacity(capacity)),
            RowType::Decimal { precision, .. } if RowType::is_long_decimal(*precision) => {
                Values::LongDecimal(Vec::with_capacity(capacity))
            }
            RowType::Decimal { .. } => Values::Decimal(Vec::with_capacity(capacity)),
            RowType::CalendarInterval => Values::CalendarInterval(Vec::with_capacity(capacity)),
            RowType::String | RowType::Binary => Values::Bytes {
                ends: Vec::with_capacity(capacity),
                data: Vec::with_capacity(capacity * BYTES_PER_VALUE),
            },
            RowType::Struct(_) => Values::Struct(
                node.children
                    .iter()
                    .map(|child| Self::new(child, capacity))
                    .collect(),
            ),
            RowType::Array(_) => match child() {
                Some(element) => Values::Array {
                    ends: Vec::with_capacity(capacity),
                    element,
                },
                None => Values::Void,
            },
            RowType::Map(..) => match (child(), child()) {
                (Some(key), Some(value)) => Values::Map {
                    ends: Vec::with_capacity(capacity),
                    key,
                    value,
                },
                _ => Values::Void,
            },
        };
        Self {
            node,
            nulls: NullBufferBuilder::new(capacity),
            values,
        }
    }

    /// The column.
    pub(super) fn finish(self) -> Result<ArrayRef> {
        finish(self)
    }

    /// Appends the values of these cells. `has_nulls` false promises that no null bit is set. Variable values of more
    /// than `budget` bytes in all are refused: those of one array cannot be more than the array without overlapping.
    pub(super) fn append<'r>(
        &mut self,
        cells: impl Iterator<Item = Cell<'r>>,
        has_nulls: bool,
        budget: usize,
    ) -> Result<()> {
        let (node, nulls) = (self.node, &mut self.nulls);
        let mut variable = VariableReader { node, budget };
        match &mut self.values {
            Values::Void => nulls.append_n_nulls(cells.count()),
            Values::Boolean(values) => {
                for cell in cells {
                    nulls.append(!(has_nulls && cell.is_null()));
                    values.append(cell.bytes::<1>() != [0]);
                }
            }
            Values::Byte(values) => fixed(values, nulls, cells, has_nulls, i8::from_le_bytes),
            Values::Short(values) => fixed(values, nulls, cells, has_nulls, i16::from_le_bytes),
            Values::Int(values) => fixed(values, nulls, cells, has_nulls, i32::from_le_bytes),
            Values::Long(values) => fixed(values, nulls, cells, has_nulls, i64::from_le_bytes),
            Values::Float(values) => fixed(values, nulls, cells, has_nulls, f32::from_le_bytes),
            Values::Double(values) => fixed(values, nulls, cells, has_nulls, f64::from_le_bytes),
            Values::LongDecimal(values) => {
                let long = |bytes| i128::from(i64::from_le_bytes(bytes));
                fixed(values, nulls, cells, has_nulls, long);
            }
            Values::Decimal(values) => {
                for cell in cells {
                    let value = variable.read_reserved(&cell, nulls, has_nulls)?;
                    values.push(value.map_or(Ok(0), |bytes| decimal(node, bytes))?);
                }
            }
            Values::CalendarInterval(values) => {
                for cell in cells {
                    let value = variable.read_reserved(&cell, nulls, has_nulls)?;
                    values.push(value.map_or(Ok(IntervalMonthDayNano::ZERO), |bytes| interval(node, bytes))?);
                }
            }
            Values::Bytes { ends, data } => {
                for cell in cells {
                    data.extend_from_slice(variable.read(&cell, nulls, has_nulls)?.unwrap_or_default());
                    ends.push(end(node, data.len())?);
                }
            }
            Values::Struct(fields) => {
                let mut rows: Vec<&[u8]> = Vec::with_capacity(cells.size_hint().0);
                for cell in cells {
                    rows.push(variable.read(&cell, nulls, has_nulls)?.unwrap_or(&node.null_row));
                }
                append_rows(fields, &rows, &node.name)?;
            }
            Values::Array { ends, element } => {
                for cell in cells {
                    if let Some(array) = variable.read(&cell, nulls, has_nulls)? {
                        element.append_array(array)?;
                    }
                    ends.push(end(node, element.nulls.len())?);
                }
            }
            Values::Map { ends, key, value } => {
                for cell in cells {
                    if let Some(map) = variable.read(&cell, nulls, has_nulls)? {
                        append_map(node, map, key, value)?;
                    }
                    ends.push(end(node, key.nulls.len())?);
                }
            }
        }
        Ok(())
    }

    /// Appends the elements of an array.
    fn append_array(&mut self, array: &[u8]) -> Result<()> {
        let Some(cells) = ArrayCells::try_new(array, self.node.row_type.element_width()) else {
            let reason = format!("its array of {} bytes is shorter than it says", array.len());
            return Err(malformed(&self.node.name, reason));
        };
        self.append(cells.iter(), cells.has_nulls(), array.len())
    }
}

/// Appends values that lie in their slots.
#[inline(always)]
fn fixed<'r, T: Default, const N: usize>(
    values: &mut Vec<T>,
    nulls: &mut NullBufferBuilder,
    cells: impl Iterator<Item = Cell<'r>>,
    has_nulls: bool,
    from_bytes: impl Fn([u8; N]) -> T,
) {
    if has_nulls {
        for cell in cells {
            let is_null = cell.is_null();
            nulls.append(!is_null);
            values.push(if is_null {
                T::default()
            } else {
                from_bytes(cell.bytes())
            });
        }
    } else {
        let before = values.len();
        values.extend(cells.map(|cell| from_bytes(cell.bytes())));
        nulls.append_n_non_nulls(values.len() - before);
    }
}

/// Reads values that lie behind the slots.
struct VariableReader<'n> {
    node: &'n Node,
    /// The bytes that values may still have.
    budget: usize,
}

impl VariableReader<'_> {
    /// The bytes of a value; `None` for null. The null bit is taken over.
    #[inline(always)]
    fn read<'r>(
        &mut self,
        cell: &Cell<'r>,
        nulls: &mut NullBufferBuilder,
        has_nulls: bool,
    ) -> Result<Option<&'r [u8]>> {
        if has_nulls && cell.is_null() {
            nulls.append_null();
            return Ok(None);
        }
        nulls.append_non_null();
        if let Some(bytes) = cell.variable()
            && let Some(budget) = self.budget.checked_sub(bytes.len())
        {
            self.budget = budget;
            return Ok(Some(bytes));
        }
        Err(self.outside(cell))
    }

    /// The same for types of which rows keep 16 bytes for nulls too.
    fn read_reserved<'r>(
        &mut self,
        cell: &Cell<'r>,
        nulls: &mut NullBufferBuilder,
        has_nulls: bool,
    ) -> Result<Option<&'r [u8]>> {
        let value = self.read(cell, nulls, has_nulls)?;
        let (offset, _) = cell.offset_and_size();
        if cell.in_row && offset != 0 && offset + 16 > cell.base.len() {
            return Err(self.outside(cell));
        }
        Ok(value)
    }

    #[cold]
    fn outside(&self, cell: &Cell<'_>) -> StateError {
        let (offset, size) = cell.offset_and_size();
        let reason = format!(
            "a value of {size} bytes at {offset} does not lie in its {} bytes, or overlaps others",
            cell.base.len()
        );
        malformed(&self.node.name, reason)
    }
}

/// A length as an offset of Arrow's.
#[inline(always)]
fn end(node: &Node, length: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| StateError::ValueOutOfRange {
        field: node.name.clone(),
        reason: "its values in these rows are larger than 2 GiB in all: decode fewer rows at once".to_owned(),
    })
}

fn decimal(node: &Node, bytes: &[u8]) -> Result<i128> {
    let mut value = match bytes.first() {
        Some(first) if bytes.len() <= 16 => {
            if *first < 0x80 {
                [0; 16]
            } else {
                [0xff; 16]
            }
        }
        _ => {
            let reason = format!("a decimal has 1 to 16 bytes, found {}", bytes.len());
            return Err(malformed(&node.name, reason));
        }
    };
    if let Some(place) = value.get_mut(16 - bytes.len()..) {
        place.copy_from_slice(bytes);
    }
    Ok(i128::from_be_bytes(value))
}

fn interval(node: &Node, bytes: &[u8]) -> Result<IntervalMonthDayNano> {
    let parts = (read(bytes, 0), read(bytes, 4), read(bytes, 8));
    let ((Some(months), Some(days), Some(micros)), 16) = (parts, bytes.len()) else {
        let reason = format!("a calendar interval has 16 bytes, found {}", bytes.len());
        return Err(malformed(&node.name, reason));
    };
    let micros = i64::from_le_bytes(micros);
    let Some(nanoseconds) = micros.checked_mul(NANOS_PER_MICRO) else {
        return Err(StateError::ValueOutOfRange {
            field: node.name.clone(),
            reason: format!("an interval of {micros} microseconds is longer than intervals here can be"),
        });
    };
    Ok(IntervalMonthDayNano {
        months: i32::from_le_bytes(months),
        days: i32::from_le_bytes(days),
        nanoseconds,
    })
}

fn append_map(
    node: &Node,
    map: &[u8],
    key: &mut ColumnDecoder<'_>,
    value: &mut ColumnDecoder<'_>,
) -> Result<()> {
    let arrays = read(map, 0)
        .and_then(|bytes| usize::try_from(i64::from_le_bytes(bytes)).ok())
        .zip(map.get(8..))
        .and_then(|(key_bytes, arrays)| arrays.split_at_checked(key_bytes));
    let Some((keys, values)) = arrays else {
        let reason = format!("its keys do not lie in the {} bytes of the map", map.len());
        return Err(malformed(&node.name, reason));
    };
    key.append_array(keys)?;
    value.append_array(values)?;
    if key.nulls.len() != value.nulls.len() {
        return Err(malformed(
            &node.name,
            "a map has not as many values as keys".to_owned(),
        ));
    }
    Ok(())
}
