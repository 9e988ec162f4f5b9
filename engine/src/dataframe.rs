//! From a DataFusion DataFrame to a streaming query.

use datafusion::dataframe::DataFrame;
use tidemill_sql::{StreamingDeduplicate, StreamingPlan};

use crate::{DataStreamWriter, Result};

/// What a DataFrame of a [`StreamingSession`](crate::StreamingSession) can do beyond DataFusion's.
pub trait DataFrameStreamingExt: Sized {
    /// Whether it reads a stream anywhere; such a DataFrame can only be written with
    /// [`write_stream`](Self::write_stream).
    fn is_streaming(&self) -> bool;

    /// Sets a watermark: `column` carries the event time, and a row may be late by `delay` (such as `10 minutes`).
    ///
    /// The column is a TIMESTAMP (a timestamp with zone, µs) or a window column, whose windows count by their end. The
    /// watermark of a batch is the greatest event time seen before it, less the delay. A DataFrame that reads no stream stays
    /// as it is.
    ///
    /// # Errors
    /// A column that is not there or is no event time (`EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE`,
    /// `EVENT_TIME_MUST_BE_TOP_LEVEL_COLUMN`), or a delay that is no interval or a negative one.
    fn with_watermark(self, column: &str, delay: &str) -> Result<DataFrame>;

    /// Keeps the first row of each distinct value of these columns; of all columns where none are named.
    ///
    /// On a stream the keys are kept in state: without a watermark for ever, with one among `columns` until it passes.
    /// Rows behind the watermark are dropped. On a DataFrame that reads no stream this is DISTINCT ON.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN_AMONG_FIELD_NAMES` for a column that is not there.
    fn drop_duplicates(self, columns: &[&str]) -> Result<DataFrame>;

    /// As [`drop_duplicates`](Self::drop_duplicates), but a key is kept only until the watermark passes the event time
    /// of its first row plus the watermark's delay. Later duplicates do not prolong that.
    ///
    /// # Errors
    /// As for [`drop_duplicates`](Self::drop_duplicates); a DataFrame that reads no stream; at the start of the query,
    /// a stream without a watermark.
    fn drop_duplicates_within_watermark(self, columns: &[&str]) -> Result<DataFrame>;

    /// Writes its rows as a streaming query. That the DataFrame is a streaming one of a session shows at the start.
    fn write_stream(self) -> DataStreamWriter;
}

impl DataFrameStreamingExt for DataFrame {
    fn is_streaming(&self) -> bool {
        StreamingPlan::is_streaming(self.logical_plan())
    }

    fn with_watermark(self, column: &str, delay: &str) -> Result<DataFrame> {
        let (state, plan) = self.into_parts();
        let plan = tidemill_sql::with_watermark(plan, column, delay)?;
        Ok(DataFrame::new(state, plan))
    }

    fn drop_duplicates(self, columns: &[&str]) -> Result<DataFrame> {
        deduplicated(self, columns, false)
    }

    fn drop_duplicates_within_watermark(self, columns: &[&str]) -> Result<DataFrame> {
        deduplicated(self, columns, true)
    }

    fn write_stream(self) -> DataStreamWriter {
        DataStreamWriter::new(self)
    }
}

fn deduplicated(frame: DataFrame, columns: &[&str], within_watermark: bool) -> Result<DataFrame> {
    let (state, plan) = frame.into_parts();
    let plan = StreamingDeduplicate::plan(plan, columns, within_watermark)?;
    Ok(DataFrame::new(state, plan))
}
