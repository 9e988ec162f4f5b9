//! The operators of a streaming plan, one `*Exec` a file.

mod event_time_watermark;

pub use event_time_watermark::EventTimeWatermarkExec;
pub(crate) use event_time_watermark::EventTimeWatermarkPlanner;
