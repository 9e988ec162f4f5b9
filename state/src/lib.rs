//! Versioned state stores in Spark's file format.
//!
//! What is here reads the metadata of the stateful operators of a checkpoint and compares it with a plan's.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

mod error;
mod id;
mod operator_metadata;

pub use error::{Result, StateError};
pub use id::OperatorId;
pub use operator_metadata::{OperatorStateMetadata, StateStoreMetadata, check_operators, read_all};
