//! Counting by key: many rows beside one batch aggregation of the same rows, and what a small batch costs.
//!
//! `cargo bench -p tidemill --bench stateful_count [-- SMALL_BATCHES]`: 20 million rows of a million keys, a million rows a
//! batch, update mode to noop, with state written and synced, beside DataFusion's aggregation of all of them at once; then
//! batches of 100 rows with four state partitions (p50 and p99 after the first twenty, and each part's mean).

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a bench reads the clock, makes its own files and stops when it cannot run"
)]

mod measure;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, col, lit};
use futures::TryStreamExt;
use measure::{Parts, durable_write_p50, ms, report, resident_mb};
use tidemill::source::MemoryStream;
use tidemill::{DataFrameStreamingExt, OutputMode, StreamingQuery, StreamingSession};

const BATCHES: i64 = 20;
const ROWS_PER_BATCH: i64 = 1_000_000;
const KEYS: i64 = 1_000_000;
const ROWS_PER_RECORD_BATCH: i64 = 8192;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let small_batches = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(300);
    let folder = tempfile::Builder::new()
        .prefix("stateful_count")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let floor = durable_write_p50(&folder.path().join("floor"));
    println!("f, one durable small write: p50 {}", ms(floor));
    small(&folder.path().join("small"), small_batches).await?;
    large(&folder.path().join("large")).await?;
    println!("resident memory at the end: {} MB", resident_mb());
    Ok(())
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("key", DataType::Int64, true)]))
}

/// Rows `from..to`, their keys scattered over `keys` values.
fn rows(from: i64, to: i64, keys: i64) -> RecordBatch {
    let scattered = (from..to).map(|i| scattered(i).rem_euclid(keys));
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from_iter_values(scattered))])
        .expect("the column is the schema's")
}

/// A number that has nothing of the order of the numbers it is made of.
fn scattered(number: i64) -> i64 {
    let number = number.cast_unsigned();
    let mixed = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ mixed >> 31).cast_signed()
}

fn block(number: i64) -> Vec<RecordBatch> {
    let end = (number + 1) * ROWS_PER_BATCH;
    (number * ROWS_PER_BATCH..end)
        .step_by(usize::try_from(ROWS_PER_RECORD_BATCH).expect("a small number"))
        .map(|from| rows(from, end.min(from + ROWS_PER_RECORD_BATCH), KEYS))
        .collect()
}

fn counted(input: DataFrame) -> datafusion::error::Result<DataFrame> {
    input.aggregate(vec![col("key")], vec![count(lit(1_i64))])
}

async fn start(input: DataFrame, checkpoint: &Path) -> Result<StreamingQuery> {
    Ok(counted(input)?
        .write_stream()
        .format("noop")
        .output_mode(OutputMode::Update)
        .option("checkpointLocation", checkpoint.display())
        .start()
        .await?)
}

async fn small(folder: &Path, batches: i64) -> Result<()> {
    let session = StreamingSession::builder()
        .conf("spark.sql.shuffle.partitions", "4")
        .build()?;
    let stream = MemoryStream::new(schema());
    let running = start(session.read_memory(&stream)?, folder).await?;
    let mut wall = Vec::new();
    let mut parts = Parts::default();
    for i in 0..batches {
        let begin = Instant::now();
        stream.add_batch(rows(i * 100, (i + 1) * 100, 10_000))?;
        running.process_all_available().await?;
        wall.push(begin.elapsed());
        parts.add(&running);
    }
    report("100 rows, 4 state partitions -> noop", wall, &parts);
    running.stop().await?;
    Ok(())
}

async fn large(folder: &Path) -> Result<()> {
    let blocks: Vec<_> = (0..BATCHES).map(block).collect();
    let mut ratios = Vec::new();
    for run in 0..3 {
        let batch = one_shot(&blocks).await?;
        let streaming = streamed(&blocks, &folder.join(run.to_string())).await?;
        if run == 0 {
            streaming.parts.print();
        }
        let ratio = streaming.wall.as_secs_f64() / batch.as_secs_f64();
        println!(
            "{BATCHES} batches of {ROWS_PER_BATCH} rows: {} ({:.1} M state updates/s); DataFusion at once {}; ratio {ratio:.2}",
            ms(streaming.wall),
            streaming.updates_per_second() / 1e6,
            ms(batch)
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios.get(1).copied().unwrap_or(f64::NAN));
    Ok(())
}

/// A run of all blocks.
struct Streamed {
    wall: Duration,
    updates: u64,
    parts: Parts,
}

impl Streamed {
    #[allow(clippy::cast_precision_loss, reason = "a printed figure")]
    fn updates_per_second(&self) -> f64 {
        self.updates as f64 / self.wall.as_secs_f64()
    }
}

/// The same rows in one aggregation, its result thrown away as it comes.
async fn one_shot(blocks: &[Vec<RecordBatch>]) -> Result<Duration> {
    let cores = std::thread::available_parallelism()?.get();
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(cores));
    let mut partitions = vec![Vec::new(); cores];
    for (i, batch) in blocks.iter().flatten().enumerate() {
        partitions[i % cores].push(batch.clone());
    }
    let table = MemTable::try_new(schema(), partitions)?;
    let begin = Instant::now();
    let mut result = counted(context.read_table(Arc::new(table))?)?
        .execute_stream()
        .await?;
    while result.try_next().await?.is_some() {}
    Ok(begin.elapsed())
}

async fn streamed(blocks: &[Vec<RecordBatch>], checkpoint: &Path) -> Result<Streamed> {
    let session = StreamingSession::new()?;
    let stream = MemoryStream::new(schema());
    let running = start(session.read_memory(&stream)?, checkpoint).await?;
    let (mut parts, mut updates) = (Parts::default(), 0);
    let begin = Instant::now();
    for block in blocks {
        stream.add_batches(block.clone())?;
        running.process_all_available().await?;
        parts.add(&running);
        let progress = running.last_progress().expect("a batch has run");
        updates += progress
            .state_operators
            .iter()
            .map(|o| o.num_rows_updated)
            .sum::<u64>();
    }
    let wall = begin.elapsed();
    running.stop().await?;
    Ok(Streamed { wall, updates, parts })
}
