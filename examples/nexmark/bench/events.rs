//! The rows of the benchmark's tables, gathered in columns.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use nexmark::event::{Auction, Bid, Person};

use crate::{FileFormat, Result};

/// So that several tasks can share the reading of one file.
const ROW_GROUPS: usize = 4;

/// The columns of each table, as Spark names their types.
pub(crate) const SCHEMAS: [(&str, &str); 3] = [
    (
        "bid",
        "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, date_time TIMESTAMP, extra STRING",
    ),
    (
        "auction",
        "id BIGINT, item_name STRING, description STRING, initial_bid BIGINT, reserve BIGINT, date_time TIMESTAMP, \
         expires TIMESTAMP, seller BIGINT, category BIGINT, extra STRING",
    ),
    (
        "person",
        "id BIGINT, name STRING, email_address STRING, credit_card STRING, city STRING, state STRING, \
         date_time TIMESTAMP, extra STRING",
    ),
];

/// A value of a row.
pub(crate) enum Value {
    Int(i64),
    Text(String),
    /// Microseconds since 1970.
    Time(i64),
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

enum Column {
    Int(Vec<i64>),
    Text(Vec<String>),
    Time(Vec<i64>),
}

impl Column {
    fn array(self) -> ArrayRef {
        match self {
            Column::Int(values) => Arc::new(Int64Array::from(values)),
            Column::Text(values) => Arc::new(StringArray::from(values)),
            Column::Time(values) => Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")),
        }
    }
}

/// Rows of one table for one file.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    columns: Vec<(&'static str, Column)>,
}

impl Table {
    /// No rows yet, of a table of [`SCHEMAS`].
    pub(crate) fn new((name, schema): (&'static str, &'static str)) -> Self {
        let column = |field: &'static str| {
            let (name, kind) = field.split_once(' ').unwrap_or((field, ""));
            let column = match kind {
                "BIGINT" => Column::Int(Vec::new()),
                "TIMESTAMP" => Column::Time(Vec::new()),
                _ => Column::Text(Vec::new()),
            };
            (name, column)
        };
        Self {
            name,
            columns: schema.split(", ").map(column).collect(),
        }
    }

    /// Adds a row, whose values are of the columns' types.
    pub(crate) fn push<const N: usize>(&mut self, row: [Value; N]) {
        for ((_, column), value) in self.columns.iter_mut().zip(row) {
            match (column, value) {
                (Column::Int(values), Value::Int(value)) | (Column::Time(values), Value::Time(value)) => {
                    values.push(value);
                }
                (Column::Text(values), Value::Text(value)) => values.push(value),
                _ => debug_assert!(false, "a row of another table"),
            }
        }
    }

    /// Writes the rows to a new file.
    pub(crate) fn write(self, path: &Path, format: FileFormat) -> Result<()> {
        let columns = self
            .columns
            .into_iter()
            .map(|(name, column)| (name, column.array()));
        let rows = RecordBatch::try_from_iter(columns)?;
        let file = File::create(path)?;
        match format {
            FileFormat::Json => {
                let mut writer = LineDelimitedWriter::new(std::io::BufWriter::new(file));
                writer.write(&rows)?;
                writer.finish()?;
            }
            FileFormat::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_max_row_group_row_count(Some(rows.num_rows().div_ceil(ROW_GROUPS).max(1)))
                    .build();
                let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties))?;
                writer.write(&rows)?;
                writer.close()?;
            }
        }
        Ok(())
    }
}

/// The row of a bid at a time in microseconds.
pub(crate) fn bid(bid: Bid, time: i64) -> [Value; 7] {
    [
        bid.auction.into(),
        bid.bidder.into(),
        bid.price.into(),
        bid.channel.into(),
        bid.url.into(),
        Value::Time(time),
        bid.extra.into(),
    ]
}

/// The row of an auction at a time in microseconds.
pub(crate) fn auction(auction: Auction, time: i64) -> [Value; 10] {
    let open_ms = auction.expires.saturating_sub(auction.date_time);
    let open = i64::try_from(open_ms).unwrap_or(i64::MAX).saturating_mul(1000);
    [
        auction.id.into(),
        auction.item_name.into(),
        auction.description.into(),
        auction.initial_bid.into(),
        auction.reserve.into(),
        Value::Time(time),
        Value::Time(time.saturating_add(open)),
        auction.seller.into(),
        auction.category.into(),
        auction.extra.into(),
    ]
}

/// The row of a person at a time in microseconds.
pub(crate) fn person(person: Person, time: i64) -> [Value; 8] {
    [
        person.id.into(),
        person.name.into(),
        person.email_address.into(),
        person.credit_card.into(),
        person.city.into(),
        person.state.into(),
        Value::Time(time),
        person.extra.into(),
    ]
}
