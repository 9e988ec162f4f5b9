//! What the benches share: the floor of every figure (one durable small write on this disk), percentiles, a batch's parts.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use tidemill::StreamingQuery;

const SAMPLES: usize = 200;

/// The p50 of write, fsync, rename and folder fsync of a 300-byte file in `folder`.
pub(crate) fn durable_write_p50(folder: &Path) -> Duration {
    fs::create_dir_all(folder).expect("the bench folder can be made");
    let handle = File::open(folder).expect("the bench folder opens");
    let content = [b'x'; 300];
    let mut samples: Vec<Duration> = (0..SAMPLES)
        .map(|i| {
            let start = Instant::now();
            let temporary = folder.join(".tmp");
            let mut file = File::create(&temporary).expect("a bench file can be made");
            file.write_all(&content).expect("a bench file can be written");
            file.sync_all().expect("a bench file can be synced");
            fs::rename(&temporary, folder.join(i.to_string())).expect("a bench file can be renamed");
            handle.sync_all().expect("the bench folder can be synced");
            start.elapsed()
        })
        .collect();
    percentile(&mut samples, 50)
}

/// The p-th percentile of some durations (sorts them).
pub(crate) fn percentile(samples: &mut [Duration], p: usize) -> Duration {
    samples.sort_unstable();
    samples
        .get(samples.len().saturating_sub(1) * p / 100)
        .copied()
        .unwrap_or_default()
}

/// Milliseconds with two decimals.
pub(crate) fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// Batches that are not counted.
const WARM_UP: usize = 20;

/// The parts of each batch, in ms, from its progress.
#[derive(Default)]
pub(crate) struct Parts(std::collections::BTreeMap<&'static str, Vec<Duration>>);

impl Parts {
    /// The p50 (of whole milliseconds) and the mean of each part, a line each; `triggerExecution` is the whole batch.
    pub(crate) fn print(&self) {
        for (part, samples) in &self.0 {
            let mean = samples.iter().sum::<Duration>() / u32::try_from(samples.len().max(1)).unwrap_or(1);
            let p50 = percentile(&mut samples.clone(), 50);
            println!("  {part}: p50 {}, mean {}", ms(p50), ms(mean));
        }
    }

    /// Takes the newest batch's parts.
    pub(crate) fn add(&mut self, query: &StreamingQuery) {
        if let Some(progress) = query.last_progress() {
            for (part, ms) in &progress.duration_ms {
                self.0.entry(*part).or_default().push(Duration::from_millis(*ms));
            }
        }
    }
}

/// Prints wall times after the warm-up, and the mean of each part.
pub(crate) fn report(what: &str, wall: Vec<Duration>, parts: &Parts) {
    let mut steady: Vec<Duration> = wall.into_iter().skip(WARM_UP).collect();
    println!(
        "{what}: {} batches, wall p50 {}, p99 {}",
        steady.len(),
        ms(percentile(&mut steady, 50)),
        ms(percentile(&mut steady, 99))
    );
    parts.print();
}

/// What the process holds, in MB.
pub(crate) fn resident_mb() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .and_then(|p| p.parse().ok())
        .unwrap_or(0);
    pages * 4096 / 1_000_000
}
