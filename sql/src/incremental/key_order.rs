//! The order of a deduplication's key columns, for checkpoints that have another than the query's.
//!
//! A checkpoint that pins `spark.sql.dropDuplicates.deterministicKeyOrder.enabled` to false has its key columns in the
//! order of a Scala set of their names. The order decides the key's bytes and its state partition, so it is taken from
//! the names in the checkpoint's schema file; names that do not fit are an error, never a guess.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};
use tidemill_state::OperatorId;

use super::IncrementalExecution;
use crate::logical::StreamingDeduplicate;
use crate::{Result, SqlError};

/// A Scala set of so many names still has them in the order in which they were put in.
const NAMES_IN_ORDER: usize = 4;

impl IncrementalExecution {
    /// The deduplications of the plan.
    pub fn deduplications(&self) -> Vec<OperatorId> {
        let mut found = Vec::new();
        // The closure never fails, so neither does the walk.
        let _ = self.prepared.apply(|node| {
            found.extend(deduplication(node).and_then(|node| Some(node.info.as_ref()?.operator)));
            Ok(TreeNodeRecursion::Continue)
        });
        found
    }

    /// Gives a deduplication's key columns the order of the state, which has them under these names; `None`: there is no
    /// state yet.
    ///
    /// # Errors
    /// `STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE` for names that are not the key's;
    /// `UNSUPPORTED_FEATURE.DROP_DUPLICATES_KEY_ORDER` for a new state whose order only Spark knows.
    pub fn order_keys_as_stored(&mut self, operator: OperatorId, stored: Option<&[String]>) -> Result<()> {
        let prepared = self.prepared.clone().transform_up(|node| {
            let Some(found) = deduplication(&node).filter(|d| is(d, operator)) else {
                return Ok(Transformed::no(node));
            };
            let keys = ordered(&found.keys, stored)?;
            let node = Arc::new(StreamingDeduplicate {
                keys,
                ..found.clone()
            });
            Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })))
        })?;
        self.prepared = prepared.data;
        Ok(())
    }
}

fn deduplication(node: &LogicalPlan) -> Option<&StreamingDeduplicate> {
    match node {
        LogicalPlan::Extension(Extension { node }) => node.as_any().downcast_ref(),
        _ => None,
    }
}

fn is(node: &StreamingDeduplicate, operator: OperatorId) -> bool {
    node.info.as_ref().is_some_and(|info| info.operator == operator)
}

/// The key columns in the order of the stored names.
fn ordered(keys: &[Expr], stored: Option<&[String]>) -> Result<Vec<Expr>> {
    let Some(stored) = stored else {
        return if keys.len() <= NAMES_IN_ORDER {
            Ok(keys.to_vec())
        } else {
            Err(order_unknown(keys.len()))
        };
    };
    let mut rest = keys.to_vec();
    let mut out = Vec::with_capacity(keys.len());
    for name in stored {
        let exact = rest.iter().position(|key| name_of(key) == name);
        let folded = || {
            let same = |key: &Expr| name_of(key).eq_ignore_ascii_case(name);
            let mut places = rest.iter().enumerate().filter(|(_, key)| same(key));
            let (first, _) = places.next()?;
            places.next().is_none().then_some(first)
        };
        match exact.or_else(folded) {
            Some(place) => out.push(rest.remove(place)),
            None => return Err(names_do_not_fit(keys, stored)),
        }
    }
    if rest.is_empty() {
        Ok(out)
    } else {
        Err(names_do_not_fit(keys, stored))
    }
}

fn name_of(key: &Expr) -> &str {
    match key {
        Expr::Column(column) => &column.name,
        _ => "",
    }
}

fn names_do_not_fit(keys: &[Expr], stored: &[String]) -> SqlError {
    let keys: Vec<&str> = keys.iter().map(name_of).collect();
    SqlError::new(
        "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE",
        format!(
            "The checkpoint pins spark.sql.dropDuplicates.deterministicKeyOrder.enabled to false, so the key columns of \
             its deduplication are known by their names alone: it has [{}], the query has [{}]. Give the columns their \
             old names, or start the query with a new checkpointLocation.",
            stored.join(", "),
            keys.join(", ")
        ),
    )
}

fn order_unknown(columns: usize) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE.DROP_DUPLICATES_KEY_ORDER",
        format!(
            "spark.sql.dropDuplicates.deterministicKeyOrder.enabled is false, and there is no state yet that tells the \
             order of the {columns} key columns. Set it to true and start the query with a new checkpointLocation."
        ),
    )
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::col;

    use super::*;

    fn names(keys: &[Expr]) -> Vec<&str> {
        keys.iter().map(name_of).collect()
    }

    fn stored(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn keys_take_the_order_of_the_stored_names() {
        let keys = [col("a"), col("b"), col("c")];
        let found = ordered(&keys, Some(&stored(&["c", "A", "b"]))).unwrap();
        assert_eq!(names(&found), ["c", "a", "b"]);
    }

    #[test]
    fn names_that_are_not_the_keys_are_refused() {
        let keys = [col("a"), col("b")];
        for other in [&["a"][..], &["a", "x"], &["a", "a"], &["a", "b", "c"], &[]] {
            let error = ordered(&keys, Some(&stored(other))).unwrap_err();
            assert_eq!(
                error.condition, "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE",
                "{other:?}"
            );
        }
        let twice = [col("\"Ab\""), col("\"aB\"")];
        assert!(
            ordered(&twice, Some(&stored(&["ab", "AB"]))).is_err(),
            "either could be meant"
        );
        assert!(ordered(&twice, Some(&stored(&["aB", "Ab"]))).is_ok());
    }

    #[test]
    fn a_new_state_has_the_querys_order_where_spark_would_give_it_the_same() {
        let keys: Vec<Expr> = ["d", "c", "b", "a"].iter().map(|name| col(*name)).collect();
        assert_eq!(names(&ordered(&keys, None).unwrap()), ["d", "c", "b", "a"]);
        let five = [&keys[..], &[col("e")]].concat();
        let error = ordered(&five, None).unwrap_err();
        assert_eq!(error.condition, "UNSUPPORTED_FEATURE.DROP_DUPLICATES_KEY_ORDER");
    }
}
