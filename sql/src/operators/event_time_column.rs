//! The column of a stateful operator that the watermark is about.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{filter_record_batch, not};
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
    pub(crate) fn times(&self, columns: &[ArrayRef]) -> DataFusionResult<TimestampMicrosecondArray> {
        let column = columns
            .get(self.column)
            .ok_or_else(|| internal_datafusion_err!("an event-time column that is not there"))?;
        times_of(column)
    }

    /// The rows that are after the watermark or without a time, and the others, if any, which come too late.
    pub(crate) fn in_time(
        &self,
        rows: RecordBatch,
        watermark_us: i64,
    ) -> DataFusionResult<(RecordBatch, Option<RecordBatch>)> {
        let times = self.times(rows.columns())?;
        let mut kept = BooleanBufferBuilder::new(times.len());
        for (row, micros) in times.values().iter().enumerate() {
            kept.append(times.is_null(row) || *micros > watermark_us);
        }
        let kept = BooleanArray::new(kept.finish(), None);
        if kept.false_count() == 0 {
            return Ok((rows, None));
        }
        let late = filter_record_batch(&rows, &not(&kept)?)?;
        Ok((filter_record_batch(&rows, &kept)?, Some(late)))
    }
}

/// The event times of a column, µs since the epoch: of windows, their ends. A window that is null as a whole has no end,
/// whatever its fields hold.
pub(super) fn times_of(column: &ArrayRef) -> DataFusionResult<TimestampMicrosecondArray> {
    let (times, outer) = match column.as_struct_opt() {
        Some(windows) => {
            let ends = windows.column_by_name("end");
            let ends = ends.ok_or_else(|| exec_datafusion_err!("a window without its end"))?;
            (ends, windows.nulls())
        }
        None => (column, None),
    };
    let Some(micros) = times.as_primitive_opt::<TimestampMicrosecondType>() else {
        return Err(exec_datafusion_err!(
            "an event time that is no timestamp: {}",
            times.data_type()
        ));
    };
    let nulls = NullBuffer::union(outer, micros.nulls());
    Ok(TimestampMicrosecondArray::new(micros.values().clone(), nulls))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StructArray;
    use arrow::datatypes::{Field, Fields, Schema, TimeUnit};

    use super::*;

    #[test]
    fn a_null_window_has_no_time_whatever_its_fields_hold() {
        let time = DataType::Timestamp(TimeUnit::Microsecond, None);
        let fields: Fields = ["start", "end"]
            .map(|name| Field::new(name, time.clone(), true))
            .to_vec()
            .into();
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![5, 5, 50]));
        let nulls = NullBuffer::from(vec![false, true, true]);
        let windows = StructArray::new(fields.clone(), vec![Arc::clone(&times), times], Some(nulls));
        let column = EventTimeColumn {
            column: 0,
            columns: 1,
            is_window: true,
        };
        let schema = Schema::new(vec![Field::new("window", DataType::Struct(fields), true)]);
        let rows = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(windows)]).unwrap();
        assert_eq!(
            column.times(rows.columns()).unwrap(),
            TimestampMicrosecondArray::from(vec![None, Some(5), Some(50)])
        );
        let (kept, late) = column.in_time(rows.clone(), 10).unwrap();
        assert_eq!((kept.num_rows(), late.map(|late| late.num_rows())), (2, Some(1)));
        let (kept, late) = column.in_time(rows, 1).unwrap();
        assert_eq!((kept.num_rows(), late), (3, None));
    }
}
