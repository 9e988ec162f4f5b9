//! Rows as bytes: Spark's UnsafeRow.

mod rows;

pub use rows::Rows;
