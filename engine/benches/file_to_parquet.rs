//! Parquet in, filter and project, Parquet out: one file a batch in Tidemill, against one DataFusion batch plan.
//!
//! `cargo bench -p tidemill --bench file_to_parquet [-- RUNS [FILES]]`: 20 files of 500,000 rows in 4 row groups each. Both
//! sides write the same rows with snappy and fsync what they wrote; runs alternate, medians are compared.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs
)]
#[allow(dead_code, reason = "this bench has no batches to take apart")]
mod measure;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionContext, col, lit};
use measure::{durable_write_p50, ms, percentile};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tidemill::{DataFrameStreamingExt, StreamingSession, Trigger};

type BenchResult<T> = Result<T, Box<dyn std::error::Error>>;

const ROWS_A_FILE: i64 = 500_000;
const ROW_GROUP_ROWS: usize = 125_000;

#[tokio::main]
async fn main() -> BenchResult<()> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let runs = numbers.first().copied().unwrap_or(3);
    let files = numbers.get(1).copied().unwrap_or(20);
    let folder = tempfile::Builder::new()
        .prefix("file_to_parquet")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let input = folder.path().join("input");
    std::fs::create_dir_all(&input)?;
    for i in 0..files {
        write_input(&input.join(format!("{i:03}.parquet")), i64::try_from(i)?)?;
    }
    println!(
        "f, one durable small write: p50 {}",
        ms(durable_write_p50(&folder.path().join("floor")))
    );
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for run in 0..runs {
        peer.push(datafusion_batch(&input, &folder.path().join(format!("peer{run}"))).await?);
        ours.push(tidemill_stream(&input, &folder.path().join(format!("ours{run}")), files).await?);
        println!(
            "run {run}: DataFusion {}, Tidemill {}",
            ms(peer[run]),
            ms(ours[run])
        );
    }
    let (ours, peer) = (percentile(&mut ours, 50), percentile(&mut peer, 50));
    println!(
        "median: DataFusion {}, Tidemill {}, ratio {:.2}",
        ms(peer),
        ms(ours),
        ours.as_secs_f64() / peer.as_secs_f64()
    );
    Ok(())
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("auction", DataType::Int64, true),
        Field::new("bidder", DataType::Int64, true),
        Field::new("price", DataType::Int64, true),
        Field::new(
            "date_time",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        Field::new("extra", DataType::Utf8, true),
    ]))
}

/// Numbers that look random and are the same in every run.
fn mix(x: i64) -> i64 {
    x.wrapping_mul(0x5851_F42D_4C95_7F2D)
        .rotate_left(29)
        .wrapping_mul(0x1405_7B7E_F767_814F)
        >> 20
}

fn write_input(path: &Path, file: i64) -> BenchResult<()> {
    let ids: Vec<i64> = (0..ROWS_A_FILE).map(|i| file * ROWS_A_FILE + i).collect();
    let number = |salt: i64, modulus: i64| -> ArrayRef {
        Arc::new(
            ids.iter()
                .map(|i| mix(i ^ salt).rem_euclid(modulus))
                .collect::<Int64Array>(),
        )
    };
    let times =
        TimestampMicrosecondArray::from_iter_values(ids.iter().map(|i| 1_704_067_200_000_000 + i * 100));
    let extra = ids
        .iter()
        .map(|i| format!("{:016x}{:016x}", mix(*i), mix(!*i)))
        .collect::<Vec<_>>();
    let columns: Vec<ArrayRef> = vec![
        number(1, 20_000),
        number(2, 100_000),
        number(3, 10_000_000),
        Arc::new(times.with_timezone("UTC")),
        Arc::new(StringArray::from(extra)),
    ];
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, schema(), Some(properties))?;
    writer.write(&RecordBatch::try_new(schema(), columns)?)?;
    writer.close()?;
    Ok(())
}

fn query(input: DataFrame) -> datafusion::error::Result<DataFrame> {
    input.filter(col("price").gt(lit(1_000_000_i64)))?.select(vec![
        col("auction"),
        col("bidder"),
        col("price"),
        col("date_time"),
        col("extra"),
    ])
}

async fn datafusion_batch(input: &Path, output: &Path) -> BenchResult<Duration> {
    let begin = Instant::now();
    let context = SessionContext::new();
    let mut options = context.state().table_options().parquet.clone();
    options.global.compression = Some("snappy".to_owned());
    let table = context
        .read_parquet(input.display().to_string(), ParquetReadOptions::default())
        .await?;
    let target = format!("{}/", output.display());
    query(table)?
        .write_parquet(&target, DataFrameWriteOptions::new(), Some(options))
        .await?;
    for entry in std::fs::read_dir(output)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(output)?.sync_all()?;
    Ok(begin.elapsed())
}

async fn tidemill_stream(input: &Path, output: &Path, files: usize) -> BenchResult<Duration> {
    let begin = Instant::now();
    let session = StreamingSession::builder()
        .conf("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .build()?;
    let stream = session
        .read_stream()
        .format("parquet")
        .schema(schema())
        .option("maxFilesPerTrigger", "1")
        .load_path(input.display().to_string())
        .await?;
    let running = query(stream)?
        .write_stream()
        .format("parquet")
        .option("checkpointLocation", output.join("checkpoint").display())
        .trigger(Trigger::AvailableNow)
        .start_path(output.join("out").display().to_string())
        .await?;
    running.await_termination(None).await?;
    let took = begin.elapsed();
    let batches = running.last_progress().map_or(0, |p| p.batch_id + 1);
    assert_eq!(usize::try_from(batches)?, files, "one batch a file");
    Ok(took)
}
