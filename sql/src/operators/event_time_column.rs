//! The column of a stateful operator that the watermark is about.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::kernels::cmp::gt;
use arrow::datatypes::{DataType, FieldRef, TimestampMicrosecondType};
use datafusion::common::{exec_datafusion_err, internal_datafusion_err};
use datafusion::error::Result as DataFusionResult;
use tidemill_state::TimeField;

use crate::event_time::delay_ms_of;
use crate::{Result, SqlError};

/// The column of a stateful operator that the watermark is about: a time, or a window that ends at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventTimeColumn {
    /// The column, from 0.
    pub(crate) column: usize,
    columns: usize,
    is_window: bool,
}

impl EventTimeColumn {
    /// The event-time column of a row, by the metadata of its fields; none where no watermark reaches.
    ///
    /// # Errors
    /// MULTIPLE_EVENT_TIME_COLUMNS when two columns bear a watermark.
    pub(crate) fn find(fields: &[FieldRef]) -> Result<Option<Self>> {
        let mut found: Vec<usize> = (0..fields.len())
            .filter(|i| delay_ms_of(&fields[*i]).is_some())
            .collect();
        // One column under two names is one event time.
        found.dedup_by_key(|i| fields[*i].name().clone());
        if found.len() > 1 {
            let names: Vec<_> = found.iter().map(|i| fields[*i].name().as_str()).collect();
            return Err(SqlError::new(
                "MULTIPLE_EVENT_TIME_COLUMNS",
                format!(
                    "Multiple event time columns reach a stateful operator: [{}]. Keep one of them: drop the others, or \
                     cast them, before the operator.",
                    names.join(", ")
                ),
            ));
        }
        Ok(found.first().map(|column| Self {
            column: *column,
            columns: fields.len(),
            is_window: matches!(fields[*column].data_type(), DataType::Struct(_)),
        }))
    }

    /// Where a state row of the same columns holds the time.
    pub(crate) fn time_field(&self) -> DataFusionResult<TimeField> {
        let number = |n: usize| u32::try_from(n).map_err(|_| exec_datafusion_err!("too many columns"));
        Ok(TimeField {
            column: number(self.column)?,
            column_count: number(self.columns)?,
            nested: self.is_window.then_some((1, 2)),
        })
    }

    /// The times of a batch of rows, µs since the epoch: of a window, its end.
    pub(crate) fn times(&self, columns: &[ArrayRef]) -> DataFusionResult<ArrayRef> {
        let column = columns
            .get(self.column)
            .ok_or_else(|| internal_datafusion_err!("an event-time column that is not there"))?;
        if !self.is_window {
            return Ok(column.clone());
        }
        let window = column
            .as_struct_opt()
            .filter(|window| window.num_columns() == 2)
            .ok_or_else(|| internal_datafusion_err!("an event-time window that is no window"))?;
        Ok(window.column(1).clone())
    }

    /// Which rows are after the watermark, or without a time: the others come too late.
    pub(crate) fn in_time(&self, columns: &[ArrayRef], watermark_us: i64) -> DataFusionResult<BooleanArray> {
        let times = self.times(columns)?;
        let times = times
            .as_primitive_opt::<TimestampMicrosecondType>()
            .ok_or_else(|| internal_datafusion_err!("an event time that is no timestamp"))?;
        let watermark = arrow::array::TimestampMicrosecondArray::new_scalar(watermark_us);
        let plain = times.clone().with_timezone_opt(None::<String>);
        let after = gt(&plain, &watermark)?;
        if times.null_count() == 0 {
            return Ok(after);
        }
        Ok(after.iter().map(|after| Some(after.unwrap_or(true))).collect())
    }
}
