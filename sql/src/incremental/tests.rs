//! The planning of batches.
