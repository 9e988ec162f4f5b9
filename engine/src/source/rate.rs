//! Rows made by the clock: `rowsPerSecond` rows `(timestamp, value)` for every second since the query first started.
//!
//! An offset is the number of whole seconds since then, as a bare integer; batch `(start, end]` holds the rows of
//! the seconds `[start, end)`, the same however often it is asked for. The first start time stands in `0` of the
//! source's folder as `v1\n<ms>`, so values go on after a restart. A clock that is set back stops the stream until it
//! has caught up: offsets never decrease.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use tidemill_checkpoint::{Creation, Offset};

use super::{ReadLimit, SourceContext, StreamSource, offset};
use crate::{ErrorKind, OptionSpec, Options, Result, TidemillError};

/// The options of the rate source.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("rowsPerSecond"),
    OptionSpec::Known("rampUpTime"),
    OptionSpec::Known("numPartitions"),
    OptionSpec::NotImplemented {
        name: "useManualClock",
        default: Some("false"),
    },
];

/// What the options of a rate source say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateOptions {
    rows_per_second: i64,
    ramp_up_s: i64,
    partitions: i64,
}

impl RateOptions {
    pub(super) fn new(options: &Options, default_partitions: usize) -> Result<Self> {
        options.check("source 'rate'", &[OPTIONS])?;
        let positive = |name: &str, default: i64| match options.get(name) {
            None => Ok(default),
            Some(text) => match text.trim().parse::<i64>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(crate::options::invalid_value(name, text, "a positive integer")),
            },
        };
        let rows_per_second = positive("rowsPerSecond", 1)?;
        let ramp_up_s = match options.get("rampUpTime") {
            None => 0,
            Some(text) => seconds(text).ok_or_else(|| {
                crate::options::invalid_value("rampUpTime", text, "a duration such as '5s'")
            })?,
        };
        if ramp_up_s > i64::MAX / rows_per_second {
            return Err(TidemillError::invalid(
                "INCORRECT_RAMP_UP_RATE",
                format!(
                    "Max offset with {rows_per_second} rowsPerSecond is {}, but 'rampUpTimeSeconds' is {ramp_up_s}.",
                    i64::MAX / rows_per_second
                ),
            ));
        }
        Ok(Self {
            rows_per_second,
            ramp_up_s,
            partitions: positive(
                "numPartitions",
                i64::try_from(default_partitions.max(1)).unwrap_or(1),
            )?,
        })
    }

    /// The value that the first row of this second has. While it ramps up, each second has
    /// `rowsPerSecond / (rampUpTime + 1)` rows more than the one before (integer division, as Spark).
    fn value_at(&self, second: i64) -> Result<i64> {
        let step = self.rows_per_second / (self.ramp_up_s + 1);
        let ramp = second.min(self.ramp_up_s);
        // One of the two factors is even; halving it first keeps the product small.
        let (a, b) = if ramp % 2 == 1 {
            ((ramp + 1) / 2, ramp)
        } else {
            (ramp / 2, ramp + 1)
        };
        a.checked_mul(step)
            .and_then(|value| value.checked_mul(b))
            .and_then(|value| value.checked_add((second - ramp).checked_mul(self.rows_per_second)?))
            .ok_or_else(|| {
                TidemillError::invalid(
                    "INCORRECT_END_OFFSET",
                    format!(
                        "Max offset with {} rowsPerSecond is {}, but it's {second} now.",
                        self.rows_per_second,
                        i64::MAX / self.rows_per_second
                    ),
                )
            })
    }
}

/// `5`, `5s`, `2 min` … in whole seconds.
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: i64 = number.parse().ok()?;
    match unit.trim().to_ascii_lowercase().as_str() {
        "us" => Some(number / 1_000_000),
        "ms" => Some(number / 1_000),
        "" | "s" => Some(number),
        "m" | "min" => number.checked_mul(60),
        "h" => number.checked_mul(3_600),
        "d" => number.checked_mul(86_400),
        _ => None,
    }
}

