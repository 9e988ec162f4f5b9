//! Versioned state stores in Spark's file format.
//!
//! A state store is a versioned map of bytes to bytes per operator, state partition and store name: batch N loads
//! version N and commits version N+1. Rows are Spark's UnsafeRow, files are Spark's delta and snapshot files.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

mod codec;
mod conf;
mod error;
mod file;
mod id;
mod memory;
mod metrics;
mod offload;
mod operator_metadata;
mod partition_hash;
mod provider;
mod schema;
mod store;

pub use codec::{Rows, RowsIter, StateRowCodec, holds_floats, is_supported, normalize_keys};
pub use conf::{CompressionCodec, StateStoreConf};
pub use error::{Result, StateError};
pub use id::{OperatorId, StateStoreId, StateStoreVersion};
pub use memory::RowSet;
pub use metrics::StateStoreMetrics;
pub use operator_metadata::{
    OperatorStateMetadata, StateStoreMetadata, check_operators, read_all, write_operator_metadata,
};
pub use partition_hash::{partition_hashes, state_partitions};
pub use provider::{HdfsBackedStateStoreProvider, StateStoreProvider, StateStores};
pub use schema::{
    ColumnFamilySchema, KeyStateEncoderSpec, SchemaCheck, StateSchema, check_key_or_write_schema,
    check_or_write_schema, parse_v3, read_schema, with_stored_nullability,
};
pub use store::{ExpiryIndex, RowHandle, RowVisitor, StateStore, StateStoreSpec, TimeField};
