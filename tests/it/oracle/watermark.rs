//! A model of the watermark: late rows by the watermark of the batch before, closed windows by that of the batch.

use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{Field, Schema};

use super::Step;
use crate::harness::stateful::Event;

/// What the batches of one step go by, in ms since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What is not after this is late.
    pub(super) late_ms: i64,
    /// What the last batch of the step lets go.
    pub(super) eviction_ms: i64,
}

/// The watermark of a query with one watermark.
#[derive(Debug)]
pub(super) struct Model {
    delay_ms: i64,
    no_data_batches: bool,
    /// Of the batch that was last.
    last_ms: i64,
    /// Of the batch that is next.
    next_ms: i64,
}

impl Model {
    pub(super) fn new(delay_ms: i64, no_data_batches: bool) -> Self {
        Self {
            delay_ms,
            no_data_batches,
            last_ms: 0,
            next_ms: 0,
        }
    }

    /// Runs the batch of these rows, and the one without data that may follow it.
    pub(super) fn step(&mut self, step: &Step) -> Limits {
        let late_ms = self.last_ms;
        self.last_ms = self.next_ms;
        let newest = step.events.iter().filter_map(|e| e.ts_ms).max();
        if let Some(newest) = newest {
            self.next_ms = self.next_ms.max(newest - self.delay_ms);
        }
        if self.no_data_batches {
            self.last_ms = self.next_ms;
        }
        Limits {
            late_ms,
            eviction_ms: self.last_ms,
        }
    }
}

/// A row in one of its windows.
#[derive(Clone, Debug)]
pub(super) struct InWindow {
    pub(super) event: Event,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

/// The rows in each of their windows of `size_ms`, one every `slide_ms`.
pub(super) fn in_windows(events: &[Event], size_ms: i64, slide_ms: i64) -> Vec<InWindow> {
    let mut out = Vec::new();
    for event in events {
        let Some(ts_ms) = event.ts_ms else { continue };
        let mut start_ms = ts_ms.div_euclid(slide_ms) * slide_ms;
        while start_ms + size_ms > ts_ms {
            out.push(InWindow {
                event: event.clone(),
                start_ms,
                end_ms: start_ms + size_ms,
            });
            start_ms -= slide_ms;
        }
    }
    out
}

/// The rows as a table with the start of the window as column `ws`.
pub(super) fn table_of<'a>(rows: impl Iterator<Item = &'a InWindow>) -> RecordBatch {
    let rows: Vec<&InWindow> = rows.collect();
    let events: Vec<Event> = rows.iter().map(|r| r.event.clone()).collect();
    with_times(&Event::batch(&events), "ws", rows.iter().map(|r| r.start_ms))
}

/// The rows with one more column of times, given in ms.
pub(super) fn with_times(
    batch: &RecordBatch,
    name: &str,
    times_ms: impl Iterator<Item = i64>,
) -> RecordBatch {
    let times: TimestampMicrosecondArray = times_ms.map(|ms| Some(ms * 1000)).collect();
    let times = times.with_timezone("UTC");
    let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(name, times.data_type().clone(), false)));
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(times));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}
