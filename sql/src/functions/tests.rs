//! Windows over plans.
