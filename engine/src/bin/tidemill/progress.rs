//! What standard error shows of running queries: live lines on a terminal, or every progress as JSON.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tidemill::{QueryProgressEvent, StreamingQueryListener, StreamingQueryProgress};
use uuid::Uuid;

use crate::arguments::Progress;

/// Counts what queries do and shows it; clones share the counts.
#[derive(Clone)]
pub(crate) struct Watcher {
    inner: Arc<Inner>,
}

struct Inner {
    show: Progress,
    lines: Option<MultiProgress>,
    runs: Mutex<HashMap<Uuid, RunCounts>>,
}

/// What one run has done so far.
#[derive(Default)]
struct RunCounts {
    batches: u64,
    rows: u64,
    line: Option<ProgressBar>,
}

impl Watcher {
    /// A watcher for standard error as it is now.
    pub(crate) fn new(show: Progress) -> Self {
        let live = show == Progress::Auto && std::io::stderr().is_terminal();
        Self {
            inner: Arc::new(Inner {
                show,
                lines: live.then(MultiProgress::new),
                runs: Mutex::default(),
            }),
        }
    }

    /// Runs `write` with the live lines out of the way.
    pub(crate) fn quietly<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.inner.lines {
            Some(lines) => lines.suspend(write),
            None => write(),
        }
    }

    /// Says what a finished run has done.
    pub(crate) fn finished(&self, table: &str, run: Uuid) {
        let counts = self.runs().remove(&run).unwrap_or_default();
        if let Some(line) = counts.line {
            line.finish_and_clear();
        }
        if self.inner.show != Progress::Auto {
            return;
        }
        let text = if counts.batches == 0 {
            format!("{table}: nothing new, no batch was run")
        } else {
            format!(
                "{table}: {}, {} read",
                counted(counts.batches, "batch", "batches"),
                counted(counts.rows, "row", "rows")
            )
        };
        self.quietly(|| eprintln!("{text}"));
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<Uuid, RunCounts>> {
        self.inner.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, progress: &StreamingQueryProgress) {
        let mut runs = self.runs();
        let counts = runs.entry(progress.run_id).or_default();
        if progress.duration_ms.contains_key("addBatch") {
            counts.batches += 1;
            counts.rows += progress.num_input_rows();
        }
        let Some(lines) = &self.inner.lines else { return };
        let line = counts.line.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            lines.add(ProgressBar::new_spinner().with_style(style))
        });
        line.set_message(format!(
            "{}: batch {}, {}, {:.0} rows/s",
            progress.name.as_deref().unwrap_or("query"),
            progress.batch_id,
            counted(counts.rows, "row", "rows"),
            progress.processed_rows_per_second()
        ));
        line.tick();
    }
}

impl StreamingQueryListener for Watcher {
    fn on_query_progress(&self, event: &QueryProgressEvent) {
        if self.inner.show == Progress::Json {
            eprintln!("{}", event.progress.json());
        }
        self.count(&event.progress);
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
