//! Aggregates that pick a row for each group: `first`, `last`, `max_by`, `min_by`, and `min` and `max` of what is nested.
//!
//! A group keeps the place of its row among the batches that it came in; values are copied together when states or results
//! are asked for, and when the batches hold much that no group has picked.

use std::cmp::Ordering;
use std::fmt;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::{cast, interleave};
use arrow::datatypes::DataType;
use arrow::row;
use datafusion::common::Result;
use datafusion::common::cast::as_boolean_array;

use super::fold::{Rows, column};
use super::groups::Groups;
use super::order_keys::order_keys;
use super::values::bytes_of;

/// So many rows that no group has picked may wait for the next copy.
const SPARE_ROWS: usize = 65_536;

/// Which row a group picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// The first: `first`, `any_value`.
    First {
        /// Whether nulls are passed over.
        ignore_nulls: bool,
    },
    /// The last.
    Last {
        /// Whether nulls are passed over.
        ignore_nulls: bool,
    },
    /// The one with the greatest or least of another column that is not null, the last of equal ones.
    By(Ordering),
    /// The one with the greatest or least value that is not null, the first of equal ones.
    Extremum(Ordering),
}

impl Pick {
    fn ignores_nulls(self) -> bool {
        match self {
            Self::First { ignore_nulls } | Self::Last { ignore_nulls } => ignore_nulls,
            Self::By(_) | Self::Extremum(_) => true,
        }
    }

    /// How a row must compare to the one held to take its place, and the column that tells.
    fn order(self) -> Option<(Ordering, usize)> {
        match self {
            Self::First { .. } | Self::Last { .. } => None,
            Self::By(wins) => Some((wins, 1)),
            Self::Extremum(wins) => Some((wins, 0)),
        }
    }
}

/// A row of a batch.
#[derive(Clone, Copy, Debug)]
struct Place {
    batch: u32,
    row: u32,
}

/// Columns that groups have picked rows of.
#[derive(Clone)]
struct Batch {
    columns: Vec<ArrayRef>,
    /// What the rows are ordered by.
    keys: Option<Arc<row::Rows>>,
    bytes: usize,
}

impl Batch {
    fn new(columns: Vec<ArrayRef>, pick: Pick) -> Result<Self> {
        let keys = match pick.order() {
            Some((_, at)) => Some(Arc::new(order_keys(column(&columns, at)?)?)),
            None => None,
        };
        let bytes = columns.iter().map(bytes_of).sum::<usize>() + keys.as_ref().map_or(0, |keys| keys.size());
        Ok(Self { columns, keys, bytes })
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.len())
    }

    fn key(&self, row: usize) -> &[u8] {
        self.keys.as_ref().map_or(&[], |keys| keys.row(row).data())
    }
}

/// The picks of many groups.
#[derive(Clone)]
pub(super) struct Picks {
    pick: Pick,
    /// The types of the columns that are kept: the value, and what it is picked by if that is another.
    types: Vec<DataType>,
    groups: Vec<Option<Place>>,
    batches: Vec<Batch>,
    rows: usize,
    bytes: usize,
}

impl fmt::Debug for Picks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picks")
            .field("pick", &self.pick)
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}

