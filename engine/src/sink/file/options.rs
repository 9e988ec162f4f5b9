//! What the writer's options and the confs say about a file sink.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use tidemill_checkpoint::{CompactibleLogOptions, Fsync};
use tidemill_sql::dialect::UNNAMED_COLUMN_PREFIX;
use tidemill_sql::record::{
    CSV_WRITE_OPTIONS, CsvWriteOptions, JSON_WRITE_OPTIONS, JsonWriteOptions, OptionSupport, RecordOption,
    TEXT_WRITE_OPTIONS, TextWriteOptions,
};

use super::partition::PartitionLayout;
use super::writer::{
    ParquetFormat, PartFormat, RecordFormat, RecordOptions, TextCodec, TimestampType, record_error,
};
use crate::file_uri::FileUri;
use crate::options::invalid_value;
use crate::sink::SinkContext;
use crate::{Conf, OptionSpec, Options, Result, TidemillError};

/// Opens a query on an output whose log is ahead of its checkpoint and lets the logged batches pass, as Spark does.
pub const SKIP_LOGGED_BATCHES: &str = "tidemill.sink.skipLoggedBatches";
/// How many part files one task keeps open at once.
pub const MAX_OPEN_FILES: &str = "tidemill.sink.maxOpenFiles";
const DEFAULT_MAX_OPEN_FILES: u64 = 128;

/// How many rows a part file may have; not above 0 for no limit. A conf of Spark's says it for all sinks.
const MAX_RECORDS_PER_FILE: &str = "maxRecordsPerFile";
const MAX_RECORDS_PER_FILE_CONF: &str = "spark.sql.files.maxRecordsPerFile";

/// What every format understands.
const COMMON_OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("path"),
    OptionSpec::Known("retention"),
    OptionSpec::Known("compression"),
    OptionSpec::Known(SKIP_LOGGED_BATCHES),
    OptionSpec::Known(MAX_OPEN_FILES),
    OptionSpec::Known(MAX_RECORDS_PER_FILE),
];

/// Options of Spark's Parquet writer.
const PARQUET_OPTIONS: &[OptionSpec] = &[
    // It only matters to readers; Spark takes it in a writer too.
    OptionSpec::Known("mergeSchema"),
];

/// A file sink's settings, checked.
#[derive(Debug)]
pub(crate) struct FileSinkOptions {
    pub(crate) root: FileUri,
    pub(crate) format: Arc<PartFormat>,
    pub(crate) extension: Arc<str>,
    pub(crate) layout: Arc<PartitionLayout>,
    pub(crate) log: CompactibleLogOptions,
    pub(crate) skip_logged_batches: bool,
    pub(crate) max_open_files: usize,
    pub(crate) max_records_per_file: Option<NonZeroUsize>,
    pub(crate) fsync: Fsync,
}

impl FileSinkOptions {
    /// Reads and checks them; `format` is the sink's lower-case name.
    pub(crate) fn parse(format: &str, ctx: &SinkContext) -> Result<Self> {
        let specs = match format {
            "json" => record_specs(JSON_WRITE_OPTIONS),
            "csv" => record_specs(CSV_WRITE_OPTIONS),
            "text" => record_specs(TEXT_WRITE_OPTIONS),
            _ => PARQUET_OPTIONS.to_vec(),
        };
        ctx.options
            .check(&format!("sink '{format}'"), &[COMMON_OPTIONS, &specs])?;
        let path = ctx.options.get("path").filter(|p| !p.trim().is_empty());
        let path = path.ok_or_else(|| TidemillError::invalid("MISSING_PATH", "'path' is not specified"))?;
        check_names(&ctx.schema)?;
        let time_zone = ctx.conf.get("spark.sql.session.timeZone").unwrap_or("UTC");
        let layout = PartitionLayout::new(&ctx.schema, &ctx.partition_by, time_zone)?;
        let (format, extension) = match format {
            "parquet" => parquet_format(ctx, &layout)?,
            record => record_format(record, ctx, &layout, time_zone)?,
        };
        let max_open_files = ctx
            .options
            .get_positive(MAX_OPEN_FILES)?
            .unwrap_or(DEFAULT_MAX_OPEN_FILES);
        Ok(Self {
            root: FileUri::parse(path)?,
            format: Arc::new(format),
            extension: Arc::from(extension),
            layout: Arc::new(layout),
            log: log_options(&ctx.options, &ctx.conf)?,
            skip_logged_batches: skip_logged_batches(ctx)?,
            max_open_files: usize::try_from(max_open_files).unwrap_or(usize::MAX),
            max_records_per_file: max_records_per_file(ctx)?,
            fsync: ctx.conf.fsync(),
        })
    }
}

