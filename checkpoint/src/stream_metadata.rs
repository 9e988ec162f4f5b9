//! `metadata`: the id of the query, for the life of the checkpoint.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The content of `metadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamMetadata {
    /// The query's id.
    pub id: Uuid,
}
