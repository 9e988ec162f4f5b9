//! ORC files: `orc-rust` decodes the columns of a stripe; what Spark makes of a file is decided here.
//!
//! - [`tail`]: what a file says of itself at its end, and [`schema`]: the columns that Spark sees in it.
//! - [`reading`]: how a file's columns become a table's, found by name and converted only as Spark converts them.
//! - [`stripe`]: one stripe's bytes, read in ranges, and its batches; [`times`] undoes how its writer stored times.
//! - [`opener`]: a file as a stream of batches, one stripe in memory at a time.

mod opener;
mod reading;
mod schema;
mod stripe;
mod tail;
mod times;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::blocking::run_blocking;
use crate::{ErrorKind, Result, TidemillError};

pub(super) use opener::OrcOpener;
pub(super) use schema::file_schema;

/// A file that is not what it should be.
fn damaged(what: impl std::fmt::Display) -> TidemillError {
    TidemillError::new(
        ErrorKind::Corrupt,
        "FAILED_READ_FILE.NO_HINT",
        format!("Malformed ORC file: {what}."),
    )
}

/// The value of work that decodes. The decoder breaks off where bytes make no sense: the file is damaged.
fn decoded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(damaged("its content cannot be decoded")))
}

/// As [`decoded`], on the blocking pool.
async fn decoded_elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    run_blocking(move || decoded(work)).await?
}