fn max_records_per_file(ctx: &SinkContext) -> Result<Option<NonZeroUsize>> {
    let of_conf = || ctx.conf.get(MAX_RECORDS_PER_FILE_CONF);
    let Some(text) = ctx.options.get(MAX_RECORDS_PER_FILE).or_else(of_conf) else {
        return Ok(None);
    };
    let records: i64 = text
        .trim()
        .parse()
        .map_err(|_| invalid_value(MAX_RECORDS_PER_FILE, text, "a whole number of rows"))?;
    Ok(usize::try_from(records).ok().and_then(NonZeroUsize::new))
}

/// Refuses a column whose name in Spark is not known: rows that Spark adds later would come under another name.
fn check_names(schema: &Schema) -> Result<()> {
    let unnamed = |f: &FieldRef| f.name().starts_with(UNNAMED_COLUMN_PREFIX);
    match schema.fields().iter().position(unnamed) {
        None => Ok(()),
        Some(at) => Err(TidemillError::invalid(
            "COLUMN_ALIAS_REQUIRED",
            format!(
                "Column {} of the query has no name that is known to be Spark's: give it one with AS.",
                at + 1
            ),
        )),
    }
}

/// The record encoders' options as this crate checks them.
fn record_specs(options: &[RecordOption]) -> Vec<OptionSpec> {
    let spec = |option: &RecordOption| match option.support {
        OptionSupport::Implemented | OptionSupport::ByCaller => OptionSpec::Known(option.name),
        OptionSupport::NotImplemented { default } => OptionSpec::NotImplemented {
            name: option.name,
            default,
        },
    };
    options.iter().map(spec).collect()
}

fn record_format(
    format: &str,
    ctx: &SinkContext,
    layout: &PartitionLayout,
    time_zone: &str,
) -> Result<(PartFormat, String)> {
    let get = |name: &str| {
        let of_conf = || match name {
            "ignoreNullFields" => ctx.conf.get("spark.sql.jsonGenerator.ignoreNullFields"),
            _ => None,
        };
        ctx.options.get(name).or_else(of_conf).map(str::to_owned)
    };
    let name = ctx
        .options
        .get("compression")
        .or_else(|| ctx.options.get("codec"));
    let codec = TextCodec::parse(name.unwrap_or("none"))?;
    let (options, kind) = match format {
        "json" => {
            let options = JsonWriteOptions::from_options(&get, time_zone).map_err(record_error)?;
            (RecordOptions::Json(options), "json")
        }
        "csv" => {
            let options = CsvWriteOptions::from_options(&get, time_zone).map_err(record_error)?;
            (
                RecordOptions::Csv(options),
                ctx.options.get("extension").unwrap_or("csv"),
            )
        }
        _ => (
            RecordOptions::Text(TextWriteOptions::from_options(&get).map_err(record_error)?),
            "txt",
        ),
    };
    let format = RecordFormat::new(Arc::clone(layout.data_schema()), options, codec)?;
    Ok((
        PartFormat::Record(format),
        format!(".{kind}{}", codec.extension()),
    ))
}

