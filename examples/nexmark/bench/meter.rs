//! What a run takes from the machine: wall time, CPU time, memory, disk.

use std::fs;
use std::path::Path;
use std::time::Instant;

/// Of Linux's /proc, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Counts from where it is made.
pub(crate) struct Meter {
    start: Instant,
    cpu_s: f64,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu_s: process_cpu_s(),
        }
    }

    pub(crate) fn wall_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// CPU seconds of all threads of this process.
    pub(crate) fn cpu_s(&self) -> f64 {
        process_cpu_s() - self.cpu_s
    }
}

fn process_cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the command's name in parentheses; user and system time are the 14th and 15th.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// The most memory that this process had resident, in MB.
pub(crate) fn peak_rss_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<u64>()
            .ok()
    });
    kilobytes.unwrap_or_default() / 1024
}

/// Bytes and number of the files below a folder.
pub(crate) fn files_below(folder: &Path) -> (u64, u64) {
    let Ok(entries) = fs::read_dir(folder) else {
        return (0, 0);
    };
    entries.flatten().fold((0, 0), |(bytes, files), entry| {
        let (more_bytes, more_files) = match entry.metadata() {
            Ok(meta) if meta.is_dir() => files_below(&entry.path()),
            Ok(meta) => (meta.len(), 1),
            Err(_) => (0, 0),
        };
        (bytes + more_bytes, files + more_files)
    })
}
