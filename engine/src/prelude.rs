//! What most programs need: `use tidemill::prelude::*;`.

pub use crate::{
    DataFrameStreamingExt, DataStreamReader, DataStreamWriter, OutputMode, Result, StreamingQuery,
    StreamingQueryListener, StreamingSession, TidemillError, Trigger,
};
