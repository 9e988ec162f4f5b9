//! Whole queries through DataFusion.
