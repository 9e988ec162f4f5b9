//! The names of state.

/// A stateful operator of a plan, numbered from the output side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorId(pub u32);