impl Picks {
    /// Before any row; `types` are those of the value, and of the column that [`Pick::By`] compares.
    pub(super) fn new(pick: Pick, types: Vec<DataType>) -> Self {
        Self {
            pick,
            types,
            groups: Vec::new(),
            batches: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Takes rows of these columns; those that are null where the pick looks are passed over if it ignores nulls.
    fn take(&mut self, pick: Pick, columns: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        // What is nested may come with other nullability: from the state everything is nullable.
        let columns = columns.iter().zip(&self.types).map(|(column, wanted)| {
            if column.data_type() == wanted {
                Ok(Arc::clone(column))
            } else {
                cast(column, wanted)
            }
        });
        let batch = Batch::new(columns.collect::<Result<Vec<_>, _>>()?, self.pick)?;
        let looked_at = pick.order().map_or(0, |(_, at)| at);
        let nulls = match pick.ignores_nulls() {
            true => column(&batch.columns, looked_at)?.logical_nulls(),
            false => None,
        };
        let number = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        let (groups, batches) = (&mut self.groups, &self.batches);
        let mut picked = false;
        rows.each(nulls.as_ref(), |row, group| {
            let held = &mut groups[group];
            let wins = match (pick, *held) {
                (_, None) | (Pick::Last { .. }, _) => true,
                (Pick::First { .. }, Some(_)) => false,
                (Pick::By(wins) | Pick::Extremum(wins), Some(place)) => {
                    let from = batches.get(place.batch as usize).unwrap_or(&batch);
                    let order = batch.key(row).cmp(from.key(place.row as usize));
                    order == wins || (order == Ordering::Equal && matches!(pick, Pick::By(_)))
                }
            };
            if wins {
                picked = true;
                *held = Some(Place {
                    batch: number,
                    row: u32::try_from(row).unwrap_or(u32::MAX),
                });
            }
            Ok(())
        })?;
        if picked {
            self.keep(batch);
            if self.rows > 2 * self.groups.len() + SPARE_ROWS {
                self.compact()?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, batch: Batch) {
        self.rows += batch.rows();
        self.bytes += batch.bytes;
        self.batches.push(batch);
    }

    /// Copies what the groups have picked into one batch.
    fn compact(&mut self) -> Result<()> {
        let places: Vec<Option<Place>> = self.groups.iter().flatten().map(|place| Some(*place)).collect();
        let columns = (0..self.types.len())
            .map(|at| self.values(&places, at))
            .collect::<Result<Vec<_>>>()?;
        let batch = Batch::new(columns, self.pick)?;
        (self.rows, self.bytes) = (0, 0);
        self.batches.clear();
        self.keep(batch);
        for (row, place) in self.groups.iter_mut().flatten().enumerate() {
            *place = Place {
                batch: 0,
                row: u32::try_from(row).unwrap_or(u32::MAX),
            };
        }
        Ok(())
    }

    /// The values of one of the columns at these places; null for none.
    fn values(&self, places: &[Option<Place>], at: usize) -> Result<ArrayRef> {
        let null = match self.types.get(at) {
            Some(data_type) => new_null_array(data_type, 1),
            None => new_null_array(&DataType::Null, 1),
        };
        let kept = self.batches.iter().map(|batch| column(&batch.columns, at));
        let mut sources: Vec<&dyn Array> = vec![null.as_ref()];
        for column in kept {
            sources.push(column?.as_ref());
        }
        let places: Vec<(usize, usize)> = places
            .iter()
            .map(|place| place.map_or((0, 0), |place| (place.batch as usize + 1, place.row as usize)))
            .collect();
        Ok(interleave(&sources, &places)?)
    }
}

impl Groups for Picks {
    fn empty(&self) -> Self {
        Self::new(self.pick, self.types.clone())
    }

    fn grow_to(&mut self, groups: usize) {
        self.groups.resize(groups, None);
    }

    fn update(&mut self, values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        self.take(self.pick, values, rows)
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        // A null that was picked is a value like any other.
        let ignore_nulls = false;
        let pick = match self.pick {
            Pick::First { .. } => Pick::First { ignore_nulls },
            Pick::Last { .. } => Pick::Last { ignore_nulls },
            by => return self.take(by, states, rows),
        };
        let set = Some(as_boolean_array(column(states, 1)?)?);
        self.take(pick, states, &Rows { filter: set, ..*rows })
    }

    fn take_first(&mut self, groups: usize) -> Self {
        let rest = self.groups.split_off(groups.min(self.groups.len()));
        let first = self.clone();
        self.groups = rest;
        if self.groups.is_empty() {
            *self = self.empty();
        }
        first
    }

    /// The value, then for `first` and `last` whether there is one, or what else is kept.
    fn states(self) -> Result<Vec<ArrayRef>> {
        let mut states = vec![self.values(&self.groups, 0)?];
        match self.pick {
            Pick::First { .. } | Pick::Last { .. } => {
                let set: BooleanArray = self.groups.iter().map(|place| Some(place.is_some())).collect();
                states.push(Arc::new(set));
            }
            Pick::By(_) => states.push(self.values(&self.groups, 1)?),
            Pick::Extremum(_) => {}
        }
        Ok(states)
    }

    fn results(self) -> Result<ArrayRef> {
        self.values(&self.groups, 0)
    }

    fn bytes(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<Option<Place>>()
    }
}