fn skip_logged_batches(ctx: &SinkContext) -> Result<bool> {
    let conf = match ctx.conf.get(SKIP_LOGGED_BATCHES) {
        Some(_) => ctx.conf.get_bool(SKIP_LOGGED_BATCHES)?,
        None => false,
    };
    ctx.options.get_bool(SKIP_LOGGED_BATCHES, conf)
}

fn log_options(options: &Options, conf: &Conf) -> Result<CompactibleLogOptions> {
    let compact_interval = conf.get_u64("spark.sql.streaming.fileSink.log.compactInterval")?;
    if compact_interval == 0 {
        return Err(invalid_value(
            "spark.sql.streaming.fileSink.log.compactInterval",
            "0",
            "a positive integer",
        ));
    }
    let retention_ms = match options.get("retention") {
        Some(text) => {
            let mut conf = Conf::new();
            conf.set("retention", text);
            Some(i64::try_from(conf.get_duration_ms("retention")?).unwrap_or(i64::MAX))
        }
        None => None,
    };
    Ok(CompactibleLogOptions {
        compact_interval,
        cleanup_delay_ms: conf.get_duration_ms("spark.sql.streaming.fileSink.log.cleanupDelay")?,
        deletion: conf.get_bool("spark.sql.streaming.fileSink.log.deletion")?,
        min_batches_to_retain: conf.get_u64("spark.sql.streaming.minBatchesToRetain")?,
        retention_ms,
    })
}

fn parquet_format(ctx: &SinkContext, layout: &PartitionLayout) -> Result<(PartFormat, String)> {
    let conf = ctx
        .conf
        .get("spark.sql.parquet.compression.codec")
        .unwrap_or("snappy");
    let name = ctx.options.get("compression").unwrap_or(conf);
    let (compression, extension) = parquet_compression(name)?;
    let key = "spark.sql.parquet.outputTimestampType";
    let timestamps = match ctx.conf.get(key).unwrap_or("INT96").to_ascii_uppercase().as_str() {
        "INT96" => TimestampType::Int96,
        "TIMESTAMP_MICROS" => TimestampType::Micros,
        "TIMESTAMP_MILLIS" => TimestampType::Millis,
        other => {
            return Err(TidemillError::invalid(
                "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS",
                format!(
                    "The value '{other}' in the config \"{key}\" is invalid. The value should be one of INT96, \
                     TIMESTAMP_MICROS, TIMESTAMP_MILLIS."
                ),
            ));
        }
    };
    let format = ParquetFormat::new(layout.data_schema(), timestamps, compression)?;
    Ok((PartFormat::Parquet(format), format!("{extension}.parquet")))
}

/// The codec, and what Spark puts before `.parquet` for it.
fn parquet_compression(name: &str) -> Result<(Compression, &'static str)> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "none" | "uncompressed" => (Compression::UNCOMPRESSED, ""),
        "snappy" => (Compression::SNAPPY, ".snappy"),
        "gzip" => (Compression::GZIP(GzipLevel::default()), ".gz"),
        "zstd" => (Compression::ZSTD(zstd_level()), ".zstd"),
        "lz4_raw" => (Compression::LZ4_RAW, ".lz4raw"),
        "brotli" => (Compression::BROTLI(BrotliLevel::default()), ".br"),
        "lz4" | "lzo" => {
            return Err(TidemillError::unsupported(
                "UNSUPPORTED_OPTION_VALUE",
                format!("the Parquet codec '{name}' is not implemented; lz4_raw is its successor"),
            ));
        }
        _ => {
            return Err(TidemillError::invalid(
                "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION",
                format!(
                    "The codec {name} is not available. Available codecs are brotli, uncompressed, lz4_raw, gzip, \
                     snappy, none, zstd."
                ),
            ));
        }
    })
}

/// Level 3, as Spark's default.
fn zstd_level() -> ZstdLevel {
    ZstdLevel::try_new(3).unwrap_or_default()
}
