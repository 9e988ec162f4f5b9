//! From a DataFusion DataFrame to a streaming query.

use datafusion::dataframe::DataFrame;
use tidemill_sql::StreamingPlan;

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

    fn write_stream(self) -> DataStreamWriter {
        DataStreamWriter::new(self)
    }
}
