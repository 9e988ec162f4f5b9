//! Encoders of part files: rows in, the bytes of one file out.

mod codec;
mod int96;
mod output;
mod parquet;
mod record;
mod schema;
mod spark_schema;

use arrow::record_batch::RecordBatch;

use crate::Result;

pub(crate) use codec::TextCodec;
pub(crate) use output::{PartOutput, PartStatus, sync_folder};
pub(crate) use parquet::ParquetFormat;
pub(crate) use record::{RecordFormat, RecordOptions, record_error};
pub(crate) use schema::TimestampType;

/// Writes one part file.
pub(crate) trait PartEncoder: Send {
    /// Appends rows.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Writes what is left, and gives the file back, not yet durable.
    fn finish(self: Box<Self>) -> Result<PartOutput>;
}

/// What all part files of a sink share.
#[derive(Debug)]
pub(crate) enum PartFormat {
    /// Parquet.
    Parquet(ParquetFormat),
    /// JSON, CSV or text.
    Record(RecordFormat),
}

impl PartFormat {
    /// Begins a part file.
    pub(crate) fn open(&self, output: PartOutput) -> Result<Box<dyn PartEncoder>> {
        match self {
            Self::Parquet(format) => Ok(Box::new(format.open(output)?)),
            Self::Record(format) => Ok(Box::new(format.open(output)?)),
        }
    }
}

#[cfg(test)]
mod tests;
