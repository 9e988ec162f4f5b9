//! A life replayed batch by batch: the progress says which blocks each batch brought, the model by which watermarks it went.

use std::collections::BTreeMap;

use serde_json::Value;
use tidemill::OutputMode;

use super::{Life, Step};
use crate::harness::stateful::{Build, Event, Run, StatefulFixture};
use crate::harness::values::comparable;

/// What one batch went by, in ms since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What is not after this is late: the watermark of the batch before.
    pub(super) late_ms: i64,
    /// What is not after this leaves: the batch's own watermark.
    pub(super) eviction_ms: i64,
}

/// How several watermarks make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Min,
    Max,
}

/// The watermark of a query with one or several watermark operators.
#[derive(Debug)]
pub(super) struct Model {
    policy: Policy,
    delays_ms: Vec<i64>,
    /// By operator: its own watermark, once it has seen a time in this run.
    own_ms: Vec<Option<i64>>,
    /// Of the batch that was last.
    last_ms: i64,
    /// Of the batch that is next.
    next_ms: i64,
}

impl Model {
    /// `delays_ms` by source.
    pub(super) fn new(policy: Policy, delays_ms: &[i64]) -> Self {
        Self {
            policy,
            delays_ms: delays_ms.to_vec(),
            own_ms: vec![None; delays_ms.len()],
            last_ms: 0,
            next_ms: 0,
        }
    }

    /// A new run knows the watermark of the query, and nothing of each operator's.
    fn restart(&mut self) {
        self.own_ms.fill(None);
    }

    /// Runs a batch that brings these events by source.
    fn batch(&mut self, brought: &[Vec<Event>]) -> Limits {
        let limits = Limits {
            late_ms: self.last_ms,
            eviction_ms: self.next_ms,
        };
        self.last_ms = self.next_ms;
        for ((own, delay_ms), events) in self.own_ms.iter_mut().zip(&self.delays_ms).zip(brought) {
            if let Some(newest) = events.iter().filter_map(|e| e.ts_ms).max() {
                *own = (*own).max(Some(newest - delay_ms));
            }
        }
        // An operator that has seen nothing stands at 0.
        let all = self.own_ms.iter().map(|own| own.unwrap_or(0));
        let chosen = match self.policy {
            Policy::Min => all.min(),
            Policy::Max => all.max(),
        };
        self.next_ms = self.next_ms.max(chosen.unwrap());
        limits
    }

    /// Whether a batch without data would let go more than the last one did.
    fn can_evict(&self) -> bool {
        self.next_ms > self.last_ms
    }
}

/// One batch as it ran.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) limits: Limits,
    /// What it brought, by source.
    pub(super) brought: Vec<Vec<Event>>,
    /// What it gave.
    pub(super) given: Vec<Value>,
}

/// A query over `e`, or over `e` and `f`, that lives a life: the events of a step with `g` = 1 go to `f`.
pub(super) struct Replay<'a> {
    fixture: StatefulFixture,
    build: &'a Build,
    no_data_batches: bool,
    model: Model,
    run: Option<Run>,
    /// Every block, by source, and how many of them the batches brought.
    blocks: Vec<Vec<Vec<Event>>>,
    brought: Vec<usize>,
    /// The batches that were looked at.
    seen: u64,
}

impl<'a> Replay<'a> {
    pub(super) fn new(life: &Life, mode: OutputMode, build: &'a Build, model: Model) -> Self {
        let policy = format!("{:?}", model.policy).to_lowercase();
        let fixture = StatefulFixture::new(mode, life.partitions)
            .conf(
                "spark.sql.streaming.noDataMicroBatches.enabled",
                &life.no_data_batches.to_string(),
            )
            .conf("spark.sql.streaming.multipleWatermarkPolicy", &policy);
        let sources = model.delays_ms.len();
        Self {
            fixture,
            build,
            no_data_batches: life.no_data_batches,
            model,
            run: None,
            blocks: vec![Vec::new(); sources],
            brought: vec![0; sources],
            seen: 0,
        }
    }

    /// The batches of a step. Blocks of both streams that come while the query runs may be one batch or two.
    pub(super) async fn step(&mut self, step: &Step) -> Vec<Batch> {
        let started = step.restart || self.run.is_none();
        if started {
            self.end().await;
            self.feed(step);
            self.model.restart();
            self.run = Some(self.fixture.start(self.build).await.unwrap());
        } else {
            self.feed(step);
        }
        let run = self.run.as_ref().unwrap();
        run.query.process_all_available().await.unwrap();
        let progress = run.query.recent_progress();
        let progress = progress.iter().map(|p| serde_json::from_str(&p.json()).unwrap());
        let mut given = self.fixture.take_batches();
        let mut batches = Vec::new();
        for progress in progress.filter(|p: &Value| p["durationMs"]["addBatch"].is_number()) {
            let id = progress["batchId"].as_u64().unwrap();
            if id >= self.seen {
                assert_eq!(id, self.seen, "no batch is left out");
                self.seen += 1;
                batches.push(self.batch(&progress, &mut given));
            }
        }
        assert!(given.is_empty(), "batches without progress: {given:?}");
        let fed: Vec<usize> = self.blocks.iter().map(Vec::len).collect();
        assert_eq!(self.brought, fed, "every block came in a batch");
        if self.no_data_batches && !batches.is_empty() {
            assert!(
                !self.model.can_evict(),
                "a batch without data is missing: {:?}",
                self.model
            );
        }
        batches
    }

    fn feed(&mut self, step: &Step) {
        let mut by_source = vec![Vec::new(); self.blocks.len()];
        for event in &step.events {
            let to_other = event.g == Some(1) && by_source.len() > 1;
            by_source[usize::from(to_other)].push(event.clone());
        }
        for (source, events) in by_source.into_iter().enumerate() {
            // A stream of several may be silent.
            if events.is_empty() && self.blocks.len() > 1 {
                continue;
            }
            match source {
                0 => self.fixture.add(&events),
                _ => self.fixture.add_other(&events),
            }
            self.blocks[source].push(events);
        }
    }

    fn batch(&mut self, progress: &Value, given: &mut BTreeMap<u64, Vec<Value>>) -> Batch {
        let mut brought = Vec::new();
        for (source, blocks) in self.blocks.iter().enumerate() {
            let end = progress["sources"][source]["endOffset"].as_u64();
            let end = end.map_or(0, |last| usize::try_from(last).unwrap() + 1);
            brought.push(blocks[self.brought[source]..end].concat());
            self.brought[source] = end;
        }
        let rows: usize = brought.iter().map(Vec::len).sum();
        assert_eq!(progress["numInputRows"], rows);
        let limits = self.model.batch(&brought);
        let watermark = chrono::DateTime::from_timestamp_millis(limits.eviction_ms).unwrap();
        let watermark = watermark.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        assert_eq!(progress["eventTime"]["watermark"], watermark, "{limits:?}");
        let id = progress["batchId"].as_u64().unwrap();
        Batch {
            limits,
            brought,
            given: comparable(given.remove(&id).unwrap_or_default()),
        }
    }

    pub(super) async fn end(&mut self) {
        if let Some(run) = self.run.take() {
            run.session.stop().await.unwrap();
        }
    }
}
