//! Versioned state stores in Spark's file format.

mod error;
mod id;

pub use error::{Result, StateError};
pub use id::OperatorId;
