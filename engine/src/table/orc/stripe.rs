//! One stripe of a file: its footer, then the streams of the wanted columns, each a range of the file; and its batches.
//!
//! The decoder gets the footer without the writer's time zone: it would turn instants into the zone's local times, of
//! which an hour a year is told twice. [`WriterTimes`] does what is right.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::{Buf, Bytes};
use datafusion::error::Result as DataFusionResult;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use orc_rust::array_decoder::NaiveStripeDecoder;
use orc_rust::proto::StripeFooter;
use orc_rust::proto::stream::Kind;
use orc_rust::reader::ChunkReader;
use orc_rust::stripe::{Stripe, StripeMetadata};
use prost::Message;

use super::reading::TableReading;
use super::tail::{OrcTail, framed, unpacked};
use super::times::WriterTimes;
use super::{damaged, decoded, decoded_elsewhere};
use crate::Result;

/// How a stripe's times are stored.
#[derive(Debug)]
pub(super) struct StripeTimes {
    /// Those of type `timestamp`, and dates.
    pub(super) local: WriterTimes,
    /// Those of type `timestamp with local time zone`, which are stored by UTC.
    pub(super) instant: WriterTimes,
}

/// A stripe that is read, but not decoded.
#[derive(Debug)]
pub(super) struct FetchedStripe {
    tail: Arc<OrcTail>,
    info: StripeMetadata,
    pieces: Pieces,
    times: StripeTimes,
}

impl FetchedStripe {
    /// Reads what the wanted columns need.
    ///
    /// # Errors
    /// When the file ends before the stripe, or the stripe's footer makes no sense.
    pub(super) async fn fetch(
        store: &dyn ObjectStore,
        file: &Path,
        tail: Arc<OrcTail>,
        info: StripeMetadata,
        reading: &TableReading,
    ) -> DataFusionResult<Self> {
        let footer = footer_range(&info, tail.size_bytes)?;
        let bytes = store.get_range(file, footer.clone()).await?;
        let compression = tail.metadata.compression();
        let decode = move || -> Result<StripeFooter> {
            StripeFooter::decode(unpacked(bytes, compression)?.as_slice()).map_err(damaged)
        };
        let mut stripe_footer = decoded_elsewhere(decode).await?;
        let zone = stripe_footer.writer_timezone.take();
        let times = StripeTimes {
            local: WriterTimes::new(zone.as_deref(), tail.julian)?,
            instant: WriterTimes::new(None, tail.julian)?,
        };
        let mut pieces = Pieces::default();
        let ranges = pieces.wanted(&stripe_footer, info.offset(), footer.start, reading)?;
        let found = store.get_ranges(file, &ranges).await?;
        pieces.0.extend(ranges.iter().map(|range| range.start).zip(found));
        let plain = framed(stripe_footer.encode_to_vec(), compression.is_some());
        pieces.0.insert(footer.start, plain.into());
        Ok(Self {
            tail,
            info,
            pieces,
            times,
        })
    }

    /// Decodes it, a batch at a time, until `take` wants no more.
    ///
    /// # Errors
    /// When the content makes no sense.
    pub(super) fn decode(
        mut self,
        reading: &TableReading,
        batch_rows: usize,
        mut take: impl FnMut(RecordBatch) -> bool,
    ) -> Result<()> {
        let mut left = usize::try_from(self.info.number_of_rows()).map_err(damaged)?;
        let batch_rows = batch_rows.max(1);
        if reading.root.children().is_empty() {
            while left > 0 {
                let rows = left.min(batch_rows);
                left -= rows;
                if !take(reading.batch(&[], rows, &self.times)?) {
                    return Ok(());
                }
            }
            return Ok(());
        }
        let mut batches = decoded(|| {
            let stripe = Stripe::new(&mut self.pieces, &self.tail.metadata, &reading.root, &self.info);
            let schema = Arc::clone(&reading.decoded);
            NaiveStripeDecoder::new(stripe.map_err(damaged)?, schema, batch_rows).map_err(damaged)
        })?;
        while let Some(batch) = decoded(|| batches.next().transpose().map_err(damaged))? {
            let rows = batch.num_rows();
            left = left
                .checked_sub(rows)
                .ok_or_else(|| damaged("a stripe has too many rows"))?;
            if !take(reading.batch(batch.columns(), rows, &self.times)?) {
                return Ok(());
            }
        }
        match left {
            0 => Ok(()),
            _ => Err(damaged("a stripe has fewer rows than it should")),
        }
    }
}

/// Where a stripe's footer is.
fn footer_range(info: &StripeMetadata, size: u64) -> Result<Range<u64>> {
    let start = info
        .offset()
        .checked_add(info.index_length())
        .and_then(|end| end.checked_add(info.data_length()));
    let end = start.and_then(|start| start.checked_add(info.footer_length()));
    match (start, end) {
        (Some(start), Some(end)) if end <= size => Ok(start..end),
        _ => Err(damaged("a stripe is longer than the file")),
    }
}

/// Pieces of the file by their offset.
#[derive(Debug, Default)]
struct Pieces(HashMap<u64, Bytes>);

impl Pieces {
    /// The ranges of the streams that the wanted columns need; those that the decoder asks for besides are empty pieces.
    fn wanted(
        &mut self,
        footer: &StripeFooter,
        mut offset: u64,
        end: u64,
        reading: &TableReading,
    ) -> Result<Vec<Range<u64>>> {
        let mut ranges = Vec::new();
        for stream in &footer.streams {
            let after = offset.checked_add(stream.length()).filter(|after| *after <= end);
            let after = after.ok_or_else(|| damaged("a stream is longer than its stripe"))?;
            if Kind::try_from(stream.kind.unwrap_or_default()).is_err() {
                return Err(damaged("a stream is of an unknown kind"));
            }
            if after > offset && reading.root.contains_column_index(stream.column() as usize) {
                match stream.kind() {
                    Kind::Present
                    | Kind::Data
                    | Kind::Length
                    | Kind::DictionaryData
                    | Kind::DictionaryCount
                    | Kind::Secondary => ranges.push(offset..after),
                    _ => {
                        self.0.insert(offset, Bytes::new());
                    }
                }
            }
            offset = after;
        }
        Ok(ranges)
    }
}

impl ChunkReader for Pieces {
    type T = bytes::buf::Reader<Bytes>;

    fn len(&self) -> u64 {
        self.0.values().map(|piece| piece.len() as u64).sum()
    }

    fn get_read(&self, offset_from_start: u64) -> io::Result<Self::T> {
        let piece = self.0.get(&offset_from_start).cloned();
        piece
            .map(Buf::reader)
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    fn get_bytes(&self, offset_from_start: u64, length: u64) -> io::Result<Bytes> {
        match length {
            0 => Ok(Bytes::new()),
            _ => self
                .get_read(offset_from_start)
                .map(bytes::buf::Reader::into_inner),
        }
    }
}
