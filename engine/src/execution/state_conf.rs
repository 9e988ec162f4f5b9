//! What the confs in force say of a query's state: how it is laid out, and how its stores keep their files.

use tidemill_sql::StateLayout;
use tidemill_state::{CompressionCodec, StateStoreConf};

use crate::conf::STATE_PARTITIONS;
use crate::{Conf, ErrorKind, Result, TidemillError};

/// Spark's name of the provider whose files these are.
const HDFS_PROVIDER: &str = "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider";

/// What the checkpoint's confs say of the state of a query.
pub(super) fn state_layout(conf: &Conf) -> Result<StateLayout> {
    let partitions = conf.get_u64(STATE_PARTITIONS)?;
    let partitions = u32::try_from(partitions)
        .ok()
        .and_then(std::num::NonZeroU32::new)
        .ok_or_else(|| {
            bad_conf(
                "spark.sql.shuffle.partitions",
                &partitions.to_string(),
                "1 and above",
            )
        })?;
    let key = "spark.sql.streaming.aggregation.stateFormatVersion";
    let format = conf.get_u64(key)?;
    match u8::try_from(format) {
        Ok(format @ (1 | 2)) => Ok(StateLayout::new(partitions, format)),
        _ => Err(bad_conf(key, &format.to_string(), "1, 2")),
    }
}

fn bad_conf(key: &str, value: &str, expected: &str) -> TidemillError {
    TidemillError::invalid(
        "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS",
        format!("The value '{value}' in the config \"{key}\" is invalid. It should be one of '{expected}'."),
    )
}

/// The settings of the stores.
pub(super) fn store_conf(conf: &Conf) -> Result<StateStoreConf> {
    let provider = conf
        .get("spark.sql.streaming.stateStore.providerClass")
        .unwrap_or(HDFS_PROVIDER);
    if provider != HDFS_PROVIDER {
        return Err(TidemillError::new(
            ErrorKind::Unsupported,
            "UNSUPPORTED_STATE_STORE_PROVIDER",
            format!(
                "The state store provider {provider} is not supported: only {HDFS_PROVIDER} is. A checkpoint keeps the \
                 provider it began with; go on with it in Spark, or start the query with a new checkpointLocation."
            ),
        ));
    }
    let version = conf.get_u64("spark.sql.streaming.stateStore.checkpointFormatVersion")?;
    if version != 1 {
        return Err(TidemillError::invalid(
            "STATE_STORE_CHECKPOINT_IDS_NOT_SUPPORTED",
            format!(
                "{provider} does not support state store checkpoint ids. Set \
                 spark.sql.streaming.stateStore.checkpointFormatVersion to 1 (it is {version})."
            ),
        ));
    }
    let codec = conf
        .get("spark.sql.streaming.stateStore.compression.codec")
        .unwrap_or("lz4");
    let encoding = conf
        .get("spark.sql.streaming.stateStore.encodingFormat")
        .unwrap_or("unsaferow");
    if !encoding.eq_ignore_ascii_case("unsaferow") {
        return Err(bad_conf(
            "spark.sql.streaming.stateStore.encodingFormat",
            encoding,
            "unsaferow",
        ));
    }
    let mut out = StateStoreConf::default();
    out.compression = CompressionCodec::from_name(codec).ok_or_else(|| unknown_codec(codec))?;
    out.row_checksum = conf.get_bool("spark.sql.streaming.stateStore.rowChecksum.enabled")?;
    out.min_deltas_for_snapshot = conf.get_u64("spark.sql.streaming.stateStore.minDeltasForSnapshot")?;
    out.min_versions_to_retain = conf.get_u64("spark.sql.streaming.minBatchesToRetain")?;
    Ok(out)
}

fn unknown_codec(codec: &str) -> TidemillError {
    TidemillError::invalid(
        "CODEC_NOT_AVAILABLE.WITH_CONF_SUGGESTION",
        format!(
            "The codec {codec} is not available. Consider to set the config \
             spark.sql.streaming.stateStore.compression.codec to one of lz4, zstd, snappy, lzf."
        ),
    )
}
