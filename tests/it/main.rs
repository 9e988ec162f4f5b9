//! The integration tests: one binary, one module per promise (tests/README.md maps them).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod command;
mod docs;
mod golden;
#[path = "../harness/mod.rs"]
mod harness;
mod kill;
mod names;
mod oracle;
mod quickstart;
mod spark;
mod state;
mod tidy;