/// `timestamp TIMESTAMP, value BIGINT`.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(
            "timestamp",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        Field::new("value", DataType::Int64, true),
    ]))
}

/// Opens the source; writes its start time if this is the first start.
pub(super) async fn open(options: RateOptions, context: SourceContext) -> Result<Arc<dyn StreamSource>> {
    let start_ms = start_time(&context).await?;
    Ok(Arc::new(RateSource {
        options,
        start_ms,
        newest_ms: Mutex::new(start_ms),
        frozen: Mutex::new(None),
        context,
    }))
}

async fn start_time(context: &SourceContext) -> Result<i64> {
    let path = format!("{}/0", context.folder);
    if let Some(content) = context.checkpoint.read(&path).await? {
        return parse_start_time(&content, &context.checkpoint.describe(&path));
    }
    let now = context.clock.now_ms();
    let content = Bytes::from(format!("v1\n{now}"));
    match context.checkpoint.create(&path, content).await? {
        Creation::Created => Ok(now),
        Creation::AlreadyExists => Err(TidemillError::new(
            ErrorKind::Concurrent,
            "CONCURRENT_STREAM_LOG_UPDATE",
            format!(
                "Concurrent update to the log. Multiple streaming jobs detected for {}. Please make sure only one \
                 streaming job runs on a specific checkpoint location at a time.",
                context.checkpoint.describe(&path)
            ),
        )),
    }
}

fn parse_start_time(content: &[u8], path: &str) -> Result<i64> {
    let start = std::str::from_utf8(content).ok().and_then(|text| {
        let (version, time) = text.split_once('\n')?;
        (version == "v1").then(|| time.trim().parse().ok())?
    });
    start.ok_or_else(|| {
        TidemillError::new(
            ErrorKind::Corrupt,
            "MALFORMED_RATE_SOURCE_START",
            format!(
                "{path} should hold 'v1' and the start time of the rate source in milliseconds, but holds {:?}; \
                 restore it, or start with a new checkpoint",
                String::from_utf8_lossy(content)
            ),
        )
    })
}

#[derive(Debug)]
struct RateSource {
    options: RateOptions,
    start_ms: i64,
    /// The newest time ever seen or replayed: it never goes back.
    newest_ms: Mutex<i64>,
    /// The last second of an available-now run.
    frozen: Mutex<Option<i64>>,
    context: SourceContext,
}

impl RateSource {
    fn now_second(&self) -> i64 {
        let mut newest = self.newest_ms.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = (*newest).max(self.context.clock.now_ms());
        (*newest - self.start_ms) / 1_000
    }

