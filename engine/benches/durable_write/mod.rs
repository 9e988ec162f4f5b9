//! The floor of every figure here: what one durable small write costs on this disk.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

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
