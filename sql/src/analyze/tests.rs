//! The refusals, by plan and mode.
