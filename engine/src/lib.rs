//! Tidemill: structured streaming in Rust on DataFusion, with Apache Spark's checkpoint.

mod blocking;
pub mod clock;
mod conf;
mod error;
mod file_uri;
mod options;
pub mod sink;
pub mod source;

pub use conf::Conf;
pub use error::{ErrorKind, Result, TidemillError};
pub use file_uri::FileUri;
pub use options::{OptionSpec, Options};
pub use tidemill_checkpoint::{BatchId, Offset};
pub use tidemill_sql::OutputMode;
