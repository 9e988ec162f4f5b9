//! The functions of event time: `window` and `window_time`.
//!
//! A call is a mark in a plan until [`resolve_time_windows`] has made nodes of it, since a window drops rows without a time
//! and a sliding one multiplies rows: both are more than a function can do.

mod assign;
mod resolve;
mod slices;
mod spec;
#[cfg(test)]
mod tests;
mod window;
mod window_time;

pub(crate) use resolve::{
    ResolveTimeWindows, WINDOW_COLUMN, resolve_time_windows, resolve_time_windows_with,
};
pub(crate) use slices::{WindowSlices, by_slices};
pub(crate) use window::window_udf;
pub use window::{window, window_with};
pub use window_time::window_time;
pub(crate) use window_time::window_time_udf;
