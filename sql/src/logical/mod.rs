//! The nodes of a streaming plan that DataFusion does not know, one a file.

mod event_time_watermark;
mod fence;

pub(crate) use event_time_watermark::EventTimeWatermark;
pub(crate) use fence::Fence;
