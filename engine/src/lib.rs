//! Tidemill: structured streaming in Rust on DataFusion, with Apache Spark's checkpoint.

mod blocking;
pub mod clock;
mod conf;
mod dataframe;
mod error;
mod execution;
mod file_uri;
pub mod functions;
mod options;
pub mod prelude;
mod progress;
mod query;
mod reader;
mod session;
pub mod sink;
pub mod source;
mod table;
mod trigger;
mod writer;

pub use conf::{Conf, ConfKey};
pub use dataframe::DataFrameStreamingExt;
pub use error::{ErrorKind, Result, TidemillError};
pub use file_uri::FileUri;
pub use options::{OptionSpec, Options};
pub use progress::{
    EventTimeProgress, QueryIdleEvent, QueryProgressEvent, QueryStartedEvent, QueryTerminatedEvent,
    SinkProgressReport, SourceProgress, StateOperatorProgress, StreamingQueryListener,
    StreamingQueryProgress,
};
pub use query::{StreamingQuery, StreamingQueryManager, StreamingQueryStatus};
pub use reader::{DataStreamReader, StreamSchema};
pub use session::{
    FileManagerHook, RowFormat, Script, SqlStatement, StatementResult, StreamingSession,
    StreamingSessionBuilder,
};
pub use tidemill_checkpoint::{BatchId, CheckpointFileManager, Fsync, Offset};
pub use tidemill_sql::OutputMode;
pub use tidemill_sql::dialect::SqlDialect;
pub use trigger::Trigger;
pub use writer::DataStreamWriter;

/// The documents' examples, as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/builder.md")]
    struct Builder;
}
