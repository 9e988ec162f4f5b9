//! The layouts against the state that Spark wrote.