    fn frozen(&self) -> Option<i64> {
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StreamSource for RateSource {
    fn description(&self) -> String {
        format!(
            // Spark's text has no closing bracket.
            "RateStreamV2[rowsPerSecond={}, rampUpTimeSeconds={}, numPartitions={}",
            self.options.rows_per_second, self.options.ramp_up_s, self.options.partitions
        )
    }

    async fn latest_offset(&self, start: Option<&Offset>, _limit: ReadLimit) -> Result<Option<Offset>> {
        let start = start.map(|o| offset::integer(o, "the rate source")).transpose()?;
        let newest = self.frozen().unwrap_or_else(|| self.now_second());
        Ok(Some(Offset::new(newest.max(start.unwrap_or(0)).to_string())))
    }

    fn reported_latest_offset(&self) -> Option<Offset> {
        let newest = *self.newest_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let second = self.frozen().unwrap_or((newest - self.start_ms) / 1_000);
        Some(Offset::new(second.to_string()))
    }

    async fn batch(&self, start: Option<&Offset>, end: &Offset) -> Result<Arc<dyn TableProvider>> {
        let start = start.map_or(Ok(0), |o| offset::integer(o, "the rate source"))?;
        let end = offset::integer(end, "the rate source")?;
        {
            let mut newest = self.newest_ms.lock().unwrap_or_else(PoisonError::into_inner);
            *newest = (*newest).max(self.start_ms.saturating_add(end.saturating_mul(1_000)));
        }
        let first = self.options.value_at(start)?;
        let last = self.options.value_at(end)?;
        let span_ms = (end - start).saturating_mul(1_000);
        let count = last - first;
        let partitions = (0..self.options.partitions)
            .map(|partition| {
                Arc::new(RatePartition {
                    schema: schema(),
                    first: first + partition,
                    last,
                    step: self.options.partitions,
                    range_start: first,
                    range_start_ms: self.start_ms + start * 1_000,
                    ms_per_value: if count > 0 {
                        span_ms as f64 / count as f64
                    } else {
                        0.0
                    },
                }) as Arc<dyn PartitionStream>
            })
            .collect();
        Ok(Arc::new(StreamingTable::try_new(schema(), partitions)?))
    }

    async fn prepare_for_available_now(&self) -> Result<bool> {
        let now = self.now_second();
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(true)
    }
}

/// Every `step`-th value of a batch, from `first` to before `last`.
#[derive(Clone, Debug)]
struct RatePartition {
    schema: SchemaRef,
    first: i64,
    last: i64,
    step: i64,
    range_start: i64,
    range_start_ms: i64,
    ms_per_value: f64,
}

impl RatePartition {
    fn timestamp_us(&self, value: i64) -> i64 {
        // Spark rounds the distance from the batch's start to milliseconds, halves upwards.
        let relative = ((value - self.range_start) as f64 * self.ms_per_value + 0.5).floor() as i64;
        self.range_start_ms.saturating_add(relative).saturating_mul(1_000)
    }

    /// The next batch from value `from` on, and the value after it; none when there is no more.
    fn rows(&self, from: i64, count: usize) -> Option<(DataFusionResult<RecordBatch>, i64)> {
        let step = usize::try_from(self.step).unwrap_or(usize::MAX);
        let values: Vec<i64> = (from..self.last).step_by(step).take(count).collect();
        let next = values.last()?.saturating_add(self.step);
        let times: Vec<i64> = values.iter().map(|v| self.timestamp_us(*v)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            Arc::new(Int64Array::from(values)),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns);
        Some((batch.map_err(Into::into), next))
    }
}

impl PartitionStream for RatePartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let size = task.session_config().batch_size();
        let partition = self.clone();
        let rows = futures::stream::unfold(self.first, move |from| {
            let rows = partition.rows(from, size);
            async move { rows }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;
    use std::time::Duration;

    use tidemill_checkpoint::Offset;

    use super::super::testing::{Fixture, next};
    use super::super::{ReadLimit, SourceDefinition, StreamSource};
    use super::RateOptions;
    use crate::Options;

    fn options(pairs: &[(&str, &str)]) -> Options {
        pairs.iter().copied().collect()
    }

    async fn open(f: &Fixture, pairs: &[(&str, &str)]) -> Arc<dyn StreamSource> {
        let definition = SourceDefinition::resolve("rate", None, options(pairs), &f.session, &f.conf)
            .await
            .unwrap();
        definition.open(f.context()).await.unwrap()
    }

    #[tokio::test]
    async fn the_values_of_a_spark_checkpoint_go_on() {
        let f = Fixture::new();
        f.put("ckpt/sources/0/0", "v1\n1795227894821", 1);
        f.clock.advance(Duration::from_millis(1_795_227_894_821 + 4_500));
        let source = open(&f, &[("rowsPerSecond", "5"), ("numPartitions", "2")]).await;
        let start = Offset::new("3");
        let end = next(source.as_ref(), Some(&start)).await.unwrap();
        assert_eq!(end.json(), "4");
        let rows = f.rows(source.batch(Some(&start), &end).await.unwrap()).await;
        assert_eq!(
            rows,
            [
                "2026-11-21T02:24:57.821Z,15",
                "2026-11-21T02:24:58.021Z,16",
                "2026-11-21T02:24:58.221Z,17",
                "2026-11-21T02:24:58.421Z,18",
                "2026-11-21T02:24:58.621Z,19",
            ]
        );
        assert_eq!(
            f.rows(source.batch(Some(&start), &end).await.unwrap()).await,
            rows
        );
    }

    #[tokio::test]
    async fn the_first_start_is_written_as_spark_writes_it() {
        let f = Fixture::new();
        f.clock.advance(Duration::from_millis(1_500));
        let source = open(&f, &[]).await;
        assert_eq!(
            fs::read_to_string(f.path("ckpt/sources/0/0")).unwrap(),
            "v1\n1500"
        );
        assert_eq!(next(source.as_ref(), None).await, Some(Offset::new("0")));
        let empty = source.batch(None, &Offset::new("0")).await.unwrap();
        assert!(f.rows(empty).await.is_empty());
    }

    #[tokio::test]
    async fn a_clock_set_back_stops_the_stream_but_not_the_offsets() {
        let f = Fixture::new();
        f.put("ckpt/sources/0/0", "v1\n100000", 1);
        let source = open(&f, &[]).await;
        assert_eq!(next(source.as_ref(), None).await, Some(Offset::new("0")));
        let five = Offset::new("5");
        assert_eq!(next(source.as_ref(), Some(&five)).await, Some(five.clone()));
        let rows = f.rows(source.batch(None, &five).await.unwrap()).await;
        assert_eq!(rows.len(), 5);
        assert_eq!(next(source.as_ref(), None).await, Some(five));
    }

    #[tokio::test]
    async fn available_now_ends_at_the_second_of_its_start() {
        let f = Fixture::new();
        let source = open(&f, &[]).await;
        f.clock.advance(Duration::from_secs(3));
        assert!(source.prepare_for_available_now().await.unwrap());
        f.clock.advance(Duration::from_secs(3));
        let end = source.latest_offset(None, ReadLimit::AllAvailable).await.unwrap();
        assert_eq!(end, Some(Offset::new("3")));
    }

    #[tokio::test]
    async fn a_damaged_start_is_named() {
        let f = Fixture::new();
        f.put("ckpt/sources/0/0", "v1", 1);
        let definition = SourceDefinition::resolve("rate", None, options(&[]), &f.session, &f.conf)
            .await
            .unwrap();
        let error = definition.open(f.context()).await.unwrap_err();
        assert_eq!(error.condition(), "MALFORMED_RATE_SOURCE_START");
        assert!(error.message().contains("sources/0/0"), "{error}");
    }

    #[test]
    fn ramping_up_adds_the_same_number_of_rows_each_second() {
        let rate = RateOptions::new(&options(&[("rowsPerSecond", "10"), ("rampUpTime", "4s")]), 1).unwrap();
        let values: Vec<i64> = (0..8).map(|second| rate.value_at(second).unwrap()).collect();
        assert_eq!(values, [0, 2, 6, 12, 20, 30, 40, 50]);
    }

    #[test]
    fn wrong_options_are_refused() {
        for (pairs, condition) in [
            (&[("rowsPerSecond", "0")][..], "INVALID_OPTION_VALUE"),
            (&[("rampUpTime", "-1")], "INVALID_OPTION_VALUE"),
            (&[("numPartitions", "0")], "INVALID_OPTION_VALUE"),
            (&[("rowsPerSeconds", "1")], "UNKNOWN_OPTION"),
            (
                &[("rowsPerSecond", "9223372036854775807"), ("rampUpTime", "2d")],
                "INCORRECT_RAMP_UP_RATE",
            ),
        ] {
            let error = RateOptions::new(&options(pairs), 1).unwrap_err();
            assert_eq!(error.condition(), condition, "{pairs:?}");
        }
    }
}
