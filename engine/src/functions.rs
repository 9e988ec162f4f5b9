//! The functions of event time for the builder: windows of time.

pub use tidemill_sql::{window, window_time, window_with};
