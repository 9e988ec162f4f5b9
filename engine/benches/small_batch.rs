//! What a nearly empty stateless batch costs on a local disk with fsync, beside the floor of a durable write.
//!
//! `cargo bench -p tidemill --bench small_batch [-- BATCHES]`: memory to noop (two durable writes a batch) and one small JSON
//! file to noop (three), p50 and p99 over all batches after the first twenty, and what each part of a batch took.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, missing_docs)]

mod durable_write;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{DataFrame, col, lit};
use durable_write::{durable_write_p50, ms, percentile};
use tidemill::source::MemoryStream;
use tidemill::{DataFrameStreamingExt, StreamingQuery, StreamingSession};

const WARM_UP: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let batches = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(500);
    let folder = tempfile::Builder::new()
        .prefix("small_batch")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let floor = durable_write_p50(&folder.path().join("floor"));
    println!("f, one durable small write: p50 {}", ms(floor));
    memory_to_noop(&folder.path().join("memory"), batches).await?;
    file_to_noop(&folder.path().join("file"), batches).await?;
    println!(
        "f again: p50 {}",
        ms(durable_write_p50(&folder.path().join("floor-again")))
    );
    println!("resident memory at the end: {} MB", resident_mb());
    Ok(())
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
    ]))
}

fn query(input: DataFrame) -> datafusion::error::Result<DataFrame> {
    input
        .filter(col("id").gt(lit(0_i64)))?
        .select(vec![col("id") + lit(1_i64), col("name")])
}

async fn start(input: DataFrame, checkpoint: &std::path::Path) -> tidemill::Result<StreamingQuery> {
    query(input)?
        .write_stream()
        .format("noop")
        .option("checkpointLocation", checkpoint.display())
        .start()
        .await
}

async fn memory_to_noop(folder: &std::path::Path, batches: usize) -> Result<(), Box<dyn std::error::Error>> {
    let session = StreamingSession::new()?;
    let stream = MemoryStream::new(schema());
    let running = start(session.read_memory(&stream)?, folder).await?;
    let row = RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from(vec![7])),
            Arc::new(StringArray::from(vec!["seven"])),
        ],
    )?;
    let mut wall = Vec::new();
    let mut parts = Parts::default();
    for _ in 0..batches {
        let begin = Instant::now();
        stream.add_batch(row.clone())?;
        running.process_all_available().await?;
        wall.push(begin.elapsed());
        parts.add(&running);
    }
    report("memory -> noop", wall, &parts);
    running.stop().await?;
    Ok(())
}

async fn file_to_noop(folder: &std::path::Path, batches: usize) -> Result<(), Box<dyn std::error::Error>> {
    let session = StreamingSession::builder()
        .conf("spark.sql.streaming.pollingDelay", "1ms")
        .build()?;
    let input = folder.join("input");
    std::fs::create_dir_all(&input)?;
    let stream = session
        .read_stream()
        .format("json")
        .schema(schema())
        .load_path(input.display().to_string())
        .await?;
    let running = start(stream, &folder.join("checkpoint")).await?;
    let mut wall = Vec::new();
    let mut parts = Parts::default();
    for i in 0..batches {
        let hidden = input.join(format!(".{i}.tmp"));
        std::fs::write(&hidden, format!("{{\"id\":{i},\"name\":\"n{i}\"}}\n"))?;
        let begin = Instant::now();
        std::fs::rename(&hidden, input.join(format!("{i}.json")))?;
        running.process_all_available().await?;
        wall.push(begin.elapsed());
        parts.add(&running);
    }
    report("one JSON file -> noop", wall, &parts);
    running.stop().await?;
    Ok(())
}

/// The parts of each batch, in ms, from its progress.
#[derive(Default)]
struct Parts(std::collections::BTreeMap<String, Vec<Duration>>);

impl Parts {
    fn add(&mut self, query: &StreamingQuery) {
        if let Some(progress) = query.last_progress() {
            for (part, ms) in &progress.duration_ms {
                let took = Duration::from_millis(*ms);
                self.0.entry((*part).to_owned()).or_default().push(took);
            }
        }
    }
}

fn report(what: &str, wall: Vec<Duration>, parts: &Parts) {
    let mut steady: Vec<Duration> = wall.into_iter().skip(WARM_UP).collect();
    println!(
        "{what}: {} batches, wall p50 {}, p99 {}",
        steady.len(),
        ms(percentile(&mut steady, 50)),
        ms(percentile(&mut steady, 99))
    );
    for (part, samples) in &parts.0 {
        let mean = samples.iter().sum::<Duration>() / u32::try_from(samples.len().max(1)).unwrap_or(1);
        println!("  {part}: mean {}", ms(mean));
    }
}

fn resident_mb() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .and_then(|p| p.parse().ok())
        .unwrap_or(0);
    pages * 4096 / 1_000_000
}
