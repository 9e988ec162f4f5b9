//! Complete mode: every batch gives the whole result.

use tidemill::OutputMode;

use super::queries::{OracleQuery, QUERIES};
use super::{Life, Living, batch_result, block_on, for_lives};
use crate::harness::stateful::{Event, select};

async fn check(query: &OracleQuery, life: &Life) {
    let build = select(&query.streaming());
    let mut living = Living::new(life, OutputMode::Complete, &build);
    let mut so_far = Vec::new();
    for step in &life.steps {
        so_far.extend(step.events.iter().cloned());
        let batches = living.step(step).await;
        assert_eq!(batches.len(), 1, "complete mode has no batches without data");
        // Without rows Spark has no group of any set; DataFusion has one of the empty set.
        let expected = if so_far.is_empty() && query.has_grouping_sets() {
            Vec::new()
        } else {
            batch_result(&query.oracle(), Event::batch(&so_far)).await
        };
        assert_eq!(batches[0], expected);
    }
    living.end().await;
}

#[test]
fn every_batch_gives_what_a_batch_query_over_all_rows_so_far_gives() {
    for query in QUERIES {
        for_lives(3, query.stream, |life| block_on(check(query, life)));
    }
}
