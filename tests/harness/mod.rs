//! What the integration tests share: the repository's place, golden cases, the command, Spark.

pub(crate) mod command;
pub(crate) mod entries;
pub(crate) mod golden;
pub(crate) mod spark;
pub(crate) mod stateful;
pub(crate) mod types;
pub(crate) mod values;

use std::path::PathBuf;

use serde_json::Value;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    let engine = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    engine
        .parent()
        .expect("engine lies in the workspace")
        .to_path_buf()
}

/// Rows in the order of their text, so that two results compare as bags.
pub(crate) fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}

/// A small seeded generator for tests that choose at random; the same seed gives the same choices.
pub(crate) struct Seeded(u64);

impl Seeded {
    /// A generator with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 to `below`, which is not reached.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}
