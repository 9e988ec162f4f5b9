//! From a DataFusion DataFrame to a streaming query.

use datafusion::dataframe::DataFrame;
use tidemill_sql::StreamingPlan;

use crate::DataStreamWriter;

/// What a DataFrame of a [`StreamingSession`](crate::StreamingSession) can do beyond DataFusion's.
pub trait DataFrameStreamingExt {
    /// Whether it reads a stream anywhere; such a DataFrame can only be written with
    /// [`write_stream`](Self::write_stream).
    fn is_streaming(&self) -> bool;

    /// Writes its rows as a streaming query. That the DataFrame is a streaming one of a session shows at the start.
    fn write_stream(self) -> DataStreamWriter;
}

impl DataFrameStreamingExt for DataFrame {
    fn is_streaming(&self) -> bool {
        StreamingPlan::is_streaming(self.logical_plan())
    }

    fn write_stream(self) -> DataStreamWriter {
        DataStreamWriter::new(self)
    }
}
